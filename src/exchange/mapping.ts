// From our parameters to the tensors of another program. One list serves both directions: exporters read the
// parameters with `valuesFor`, importers write them with `writeInto`. Read next: families.ts.

/** One tensor of another program, and the parameter of ours that it is made of. */
export interface Mapped {
  /** Its name there. */
  theirs: string;
  /** Its shape there, rows before columns. */
  shape: readonly number[];
  /** The name of our parameter; null where our model has none, and zeros do the same. */
  ours: string | null;
  /**
   * It is one of several equal parts of the rows of our parameter: `[0, 3]` the queries, `[1, 3]` the keys,
   * `[2, 3]` the values.
   */
  part?: readonly [index: number, of: number];
  /**
   * Each group of so many of its rows stands several times here: a head of keys or values that several heads
   * of queries share (grouped-query attention, Ainslie et al. 2023). Importers only.
   */
  shared?: { rows: number; times: number };
  /** Rows there are columns here: GPT-2's Conv1D stores [in, out]. */
  transposed?: true;
  /**
   * Rotary pairs are neighbours there: per head, rows (2, hs / 2) become (hs / 2, 2). Here, and in
   * transformers, row i is paired with row i + hs / 2. The number of heads. Exporters only.
   */
  paired?: number;
}

/** The elements of a mapped tensor, in the order of the other program. Often a view of ours: do not write. */
export function valuesFor(mapped: Mapped, weights: ReadonlyMap<string, Float32Array>): Float32Array {
  const { ours, shape, part: [index, of] = [0, 1], transposed, paired } = mapped;
  const size = sizeOf(shape);
  if (ours === null) return new Float32Array(size);
  const whole = weights.get(ours);
  if (!whole) throw new Error(`the model has no parameter ${ours}`);
  if (whole.length !== of * size)
    throw new Error(
      `${ours} has ${whole.length} elements: ${mapped.theirs} [${shape.join(', ')}] needs ${size}`,
    );
  const values = whole.subarray(index * size, (index + 1) * size);
  if (transposed) return transpose(values, shape[1], shape[0]);
  return paired === undefined ? values : pairRows(values, paired, size / shape[0]);
}

/** Elements of a tensor: numbers, or the bits of halves. */
export type Elements = Float32Array | Uint16Array;

/**
 * `valuesFor` read the other way: writes some whole rows of a mapped tensor, from row `first` on, into the
 * elements of our parameter. A vector is one column.
 */
export function writeInto<E extends Elements>(ours: E, mapped: Mapped, rows: E, first: number): void {
  const { shape, part: [index] = [0], transposed, shared } = mapped;
  const begin = index * sizeOf(shape) * (shared?.times ?? 1);
  const columns = sizeOf(shape.slice(1));
  if (shared) writeShared(ours.subarray(begin), shared, rows, first, columns);
  else if (transposed) transposeInto(ours.subarray(begin, begin + sizeOf(shape)), rows, first, columns);
  else ours.set(rows as never, begin + first * columns);
}

/** Some rows of a matrix, from row `first` on, to each place of the groups that they belong to. */
function writeShared(
  out: Elements,
  { rows: group, times }: { rows: number; times: number },
  values: Elements,
  first: number,
  columns: number,
): void {
  for (let from = 0; from < values.length; from += columns) {
    const row = first + from / columns;
    const within = row % group;
    for (let copy = 0; copy < times; copy++) {
      const to = ((row - within) * times + copy * group + within) * columns;
      out.set(values.subarray(from, from + columns) as never, to);
    }
  }
}

/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((n, side) => n * side, 1);
}

/** [rows, cols] -> [cols, rows] */
export function transpose(values: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = values[r * cols + c];
  return out;
}

/** Side of the squares that are transposed at a time, so that both their sides stay in the cache. */
const TILE = 32;

/** Some rows [n, cols] of a matrix, from row `first` on, as columns of `out` [cols, all rows]. */
function transposeInto(out: Elements, values: Elements, first: number, cols: number): void {
  const n = values.length / cols;
  const all = out.length / cols;
  for (let r0 = 0; r0 < n; r0 += TILE) {
    const rows = Math.min(n, r0 + TILE);
    for (let c0 = 0; c0 < cols; c0 += TILE) {
      const columns = Math.min(cols, c0 + TILE);
      for (let r = r0; r < rows; r++) {
        let to = c0 * all + first + r;
        for (let from = r * cols + c0; from < r * cols + columns; from++, to += all) out[to] = values[from];
      }
    }
  }
}

/** Rows of `heads` heads, [H, 2, hs / 2, C] -> [H, hs / 2, 2, C]: rotary halves become neighbours. */
export function pairRows(values: Float32Array, heads: number, C: number): Float32Array {
  const out = new Float32Array(values.length);
  const hs = values.length / C / heads;
  const half = hs / 2;
  for (let row = 0; row < heads * hs; row++) {
    const within = row % hs;
    const to = row - within + 2 * (within % half) + Math.floor(within / half);
    out.set(values.subarray(row * C, (row + 1) * C), to * C);
  }
  return out;
}
