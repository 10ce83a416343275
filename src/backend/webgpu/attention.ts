// Attention, fused: a thread computes one row and keeps it in registers, so that nothing of size T * T is
// stored. Forward and the gradient of q: a row of a query, which goes through the keys up to it. Gradients of
// k and v: a row of a key, which goes through the queries from it on. Always four of them at a time, in one
// fixed order. Read next: attention-cached.ts, qk-norm.ts.
import { type AttentionShape, type DeviceBuffer, type Dropout, type Kernels, maskRow } from '../contract.ts';
import { DRAWS, draw, drawsOf, philox } from './dropout.ts';
import type { Extent, Queue } from './queue.ts';
import { shader } from './shader.ts';
import { isNan, roundBf16, safeExp, safeLog } from './wgsl.ts';

/** The number of `vec4f` that hold the HS columns of a row. */
const columns = 'const N = (HS + 3) / 4;';

/**
 * `load_NAME(at, c)`: columns 4 c .. 4 c + 3 of the row that begins at element `at` of a buffer of floats, 0
 * beyond the row; `store_NAME(at, c, x)`. `wide`: hs is a multiple of 4, and the buffer one of `vec4f`.
 */
const load = (name: string, wide: boolean): string =>
  wide
    ? `fn load_${name}(at: u32, c: u32) -> vec4f { return ${name}[at / 4u + c]; }`
    : `fn load_${name}(at: u32, c: u32) -> vec4f {
        let p = at + 4u * c;
        let x = vec4f(${name}[p], ${name}[p + 1u], ${name}[p + 2u], ${name}[p + 3u]);
        return select(vec4f(), x, vec4u(4u * c) + vec4u(0u, 1u, 2u, 3u) < vec4u(HS));
      }`;
const store = (name: string, wide: boolean): string =>
  wide
    ? `fn store_${name}(at: u32, c: u32, x: vec4f) { ${name}[at / 4u + c] = x; }`
    : `fn store_${name}(at: u32, c: u32, x: vec4f) {
        for (var j = 0u; j < 4u && 4u * c + j < HS; j++) { ${name}[at + 4u * c + j] = x[j]; }
      }`;

/** An input of products: `row_NAME(at, c)` is a row in their precision. */
const input = (name: string, wide: boolean): string => `${load(name, wide)}
  fn row_${name}(at: u32, c: u32) -> vec4f { return round4(load_${name}(at, c)); }`;

/** A row in registers. */
const row = (name: string): string => `var<private> ${name}: array<vec4f, N>;`;

/** `A_dot_B(at)`: the products of the row A with the rows of the buffer B that begin at `at`. */
const dots = (a: string, b: string): string => `
fn ${a}_dot_${b}(at: vec4u) -> vec4f {
  var sums = vec4f();
  for (var c = 0u; c < N; c++) {
    let x = ${a}[c];
    sums += vec4f(dot(x, row_${b}(at.x, c)), dot(x, row_${b}(at.y, c)),
      dot(x, row_${b}(at.z, c)), dot(x, row_${b}(at.w, c)));
  }
  return sums;
}`;

/** `add_B_to_A(at, p)`: the row A += the sum of the rows of the buffer B that begin at `at`, times p. */
const add = (a: string, b: string): string => `
fn add_${b}_to_${a}(at: vec4u, p: vec4f) {
  for (var c = 0u; c < N; c++) {
    ${a}[c] += p.x * row_${b}(at.x, c) + p.y * row_${b}(at.y, c)
      + p.z * row_${b}(at.z, c) + p.w * row_${b}(at.w, c);
  }
}`;

const LEAST = '-3.0e38';
const common = `${isNan}${roundBf16}${safeExp}${safeLog}${philox}${draw}${columns}
fn round4(x: vec4f) -> vec4f {
  if (!BF16) { return x; }
  return vec4f(round_bf16(x.x), round_bf16(x.y), round_bf16(x.z), round_bf16(x.w));
}
fn exp4(x: vec4f) -> vec4f { return vec4f(safe_exp(x.x), safe_exp(x.y), safe_exp(x.z), safe_exp(x.w)); }
fn max4(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }

// Where the rows of (b, h) begin: its queries in qkv, which lie token_step() apart, then keys, then values;
// its rows of out, which lie row_step() apart.
fn row_step() -> u32 { return u.H * HS; }
fn token_step() -> u32 { return 3u * row_step(); }
fn first_token(bh: u32) -> u32 { return bh / u.H * u.T * token_step() + bh % u.H * HS; }
fn first_row(bh: u32) -> u32 { return bh / u.H * u.T * row_step() + bh % u.H * HS; }

// The keys of a query t: quads(t) times four. With u.strided they lie 16 apart, and their masks come from
// one counter.
fn quads(t: u32) -> u32 {
  if (u.strided != 0u) { return t / 64u * 16u + min(t % 64u, 15u) + 1u; }
  return t / 4u + 1u;
}
fn keys_of(quad: u32) -> vec4u {
  if (u.strided != 0u) { return vec4u(quad / 16u * 64u + quad % 16u) + vec4u(0u, 16u, 32u, 48u); }
  return vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u);
}
// The mask of probability (row, s) is element row * maskRow(T) + s of the dropout: u.row_counters counters
// per row, 16 of them for each 64 elements.
fn counter(row: u32, s: u32) -> u32 {
  let place = u.skip + s;
  return row * u.row_counters + place / 64u * 16u + place % 16u;
}
fn masks_of(rows: vec4u, s: vec4u, strided: bool) -> vec4f {
  var kept = vec4f(1.0);
  if (u.threshold == 0u) { return kept; }
  for (var j = 0u; j < 4u; j++) {
    let words = draw(counter(rows[j], s[j]));
    if (strided) { return select(vec4f(), vec4f(u.kept_scale), words >= vec4u(u.threshold)); }
    kept[j] = select(0.0, u.kept_scale, words[(u.skip + s[j]) / 16u % 4u] >= u.threshold);
  }
  return kept;
}
`;

const numbers = { T: 'u32', H: 'u32', scale: 'f32', strided: 'u32', row_counters: 'u32', ...DRAWS } as const;

const forward = (wide: boolean) => {
  const floats = wide ? 'vec4f' : 'f32';
  return shader({
    name: `attention${wide ? ' 4' : ''}`,
    buffers: { out: `>${floats}`, lse: '>f32', qkv: floats },
    numbers,
    code: `${common}${row('q')}${row('o')}${input('qkv', wide)}${store('out', wide)}
      ${dots('q', 'qkv')}${add('o', 'qkv')}
      fn scores(keys: u32, s: vec4u, t: u32) -> vec4f {
        let at = vec4u(keys) + min(s, vec4u(u.T - 1u)) * token_step();
        return select(vec4f(${LEAST}), u.scale * q_dot_qkv(at), s <= vec4u(t));
      }
      fn run(i: u32) {
        let t = i % u.T;
        let queries = first_token(i / u.T);
        let keys = queries + row_step();
        let values = keys + row_step();
        for (var c = 0u; c < N; c++) { q[c] = row_qkv(queries + t * token_step(), c); }
        var largest = ${LEAST};
        var sum = 0.0;
        if (BF16) { // rounded are the numerators with the largest score of the whole row
          for (var quad = 0u; quad < quads(t); quad++) {
            largest = max(largest, max4(scores(keys, keys_of(quad), t)));
          }
        }
        for (var quad = 0u; quad < quads(t); quad++) {
          let s = keys_of(quad);
          let score = scores(keys, s, t);
          let top = max(largest, max4(score));
          if (top > largest) {
            let shrink = safe_exp(largest - top);
            sum *= shrink;
            for (var c = 0u; c < N; c++) { o[c] *= shrink; }
            largest = top;
          }
          let e = select(vec4f(), exp4(score - largest), s <= vec4u(t));
          sum += e.x + e.y + e.z + e.w;
          let at = vec4u(values) + min(s, vec4u(u.T - 1u)) * token_step();
          add_qkv_to_o(at, round4(masks_of(vec4u(i), s, u.strided != 0u) * e));
        }
        for (var c = 0u; c < N; c++) { store_out(first_row(i / u.T) + t * row_step(), c, o[c] / sum); }
        lse[i] = largest + safe_log(sum);
      }`,
  });
};

// Also writes D[row], the sum over columns of dOut * out.
const queryBackward = (wide: boolean) => {
  const floats = wide ? 'vec4f' : 'f32';
  return shader({
    name: `attentionBackward of q${wide ? ' 4' : ''}`,
    buffers: { dqkv: `>${floats}`, D: '>f32', dOut: floats, out: floats, lse: 'f32', qkv: floats },
    numbers,
    code: `${common}${row('q')}${row('g')}${row('dq')}
      ${input('qkv', wide)}${input('dOut', wide)}${load('out', wide)}${store('dqkv', wide)}
      ${dots('q', 'qkv')}${dots('g', 'qkv')}${add('dq', 'qkv')}
      fn run(i: u32) {
        let t = i % u.T;
        let queries = first_token(i / u.T);
        let keys = queries + row_step();
        let values = keys + row_step();
        let at_out = first_row(i / u.T) + t * row_step();
        var product = 0.0;
        for (var c = 0u; c < N; c++) {
          q[c] = row_qkv(queries + t * token_step(), c);
          g[c] = row_dOut(at_out, c);
          product += dot(load_dOut(at_out, c), load_out(at_out, c));
        }
        D[i] = product;
        let log_sum = lse[i];
        for (var quad = 0u; quad < quads(t); quad++) {
          let s = keys_of(quad);
          let at = min(s, vec4u(u.T - 1u)) * token_step();
          let p = select(vec4f(), exp4(u.scale * q_dot_qkv(vec4u(keys) + at) - log_sum), s <= vec4u(t));
          let dp = masks_of(vec4u(i), s, u.strided != 0u) * g_dot_qkv(vec4u(values) + at);
          add_qkv_to_dq(vec4u(keys) + at, u.scale * round4(p * (dp - product)));
        }
        for (var c = 0u; c < N; c++) { store_dqkv(queries + t * token_step(), c, dq[c]); }
      }`,
  });
};

const keyBackward = (wide: boolean) => {
  const floats = wide ? 'vec4f' : 'f32';
  return shader({
    name: `attentionBackward of k and v${wide ? ' 4' : ''}`,
    buffers: { dqkv: `>${floats}`, D: 'f32', dOut: floats, lse: 'f32', qkv: floats },
    numbers,
    code: `${common}${row('k')}${row('v')}${row('dk')}${row('dv')}
      ${input('qkv', wide)}${input('dOut', wide)}${store('dqkv', wide)}
      ${dots('k', 'qkv')}${dots('v', 'dOut')}${add('dk', 'qkv')}${add('dv', 'dOut')}
      fn run(i: u32) {
        let s = i % u.T;
        let bh = i / u.T;
        let queries = first_token(bh);
        let at_key = queries + row_step() + s * token_step();
        let at_value = at_key + row_step();
        for (var c = 0u; c < N; c++) {
          k[c] = row_qkv(at_key, c);
          v[c] = row_qkv(at_value, c);
        }
        for (var quad = s / 4u; quad < (u.T + 3u) / 4u; quad++) {
          let t = vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u);
          let sees = (t >= vec4u(s)) & (t < vec4u(u.T));
          let there = min(t, vec4u(u.T - 1u));
          let at = vec4u(queries) + there * token_step();
          let at_out = vec4u(first_row(bh)) + there * row_step();
          let rows = vec4u(bh * u.T) + there;
          let log_sum = vec4f(lse[rows.x], lse[rows.y], lse[rows.z], lse[rows.w]);
          let product = vec4f(D[rows.x], D[rows.y], D[rows.z], D[rows.w]);
          let p = select(vec4f(), exp4(u.scale * k_dot_qkv(at) - log_sum), sees);
          let kept = masks_of(rows, vec4u(s), false);
          let dp = kept * v_dot_dOut(at_out);
          add_dOut_to_dv(at_out, round4(kept * p));
          add_qkv_to_dk(at, u.scale * round4(p * (dp - product)));
        }
        for (var c = 0u; c < N; c++) {
          store_dqkv(at_key, c, dk[c]);
          store_dqkv(at_value, c, dv[c]);
        }
      }`,
  });
};

/** A shader for hs of any size, and one for multiples of 4. */
function twoForms<S>(make: (wide: boolean) => S): (hs: number) => S {
  const [narrow, wide] = [make(false), make(true)];
  return (hs) => (hs % 4 === 0 ? wide : narrow);
}

const forwardOf = twoForms(forward);
const queryBackwardOf = twoForms(queryBackward);
const keyBackwardOf = twoForms(keyBackward);

// A thread per row, which computes its scores twice: for their sum, and for the probabilities.
const probabilities = twoForms((wide) =>
  shader({
    name: `attentionProbabilities${wide ? ' 4' : ''}`,
    buffers: { probs: '>f32', qkv: wide ? 'vec4f' : 'f32' },
    numbers: { T: 'u32', H: 'u32', scale: 'f32' },
    code: `${isNan}${safeExp}${columns}${load('qkv', wide)}
      fn score(query: u32, key: u32) -> f32 {
        var sum = 0.0;
        for (var c = 0u; c < N; c++) { sum += dot(load_qkv(query, c), load_qkv(key, c)); }
        return u.scale * sum;
      }
      fn run(i: u32) {
        let t = i % u.T;
        let bh = i / u.T;
        let step = 3u * u.H * HS;
        let queries = bh / u.H * u.T * step + bh % u.H * HS;
        let keys = queries + u.H * HS;
        var largest = ${LEAST};
        var sum = 0.0;
        for (var s = 0u; s <= t; s++) {
          let x = score(queries + t * step, keys + s * step);
          let top = max(largest, x);
          sum = sum * safe_exp(largest - top) + safe_exp(x - top);
          largest = top;
        }
        for (var s = 0u; s < u.T; s++) {
          var p = 0.0;
          if (s <= t) { p = safe_exp(score(queries + t * step, keys + s * step) - largest) / sum; }
          probs[i * u.T + s] = p;
        }
      }`,
  }),
);

const NO_DROPOUT: Dropout = { p: 0, seed: 0, step: 0, site: 0, offset: 0 };

type OfAttention = 'attention' | 'attentionBackward' | 'attentionProbabilities';

/** The numbers and the extent of a pass with `products` products of rows for each pair of tokens. */
function pass(
  { B, T, H, hs, scale }: AttentionShape,
  dropout: Dropout | null,
  { bf16, products }: { bf16: boolean; products: number },
): [Record<keyof typeof numbers, number>, Extent] {
  const draws = drawsOf(dropout ?? NO_DROPOUT);
  const drops = draws.threshold > 0;
  const strided = drops && draws.skip === 0 ? 1 : 0;
  const pairs = (B * H * T * (T + 1)) / 2;
  return [
    { T, H, scale, strided, row_counters: maskRow(T) / 4, ...draws },
    {
      count: B * H * T,
      work: pairs * (2 * products * hs + (drops ? 200 : 0)),
      constants: { HS: hs, BF16: bf16 },
    },
  ];
}

/** `attention` in float32, for attention-cached.ts. */
export function attentionInFloat32(
  queue: Queue,
  out: DeviceBuffer,
  qkv: DeviceBuffer,
  shape: AttentionShape,
): void {
  queue.withScratch(shape.B * shape.H * shape.T, (lse) => {
    queue.run(forwardOf(shape.hs), { out, lse, qkv }, ...pass(shape, null, { bf16: false, products: 2 }));
  });
}

export function attentionKernels(queue: Queue): Pick<Kernels, OfAttention> {
  const { bf16 } = queue;
  return {
    attention(out, lse, qkv, shape, dropout) {
      queue.run(forwardOf(shape.hs), { out, lse, qkv }, ...pass(shape, dropout, { bf16, products: 2 }));
    },
    attentionBackward(dqkv, dOut, out, lse, qkv, shape, dropout) {
      const { B, T, H, hs } = shape;
      queue.withScratch(B * H * T, (D) => {
        queue.run(
          queryBackwardOf(hs),
          { dqkv, D, dOut, out, lse, qkv },
          ...pass(shape, dropout, { bf16, products: 3 }),
        );
        queue.run(
          keyBackwardOf(hs),
          { dqkv, D, dOut, lse, qkv },
          ...pass(shape, dropout, { bf16, products: 4 }),
        );
      });
    },
    attentionProbabilities(probs, qkv, { B, T, H, hs, scale }) {
      const work = B * H * T * T * (2 * hs + 20);
      const constants = { HS: hs };
      queue.run(probabilities(hs), { probs, qkv }, { T, H, scale }, { count: B * H * T, work, constants });
    },
  };
}
