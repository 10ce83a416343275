// INT4 weights: a byte has two codes, and neighbours in a row share a scale, group by group.
import type { Kernels } from '../contract.ts';
import { type LinearFormat, linear } from './linear.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { finite } from './wgsl.ts';

// `weight(r, c)`: an element of the matrix [rows, cols] whose codes and scales these are.
const element = `
fn weight(r: u32, c: u32, rows: u32, cols: u32) -> f32 {
  let at = r * ((cols + 1u) / 2u) + c / 2u;
  let code = extractBits(codes[at / 4u], 8u * (at % 4u) + 4u * (c % 2u), 4u);
  return (f32(code) - 8.0) * scale[c / u.groupSize * rows + r];
}
`;

const dequantizeShader = shader({
  name: 'dequantizeInt4',
  buffers: { x: '>f32', codes: 'u32', scale: 'f32' },
  numbers: { rows: 'u32', cols: 'u32', groupSize: 'u32' },
  code: `${element}
    fn run(i: u32) { x[i] = weight(i / u.cols, i % u.cols, u.rows, u.cols); }`,
});

// One thread computes an element. An id outside the table gives NaN, as in embedding.ts.
const embeddingShader = shader({
  name: 'embeddingInt4',
  buffers: { out: '>f32', ids: 'i32', codes: 'u32', scale: 'f32', positions: 'f32?' },
  numbers: { T: 'u32', C: 'u32', V: 'u32', start: 'u32', groupSize: 'u32' },
  helpers: finite,
  code: `${element}
    fn run(i: u32) {
      let row = i / u.C;
      let c = i % u.C;
      let id = ids[row];
      if (id < 0 || u32(id) >= u.V) { out[i] = nan(); return; }
      var x = weight(u32(id), c, u.V, u.C);
      if (has_positions) { x += positions[(u.start + row % u.T) * u.C + c]; }
      out[i] = x;
    }`,
});

const int4: LinearFormat = {
  name: 'linearInt4',
  weightsPerByte: 2,
  weights: `
    fn weights(word: u32) -> vec4i {
      return vec4i((vec4u(word) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) - vec4i(8);
    }`,
  packedDot: `
    fn packed_dot(x: u32, word: u32) -> i32 {
      let codes = (word & 0xfu) | ((word & 0xf0u) << 4u) | ((word & 0xf00u) << 8u) | ((word & 0xf000u) << 12u);
      return dot4I8Packed(x, codes) - 8 * dot4I8Packed(x, 0x01010101u);
    }`,
};

type OfInt4 = 'dequantizeInt4' | 'linearInt4' | 'embeddingInt4';

export function int4Kernels(queue: Queue): Pick<Kernels, OfInt4> {
  return {
    dequantizeInt4: (x, codes, scale, shape) =>
      queue.run(dequantizeShader, { x, codes, scale }, shape, { count: shape.rows * shape.cols }),
    linearInt4: (out, x, weight, scale, bias, shape) =>
      linear(queue, int4, out, { x, weight, scale, bias }, shape),
    embeddingInt4(out, ids, codes, scale, positions, { B, T, C, start, groupSize }) {
      const V = Math.floor(codes.length / Math.ceil(C / 2));
      const numbers = { T, C, V, start, groupSize };
      queue.run(embeddingShader, { out, ids, codes, scale, positions }, numbers, { count: B * T * C });
    },
  };
}
