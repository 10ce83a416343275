// The matrix product. A thread computes 4 x 4 results from registers, with four terms of k at a time: sixteen
// loads feed 64 multiply-adds. Read next: layernorm.ts.
import type { Kernels } from '../contract.ts';
import { curves, kindNumber } from './activation.ts';
import type { Queue } from './queue.ts';
import { type Constants, shader } from './shader.ts';
import { roundBf16 } from './wgsl.ts';

// Where the stored rows of a matrix are a multiple of four long, they are read as `vec4f` (WIDE_A, WIDE_B in
// the names below), else float by float.
//
// A block of op(a) is four columns p, p + 1, p + 2, p + 3, each with the rows i .. i + 3: `mat4x4f`, whose
// columns are exactly those. One of op(b) is four rows p .. p + 3, each with the columns j .. j + 3. Rows and
// columns beyond the matrix repeat the last one and are not stored; terms beyond k are 0.

/** `block_NAME(line, p, lines)`: 4 lines from `line` on, 4 terms from p on; element [term][line]. */
const block = (name: 'a' | 'b', alongTerms: boolean, wide: boolean): string => {
  const NAME = name.toUpperCase();
  const lines = name === 'a' ? 'u.m' : 'u.n';
  const round = `fn round_${name}(x: vec4f) -> vec4f {
    if (!BF16) { return x; }
    return vec4f(round_bf16(x.x), round_bf16(x.y), round_bf16(x.z), round_bf16(x.w));
  }`;
  // Stored [lines, k]: four rows of four terms, transposed. Stored [k, lines]: four rows of four lines.
  const [major, minor, stride] = alongTerms ? [lines, 'u.k', 'u.k'] : ['u.k', lines, lines];
  const four = wide
    ? `return ${name}[(row * ${stride} + col) / 4u];`
    : `let at = row * ${stride};
       let last = ${minor} - 1u;
       return vec4f(${name}[at + min(col, last)], ${name}[at + min(col + 1u, last)],
         ${name}[at + min(col + 2u, last)], ${name}[at + min(col + 3u, last)]);`;
  return `${round}
  fn row_${name}(row: u32, col: u32) -> vec4f { ${four} }
  fn block_${name}(line: u32, p: u32) -> mat4x4f {
    let row = ${alongTerms ? 'line' : 'p'};
    let col = ${alongTerms ? 'p' : 'line'};
    let last = ${major} - 1u;
    let x = mat4x4f(
      round_${name}(row_${name}(min(row, last), col)),
      round_${name}(row_${name}(min(row + 1u, last), col)),
      round_${name}(row_${name}(min(row + 2u, last), col)),
      round_${name}(row_${name}(min(row + 3u, last), col)));
    return ${alongTerms ? 'transpose(x)' : 'x'}; // ${NAME}
  }`;
};

/** `store`: results of one thread, with the epilogue. */
const epilogue = `
fn store(at: u32, j: u32, value: f32) {
  var s = value;
  if (has_bias) { s += bias[j]; }
  if (ACCUMULATE) { s += out[at]; }
  if (ACTIVATION) {
    if (has_pre) { pre[at] = s; }
    s = curve(s);
  }
  if (has_x) { s *= slope(x[at]); }
  out[at] = s;
}
`;

const product = (transA: boolean, transB: boolean, wideA: boolean, wideB: boolean) => {
  const form = `${transA ? 'T' : 'N'}${wideA ? '4' : ''}${transB ? 'T' : 'N'}${wideB ? '4' : ''}`;
  return shader({
    name: `matmul ${form}`,
    buffers: {
      out: '>f32',
      a: wideA ? 'vec4f' : 'f32',
      b: wideB ? 'vec4f' : 'f32',
      bias: 'f32?',
      pre: '>f32?',
      x: 'f32?',
    },
    // `terms`: of one part of k; `parts` of out lie one after the other.
    numbers: { m: 'u32', n: 'u32', k: 'u32', terms: 'u32', tiles_m: 'u32', tiles_n: 'u32' },
    per: 'group',
    code: `${roundBf16}${curves}${block('a', !transA, wideA)}${block('b', transB, wideB)}${epilogue}
      // A group computes TILES_M x TILES_N tiles of ROWS x 4.
      fn run(group: u32, lane: u32) {
        let part = group / (u.tiles_m * u.tiles_n);
        let place = group % (u.tiles_m * u.tiles_n);
        let i = ((place / u.tiles_n) * TILES_M + lane / TILES_N) * ROWS;
        let j = ((place % u.tiles_n) * TILES_N + lane % TILES_N) * 4u;
        if (i >= u.m || j >= u.n) { return; }
        var sums: array<vec4f, ROWS>;
        let first = part * u.terms;
        let end = min(first + u.terms, u.k);
        let whole = first + (end - first) / 4u * 4u;
        for (var p = first; p < whole; p += 4u) {
          let ab = block_a(i, p);
          let bb = block_b(j, p);
          for (var r = 0u; r < ROWS; r++) {
            sums[r] += ab[0][r] * bb[0];
            sums[r] += ab[1][r] * bb[1];
            sums[r] += ab[2][r] * bb[2];
            sums[r] += ab[3][r] * bb[3];
          }
        }
        if (whole < end) {
          let ab = block_a(i, whole);
          let bb = block_b(j, whole);
          for (var q = 0u; q < end - whole; q++) {
            for (var r = 0u; r < ROWS; r++) { sums[r] += ab[q][r] * bb[q]; }
          }
        }
        for (var r = 0u; r < ROWS && i + r < u.m; r++) {
          for (var c = 0u; c < 4u && j + c < u.n; c++) {
            store((part * u.m + i + r) * u.n + j + c, j + c, sums[r][c]);
          }
        }
      }`,
  });
};

// A thread adds the parts of one result, in order.
const addParts = shader({
  name: 'matmul, its parts',
  buffers: { out: '>f32', parts: 'f32', bias: 'f32?', pre: '>f32?', x: 'f32?' },
  numbers: { n: 'u32', parts_of_k: 'u32' },
  code: `${curves}${epilogue}
    fn run(i: u32) {
      var sum = 0.0;
      for (var part = 0u; part < u.parts_of_k; part++) { sum += parts[part * u.count + i]; }
      store(i, i % u.n, sum);
    }`,
});

/** Shaders by form, made when they are first needed. */
const products = new Map<string, ReturnType<typeof product>>();
function productOf(transA: boolean, transB: boolean, wideA: boolean, wideB: boolean) {
  const form = `${transA} ${transB} ${wideA} ${wideB}`;
  const known = products.get(form) ?? product(transA, transB, wideA, wideB);
  products.set(form, known);
  return known;
}

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
      const { m, n, k, transA = false, transB = false, accumulate = false, bias = null } = options;
      if (m * n === 0) return;
      const { activation, slope } = options;
      const kind = activation?.kind ?? slope?.kind ?? 'relu';
      const end = { bias, pre: activation?.pre ?? null, x: slope?.x ?? null };
      const ending: Constants = {
        ACCUMULATE: accumulate,
        ACTIVATION: activation !== undefined,
        KIND: kindNumber(kind),
      };
      const row = productOf(transA, transB, (transA ? m : k) % 4 === 0, (transB ? k : n) % 4 === 0);
      const ROWS = m < 4 ? 1 : 4;
      // A single row of results is computed by 64 threads side by side, others by 8 x 8.
      const [TILES_M, TILES_N] = m <= 4 ? [1, 64] : [8, 8];
      const tiles = Math.ceil(m / ROWS) * Math.ceil(n / 4);
      const parts = partsOf(tiles, k);
      const terms = Math.ceil(k / parts / 4) * 4;
      const tiles_m = Math.ceil(m / ROWS / TILES_M);
      const tiles_n = Math.ceil(n / 4 / TILES_N);
      const numbers = { m, n, k, terms, tiles_m, tiles_n };
      const extent = { count: tiles_m * tiles_n * parts, work: 2 * m * n * Math.max(k, 1) };
      const tile = { BF16: queue.bf16, ROWS: ROWS, TILES_M, TILES_N };
      if (parts === 1) {
        const constants = { ...tile, ...ending };
        return queue.run(row, { out, a, b, ...end }, numbers, { ...extent, constants });
      }
      queue.withScratch(parts * m * n, (sums) => {
        const constants = { ...tile, ACCUMULATE: false, ACTIVATION: false, KIND: 0 };
        const plain = { bias: null, pre: null, x: null };
        queue.run(row, { out: sums, a, b, ...plain }, numbers, { ...extent, constants });
        queue.run(
          addParts,
          { out, parts: sums, ...end },
          { n, parts_of_k: parts },
          { count: m * n, work: m * n * (parts + 4), constants: ending },
        );
      });
    },
  };
}
