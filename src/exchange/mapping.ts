// From our parameters to the tensors of another program, as a list that an importer can read the other way.
// Read next: families.ts.

/** One tensor of another program, and the parameter of ours that it is made of. */
export interface Mapped {
  /** Its name there. */
  theirs: string;
  /** Its shape there, rows before columns. */
  shape: readonly number[];
  /** The name of our parameter; null where our model has none, and zeros do the same. */
  ours: string | null;
  /** It is one third of the rows of our parameter: 0 the queries, 1 the keys, 2 the values. */
  third?: 0 | 1 | 2;
  /** Rows there are columns here: GPT-2's Conv1D stores [in, out]. */
  transposed?: true;
  /**
   * Rotary pairs are neighbours there: per head, rows (2, hs / 2) become (hs / 2, 2). Here, and in
   * transformers, row i is paired with row i + hs / 2. The number of heads.
   */
  paired?: number;
}

/** The elements of a mapped tensor, in the order of the other program. Often a view of ours: do not write. */
export function valuesFor(mapped: Mapped, weights: ReadonlyMap<string, Float32Array>): Float32Array {
  const { ours, shape, third, transposed, paired } = mapped;
  const size = shape.reduce((n, side) => n * side, 1);
  if (ours === null) return new Float32Array(size);
  const whole = weights.get(ours);
  if (!whole) throw new Error(`the model has no parameter ${ours}`);
  const values = third === undefined ? whole : whole.subarray(third * size, (third + 1) * size);
  if (values.length !== size)
    throw new Error(
      `${ours} has ${whole.length} elements: ${mapped.theirs} [${shape.join(', ')}] needs ${size}`,
    );
  if (transposed) return transpose(values, shape[1], shape[0]);
  return paired === undefined ? values : pairRows(values, paired, size / shape[0]);
}

/** [rows, cols] -> [cols, rows] */
export function transpose(values: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = values[r * cols + c];
  return out;
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
