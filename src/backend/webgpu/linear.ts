// The products with INT8 and INT4 weights. A thread computes 4 x 4 results, or one where there are few rows,
// four terms at a time. Read next: int8.ts, int4.ts.
import type { DeviceBuffer } from '../contract.ts';
import { quantize, wordsOf } from './quantize-rows.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';

/** How weights are stored. */
export interface LinearFormat {
  readonly name: 'linearInt8' | 'linearInt4';
  readonly weightsPerByte: 1 | 2;
  /** WGSL: `weights(word)` has the four weights of a word's first bytes as vec4i. */
  readonly weights: string;
  /** WGSL: `packed_dot(x, word)`, the sum of the products with the four bytes of x, by `dot4I8Packed`. */
  readonly packedDot: string;
}

type Activations = 'f32' | 'int8';

export interface LinearShape {
  m: number;
  n: number;
  k: number;
  /** Columns of weight that share a scale: k for INT8. */
  groupSize: number;
  activations: Activations;
}

/** `bytes(word)`: the four signed bytes of a word. */
export const bytes = `
fn bytes(word: u32) -> vec4i {
  return bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
}
`;

const linearShader = (format: LinearFormat, activations: Activations, wide: boolean, packed: boolean) => {
  const int8 = activations === 'int8';
  const sum = int8 ? 'i32' : 'f32';
  // Terms beyond k are 0 in x. Those of weight are whatever comes next, but finite.
  const terms = wide
    ? 'fn terms(row: u32, p: u32) -> vec4f { return x[(row * u.k + p) / 4u]; }'
    : `fn terms(row: u32, p: u32) -> vec4f {
        let at = row * u.k + p;
        let four = vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
        return select(vec4f(), four, vec4u(p) + vec4u(0u, 1u, 2u, 3u) < vec4u(u.k));
      }`;
  const product = int8
    ? `${packed ? format.packedDot : 'fn packed_dot(x: u32, word: u32) -> i32 { return dot(bytes(x), weights(word)); }'}
      fn product(row: u32, p: u32, word: u32) -> i32 {
        return packed_dot(x[row * ((u.k + 3u) / 4u) + p / 4u], word);
      }`
    : `${terms}
      fn product(row: u32, p: u32, word: u32) -> f32 { return dot(terms(row, p), vec4f(weights(word))); }`;
  return shader({
    name: `${format.name} ${activations}${wide ? ' 4' : ''}${packed ? ' packed' : ''}`,
    buffers: {
      out: '>f32',
      x: int8 ? 'u32' : wide ? 'vec4f' : 'f32',
      x_scale: 'f32?',
      weight: 'u32',
      scale: 'f32',
      bias: 'f32?',
    },
    numbers: { m: 'u32', n: 'u32', k: 'u32', group_size: 'u32', row_bytes: 'u32' },
    helpers: `${bytes}${format.weights}`,
    code: `${product}
      fn word_at(byte: u32) -> u32 {
        let low = weight[byte / 4u];
        let shift = 8u * (byte % 4u);
        if (shift == 0u) { return low; }
        return (low >> shift) | (weight[byte / 4u + 1u] << (32u - shift));
      }
      // Rows and columns beyond the matrix repeat the last one and are not stored.
      fn run(index: u32) {
        let tiles = (u.n + COLS - 1u) / COLS;
        let i = index / tiles * ROWS;
        let j = index % tiles * COLS;
        var total: array<array<f32, COLS>, ROWS>;
        for (var first = 0u; first < u.k; first += u.group_size) {
          // Initialised: SwiftShader does not begin anew with a declaration in a loop.
          var sums = array<array<${sum}, COLS>, ROWS>();
          for (var p = first; p < min(first + u.group_size, u.k); p += 4u) {
            for (var c = 0u; c < COLS; c++) {
              let word = word_at(min(j + c, u.n - 1u) * u.row_bytes + p / ${format.weightsPerByte}u);
              for (var r = 0u; r < ROWS; r++) { sums[r][c] += product(min(i + r, u.m - 1u), p, word); }
            }
          }
          for (var c = 0u; c < COLS; c++) {
            let s = scale[first / u.group_size * u.n + min(j + c, u.n - 1u)];
            for (var r = 0u; r < ROWS; r++) { total[r][c] += f32(sums[r][c]) * s; }
          }
        }
        for (var r = 0u; r < ROWS && i + r < u.m; r++) {
          for (var c = 0u; c < COLS && j + c < u.n; c++) {
            var y = total[r][c];
            if (has_x_scale) { y *= x_scale[i + r]; }
            if (has_bias) { y += bias[j + c]; }
            out[(i + r) * u.n + j + c] = y;
          }
        }
      }`,
  });
};

type LinearShader = ReturnType<typeof linearShader>;
const shaders = new Map<string, LinearShader>();
function shaderOf(
  format: LinearFormat,
  activations: Activations,
  wide: boolean,
  packed: boolean,
): LinearShader {
  const key = `${format.name} ${activations} ${wide} ${packed}`;
  const known = shaders.get(key) ?? linearShader(format, activations, wide, packed);
  shaders.set(key, known);
  return known;
}

/** Rows from which on a thread computes 4 x 4 results. */
const MANY_ROWS = 4;

/** out[m, n] = x[m, k] weight[n, k]^T + bias[n]. */
export function linear(
  queue: Queue,
  format: LinearFormat,
  out: DeviceBuffer,
  inputs: { x: DeviceBuffer; weight: DeviceBuffer; scale: DeviceBuffer; bias: DeviceBuffer | null },
  { m, n, k, groupSize, activations }: LinearShape,
): void {
  if (m * n === 0) return;
  const [ROWS, COLS] = m < MANY_ROWS ? [1, 1] : [4, 4];
  const numbers = { m, n, k, group_size: groupSize, row_bytes: Math.ceil(k / format.weightsPerByte) };
  const extent = {
    count: Math.ceil(m / ROWS) * Math.ceil(n / COLS),
    work: 3 * m * n * k,
    constants: { ROWS: ROWS, COLS: COLS },
  };
  if (activations === 'f32') {
    const row = shaderOf(format, activations, k % 4 === 0, false);
    queue.run(row, { out, ...inputs, x_scale: null }, numbers, extent);
    return;
  }
  const row = shaderOf(format, activations, false, queue.packedDot);
  queue.withScratch(m * wordsOf(k), (x) => {
    queue.withScratch(m, (x_scale) => {
      quantize(queue, x, x_scale, inputs.x, m, k);
      queue.run(row, { out, ...inputs, x, x_scale }, numbers, extent);
    });
  });
}
