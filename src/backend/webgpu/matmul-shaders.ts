// The shaders of the matrix product. Each result is a sum of fused multiply-adds in the order of k, so that
// it has the same bits in registers and in tiles. Read next: matmul.ts.
import { ACTIVATION_KINDS } from '../contract.ts';
import { curves } from './activation.ts';
import { type Shader, shader } from './shader.ts';
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
      if (p >= end) { terms[0] = vec4f(); }
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

/** How a product is computed: what is transposed, what is read as `vec4f`, and what a thread computes. */
export interface Form {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly wideA: boolean;
  readonly wideB: boolean;
  /** Rows of a thread: 1 or 4 with 4 columns, from registers; or 8 with 8 columns, from shared tiles. */
  readonly rows: 1 | 4 | 8;
}

const numbers = {
  m: 'u32',
  n: 'u32',
  k: 'u32',
  terms: 'u32',
  high: 'u32',
  wide: 'u32',
  accumulate: 'u32',
  kind: 'u32',
} as const;
type End = { bias: 'f32?'; pre: '>f32?'; x: 'f32?' };
type ProductShader = Shader<{ out: '>f32'; a: 'vec4f' | 'f32'; b: 'vec4f' | 'f32' } & End, typeof numbers>;
type PartsShader = Shader<
  { out: '>f32'; parts: 'f32' } & End,
  Record<'n' | 'parts_of_k' | 'accumulate' | 'kind', 'u32'>
>;

/** The sums of a thread, four columns of each row: before the first term, and the term `t` of a block. */
const noSums = (rows: number): string => forRows(rows, (r) => `var sum${r} = vec4f();`);
const addTerm = (rows: number, t: number): string =>
  forRows(rows, (r) => `sum${r} = fma(vec4f(a4[${t}][${r}]), b4[${t}], sum${r});`);

// A thread loads 4 x 4 of each input, which feed 64 multiply-adds.
const inRegisters = ({ rows }: Form): string => `
  fn run(group: u32, lane: u32) {
    let place = place_of(group);
    let i = (place.x * u.high + lane / u.wide) * ${rows}u;
    let j = (place.y * u.wide + lane % u.wide) * 4u;
    if (i >= u.m || j >= u.n) { return; }
    ${noSums(rows)}
    let end = min((place.z + 1u) * u.terms, u.k);
    for (var p = place.z * u.terms; p < end; p += 4u) {
      let a4 = block_a(i, p, end);
      let b4 = block_b(j, p, end);
      ${[0, 1, 2, 3].map((t) => addTerm(rows, t)).join('\n')}
    }
    for (var r = 0u; r < ${rows}u; r++) {
      var sum = sum0;
      ${forRows(rows, (r) => (r === 0 ? '' : `if (r == ${r}u) { sum = sum${r}; }`))}
      store_four(place.z, i + r, j, sum);
    }
  }`;

/** Lines of a tile, and terms that are loaded at once. */
const TILE = 64;
const TERMS = 16;

// 64 threads compute 64 x 64 results, 16 terms at a time: each loads a block of each input into the tiles,
// then reads 8 rows and 8 columns, in fours that lie half a tile apart, for each term.
const inTiles = ({ transA, transB }: Form): string => {
  // Neighbouring lanes load what lies side by side.
  const lanes = (alongTerms: boolean): [string, string] =>
    alongTerms
      ? [`lane / ${TERMS / 4}u`, `lane % ${TERMS / 4}u`]
      : [`lane % ${TILE / 4}u`, `lane / ${TILE / 4}u`];
  const fill = (name: 'a' | 'b', first: string, alongTerms: boolean): string => {
    const [line, term] = lanes(alongTerms);
    const at = (t: number): string => `(4u * (${term}) + ${t}u) * ${TILE / 4}u + ${line}`;
    return `let ${name}4 = block_${name}(${first} + 4u * (${line}), p + 4u * (${term}), end);
      ${[0, 1, 2, 3].map((t) => `tile_${name}[${at(t)}] = ${name}4[${t}];`).join('\n')}`;
  };
  const sums = Array.from({ length: 16 }, (_, i) => `sum${i}`);
  return `
  var<workgroup> tile_a: array<vec4f, ${(TERMS * TILE) / 4}>;
  var<workgroup> tile_b: array<vec4f, ${(TERMS * TILE) / 4}>;
  fn run(group: u32, lane: u32) {
    let place = place_of(group);
    let i = place.x * ${TILE}u;
    let j = place.y * ${TILE}u;
    ${noSums(16)}
    let end = min((place.z + 1u) * u.terms, u.k);
    for (var p = place.z * u.terms; p < end; p += ${TERMS}u) {
      workgroupBarrier();
      ${fill('a', 'i', !transA)}
      ${fill('b', 'j', transB)}
      workgroupBarrier();
      for (var t = 0u; t < ${TERMS}u; t++) {
        let a_0 = tile_a[t * ${TILE / 4}u + lane / 8u];
        let a_1 = tile_a[t * ${TILE / 4}u + ${TILE / 8}u + lane / 8u];
        let b_0 = tile_b[t * ${TILE / 4}u + lane % 8u];
        let b_1 = tile_b[t * ${TILE / 4}u + ${TILE / 8}u + lane % 8u];
        ${sums.map((sum, s) => `${sum} = fma(vec4f(a_${s >> 3}[${(s >> 1) & 3}]), b_${s & 1}, ${sum});`).join('\n')}
      }
    }
    var results = array<vec4f, 16>(${sums.join(', ')});
    for (var s = 0u; s < 16u; s++) {
      let row = i + s / 8u * ${TILE / 2}u + 4u * (lane / 8u) + s / 2u % 4u;
      store_four(place.z, row, j + s % 2u * ${TILE / 2}u + 4u * (lane % 8u), results[s]);
    }
  }`;
};

// A group computes `high` x `wide` times the rows x 4 results of a thread, of a part of k: `terms` of it.
// Results of the parts lie one after the other.
const product = (form: Form): ProductShader => {
  const { transA, transB, wideA, wideB, rows } = form;
  return shader({
    name: `matmul ${transA ? 'T' : 'N'}${wideA ? '4' : '1'} ${transB ? 'T' : 'N'}${wideB ? '4' : '1'} x ${rows}`,
    buffers: {
      out: '>f32',
      a: wideA ? 'vec4f' : 'f32',
      b: wideB ? 'vec4f' : 'f32',
      bias: 'f32?',
      pre: '>f32?',
      x: 'f32?',
    },
    numbers,
    per: 'group',
    code: `${roundBf16}${curves}${block('a', !transA, wideA)}${block('b', transB, wideB)}${epilogue}
      // The place of a group: from top to bottom, from left to right, and its part of k.
      fn place_of(group: u32) -> vec3u {
        let across = (u.n + 4u * u.wide - 1u) / (4u * u.wide);
        let down = (u.m + ${rows}u * u.high - 1u) / (${rows}u * u.high);
        return vec3u(group / across % down, group % across, group / (across * down));
      }
      fn store_four(part: u32, i: u32, j: u32, sum: vec4f) {
        for (var c = 0u; c < 4u && i < u.m && j + c < u.n; c++) {
          store((part * u.m + i) * u.n + j + c, j + c, sum[c]);
        }
      }
      ${rows === 8 ? inTiles(form) : inRegisters(form)}`,
  });
};

// A thread adds the parts of one result, in order.
export const addParts: PartsShader = shader({
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
const products = new Map<string, ProductShader>();
export function productOf(form: Form): ProductShader {
  const key = Object.values(form).join();
  const known = products.get(key) ?? product(form);
  products.set(key, known);
  return known;
}
