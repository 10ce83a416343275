// INT8 weights: a word has four of them, a row one scale. Read next: int4.ts.
import type { Kernels } from '../contract.ts';
import { type LinearFormat, linear } from './linear.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { finite } from './wgsl.ts';

const byte = `
fn byte(word: u32, i: u32) -> f32 { return f32(extractBits(bitcast<i32>(word), 8u * (i % 4u), 8u)); }
`;

const dequantizeShader = shader({
  name: 'dequantizeRows',
  buffers: { x: '>f32', q: 'u32', scale: 'f32' },
  numbers: { cols: 'u32' },
  helpers: byte,
  code: 'fn run(i: u32) { x[i] = byte(q[i / 4u], i) * scale[i / u.cols]; }',
});

// One thread computes an element. An id outside the table gives NaN, as in embedding.ts.
const embeddingShader = shader({
  name: 'embeddingInt8',
  buffers: { out: '>f32', ids: 'i32', tokens: 'u32', scale: 'f32', positions: 'f32?' },
  numbers: { T: 'u32', C: 'u32', V: 'i32', start: 'u32' },
  helpers: `${finite}${byte}`,
  code: `
    fn run(i: u32) {
      let row = i / u.C;
      let c = i % u.C;
      let id = ids[row];
      if (id < 0 || id >= u.V) { out[i] = nan(); return; }
      let at = u32(id) * u.C + c;
      var x = byte(tokens[at / 4u], at) * scale[id];
      if (has_positions) { x += positions[(u.start + row % u.T) * u.C + c]; }
      out[i] = x;
    }`,
});

const int8: LinearFormat = {
  name: 'linearInt8',
  weightsPerByte: 1,
  weights: 'fn weights(word: u32) -> vec4i { return bytes(word); }',
  packedDot: 'fn packed_dot(x: u32, word: u32) -> i32 { return dot4I8Packed(x, word); }',
};

type OfInt8 = 'dequantizeRows' | 'linearInt8' | 'embeddingInt8';

export function int8Kernels(queue: Queue): Pick<Kernels, OfInt8> {
  return {
    dequantizeRows: (x, q, scale, rows, cols) =>
      queue.run(dequantizeShader, { x, q, scale }, { cols }, { count: rows * cols }),
    linearInt8: (out, x, weight, scale, bias, shape) =>
      linear(queue, int8, out, { x, weight, scale, bias }, { ...shape, groupSize: Math.max(1, shape.k) }),
    embeddingInt8(out, ids, tokens, scale, positions, { B, T, C, start }) {
      const V = Math.floor(tokens.length / C);
      const numbers = { T, C, V, start };
      queue.run(embeddingShader, { out, ids, tokens, scale, positions }, numbers, { count: B * T * C });
    },
  };
}
