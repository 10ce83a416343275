// The matrix product. A thread computes 4 x 4 results from registers, with four terms of k at a time: sixteen
// loads feed 64 multiply-adds. Read next: layernorm.ts.
import { ACTIVATION_KINDS, type Kernels } from '../contract.ts';
import { curves, kindNumber } from './activation.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { roundBf16 } from './wgsl.ts';

// Where the stored rows of a matrix are a multiple of four long, they are read as `vec4f` ("wide"), else
// float by float.
//
// A block is four terms of op(a), each with the rows i .. i + 3, or four terms of op(b), each with the
// columns j .. j + 3. Rows and columns beyond the matrix repeat the last one, and are not stored; terms
// beyond the end are 0. Loops are written out: a matrix that is indexed by a variable lies in memory, not in
// registers.

/**
 * `block_NAME(line, p, end)`: 4 lines (rows of op(a) or columns of op(b)) from `line` on, of terms p to end.
 */
const block = (name: 'a' | 'b', alongTerms: boolean, wide: boolean): string => {
  const lines = name === 'a' ? 'u.m' : 'u.n';
  // Stored [lines, k]: four rows of four terms, transposed. Stored [k, lines]: four rows of four lines.
  const [major, minor] = alongTerms ? [lines, 'u.k'] : ['u.k', lines];
  const [row, col] = alongTerms ? ['line', 'p'] : ['p', 'line'];
  const four = wide
    ? `let x = ${name}[(min(row, ${major} - 1u) * ${minor} + ${col}) / 4u];`
    : `let at = min(row, ${major} - 1u) * ${minor};
       let last = ${minor} - 1u;
       let x = vec4f(${[0, 1, 2, 3].map((c) => `${name}[at + min(${col} + ${c}u, last)]`).join(', ')});`;
  return `
  fn row_${name}(row: u32, line: u32, p: u32) -> vec4f {
    ${four}
    if (!BF16) { return x; }
    return vec4f(round_bf16(x.x), round_bf16(x.y), round_bf16(x.z), round_bf16(x.w));
  }
  fn block_${name}(line: u32, p: u32, end: u32) -> mat4x4f {
    let x = mat4x4f(${[0, 1, 2, 3].map((r) => `row_${name}(${row} + ${r}u, line, p)`).join(', ')});
    var terms = ${alongTerms ? 'transpose(x)' : 'x'};
    if (p + 4u > end) {
      if (p + 1u >= end) { terms[1] = vec4f(); }
      if (p + 2u >= end) { terms[2] = vec4f(); }
      terms[3] = vec4f();
    }
    return terms;
  }`;
};

/** Text for each of `rows` rows of a thread. */
const forRows = (rows: number, text: (row: number) => string): string =>
  Array.from({ length: rows }, (_, row) => text(row)).join('\n');

/** `store`: results of one thread, with the epilogue: none if `kind` is no activation. */
const epilogue = `
fn store(at: u32, j: u32, value: f32) {
  var s = value;
  if (has_bias) { s += bias[j]; }
  if (u.accumulate != 0u) { s += out[at]; }
  if (has_pre) { pre[at] = s; }
  if (u.kind < ${ACTIVATION_KINDS.length}u) {
    if (has_x) { s *= slope(u.kind, x[at]); } else { s = curve(u.kind, s); }
  }
  out[at] = s;
}
`;

/** How a product is computed: what is transposed, what is read as `vec4f`, and rows per thread. */
interface Form {
  transA: boolean;
  transB: boolean;
  wideA: boolean;
  wideB: boolean;
  rows: 1 | 4;
}

const product = ({ transA, transB, wideA, wideB, rows }: Form) =>
  shader({
    name: `matmul ${transA ? 'T' : 'N'}${wideA ? '4' : '1'} ${transB ? 'T' : 'N'}${wideB ? '4' : '1'} x ${rows}`,
    buffers: {
      out: '>f32',
      a: wideA ? 'vec4f' : 'f32',
      b: wideB ? 'vec4f' : 'f32',
      bias: 'f32?',
      pre: '>f32?',
      x: 'f32?',
    },
    // A group computes `high` x `wide` tiles of rows x 4, of a part of k: `terms` of it. Results of the parts
    // lie one after the other.
    numbers: {
      m: 'u32',
      n: 'u32',
      k: 'u32',
      terms: 'u32',
      high: 'u32',
      wide: 'u32',
      accumulate: 'u32',
      kind: 'u32',
    },
    per: 'group',
    code: `${roundBf16}${curves}${block('a', !transA, wideA)}${block('b', transB, wideB)}${epilogue}
      fn run(group: u32, lane: u32) {
        let groups_n = (u.n + 4u * u.wide - 1u) / (4u * u.wide);
        let groups_m = (u.m + ${rows}u * u.high - 1u) / (${rows}u * u.high);
        let part = group / (groups_m * groups_n);
        let place = group % (groups_m * groups_n);
        let i = ((place / groups_n) * u.high + lane / u.wide) * ${rows}u;
        let j = ((place % groups_n) * u.wide + lane % u.wide) * 4u;
        if (i >= u.m || j >= u.n) { return; }
        ${forRows(rows, (r) => `var sum${r} = vec4f();`)}
        let end = min((part + 1u) * u.terms, u.k);
        for (var p = part * u.terms; p < end; p += 4u) {
          let a4 = block_a(i, p, end);
          let b4 = block_b(j, p, end);
          ${forRows(rows, (r) => `sum${r} += a4[0][${r}] * b4[0];`)}
          ${forRows(rows, (r) => `sum${r} += a4[1][${r}] * b4[1];`)}
          ${forRows(rows, (r) => `sum${r} += a4[2][${r}] * b4[2];`)}
          ${forRows(rows, (r) => `sum${r} += a4[3][${r}] * b4[3];`)}
        }
        for (var r = 0u; r < ${rows}u && i + r < u.m; r++) {
          var sum = sum0;
          ${forRows(rows, (r) => (r === 0 ? '' : `if (r == ${r}u) { sum = sum${r}; }`))}
          for (var c = 0u; c < 4u && j + c < u.n; c++) {
            store((part * u.m + i + r) * u.n + j + c, j + c, sum[c]);
          }
        }
      }`,
  });

// A thread adds the parts of one result, in order.
const addParts = shader({
  name: 'matmul, its parts',
  buffers: { out: '>f32', parts: 'f32', bias: 'f32?', pre: '>f32?', x: 'f32?' },
  numbers: { n: 'u32', parts_of_k: 'u32', accumulate: 'u32', kind: 'u32' },
  code: `${curves}${epilogue}
    fn run(i: u32) {
      var sum = 0.0;
      for (var part = 0u; part < u.parts_of_k; part++) { sum += parts[part * u.count + i]; }
      store(i, i % u.n, sum);
    }`,
});

/** Shaders by form, made when they are first needed. */
const products = new Map<string, ReturnType<typeof product>>();
function productOf(form: Form): ReturnType<typeof product> {
  const key = Object.values(form).join();
  const known = products.get(key) ?? product(form);
  products.set(key, known);
  return known;
}

/** The kind of a product without activation. */
const NO_CURVE = ACTIVATION_KINDS.length;

/** Tiles below which k is divided among threads, and the fewest terms of a part. */
const FEW_TILES = 8192;
const LEAST_TERMS = 256;

/** Into how many parts k is divided: depends on the shape alone, so that the bits do too. */
function partsOf(tiles: number, k: number): number {
  return Math.max(1, Math.min(Math.ceil(FEW_TILES / tiles), Math.floor(k / LEAST_TERMS)));
}

export function matmulKernels(queue: Queue): Pick<Kernels, 'matmul'> {
  return {
    matmul(out, a, b, options) {
      const { m, n, k, transA = false, transB = false, activation, slope } = options;
      if (m * n === 0) return;
      const rows = m < 4 ? 1 : 4;
      const [wideA, wideB] = [(transA ? m : k) % 4 === 0, (transB ? k : n) % 4 === 0];
      const row = productOf({ transA, transB, wideA, wideB, rows });
      // The tiles of a few rows lie side by side, others 8 x 8.
      const [high, wide] = m <= 4 ? [1, 64] : [8, 8];
      const parts = partsOf(Math.ceil(m / rows) * Math.ceil(n / 4), k);
      const terms = Math.ceil(k / parts / 4) * 4;
      const count = Math.ceil(m / rows / high) * Math.ceil(n / 4 / wide) * parts;
      const work = 2 * m * n * Math.max(k, 1);
      const shape = { m, n, k, terms, high, wide };
      const accumulate = options.accumulate ? 1 : 0;
      const curve = activation?.kind ?? slope?.kind;
      const kind = curve === undefined ? NO_CURVE : kindNumber(curve);
      const end = { bias: options.bias ?? null, pre: activation?.pre ?? null, x: slope?.x ?? null };
      const constants = { BF16: queue.bf16 };
      if (parts === 1) {
        queue.run(row, { out, a, b, ...end }, { ...shape, accumulate, kind }, { count, work, constants });
        return;
      }
      queue.withScratch(parts * m * n, (sums) => {
        const plain = { out: sums, a, b, bias: null, pre: null, x: null };
        queue.run(row, plain, { ...shape, accumulate: 0, kind: NO_CURVE }, { count, work, constants });
        queue.run(
          addParts,
          { out, parts: sums, ...end },
          { n, parts_of_k: parts, accumulate, kind },
          { count: m * n, work: m * n * (parts + 4) },
        );
      });
    },
  };
}
