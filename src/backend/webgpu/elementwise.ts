// Filling, copying, adding, summing. Read next: reduce.ts, matmul.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import { runJoined } from './join.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';

/** Number of `vec4` that hold n elements. */
export const quads = (n: number): number => Math.ceil(n / 4);

const fillWords = shader({
  name: 'fill',
  buffers: { out: '>vec4u' },
  numbers: { word: 'u32' },
  code: 'fn run(i: u32) { out[i] = vec4u(u.word); }',
});

const copyWords = shader({
  name: 'copy',
  buffers: { out: '>u32', x: 'u32' },
  numbers: { outOffset: 'u32', xOffset: 'u32' },
  code: 'fn run(i: u32) { out[u.outOffset + i] = x[u.xOffset + i]; }',
});

// One thread per word of out. A word at either end keeps its bytes outside of the range.
const copyBytes = shader({
  name: 'copy of bytes',
  buffers: { out: '>u32', x: 'u32' },
  numbers: { outOffset: 'u32', xOffset: 'u32', length: 'u32' },
  code: `
    fn run(i: u32) {
      let word = u.outOffset / 4u + i;
      var value = out[word];
      for (var k = 0u; k < 4u; k++) {
        let to = 4u * word + k;
        if (to < u.outOffset || to >= u.outOffset + u.length) { continue; }
        let at = u.xOffset + (to - u.outOffset);
        let byte = (x[at / 4u] >> (8u * (at % 4u))) & 0xffu;
        value = insertBits(value, byte, 8u * k, 8u);
      }
      out[word] = value;
    }`,
});

const addShader = shader({
  name: 'add',
  buffers: { out: '>vec4f', a: 'vec4f', b: 'vec4f' },
  numbers: {},
  code: 'fn run(i: u32) { out[i] = a[i] + b[i]; }',
});

const axpyShader = shader({
  name: 'axpy',
  buffers: { out: '>vec4f', x: 'vec4f' },
  numbers: { factor: 'f32' },
  code: 'fn run(i: u32) { out[i] += u.factor * x[i]; }',
});

const scaleShader = shader({
  name: 'scale',
  buffers: { out: '>vec4f', x: 'vec4f' },
  numbers: { factor: 'f32' },
  code: 'fn run(i: u32) { out[i] = u.factor * x[i]; }',
});

const normalizeShader = shader({
  name: 'normalize',
  buffers: { out: '>vec4f', x: 'vec4f', squares: 'f32' },
  numbers: { eps: 'f32' },
  code: 'fn run(i: u32) { out[i] = x[i] / (sqrt(squares[0]) + u.eps); }',
});

type Elementwise = 'fill' | 'copy' | 'add' | 'axpy' | 'scale' | 'normalize';

export function elementwiseKernels(queue: Queue): Pick<Kernels, Elementwise> {
  const move = (
    out: DeviceBuffer,
    outOffset: number,
    x: DeviceBuffer,
    xOffset: number,
    length: number,
  ): void => {
    const bytes = out.dtype === 'i8' || x.dtype === 'i8';
    const words = Math.floor((outOffset + length - 1) / 4) - Math.floor(outOffset / 4) + 1;
    if (bytes) queue.run(copyBytes, { out, x }, { outOffset, xOffset, length }, { count: words });
    else queue.run(copyWords, { out, x }, { outOffset, xOffset }, { count: length });
  };
  return {
    fill(out, value) {
      const count = quads(out.dtype === 'i8' ? quads(out.length) : out.length);
      runJoined(queue, fillWords, { out }, { word: wordOf(value, out.dtype) }, { count });
    },
    copy(out, x, outOffset = 0, xOffset = 0, length = x.length - xOffset) {
      if (length === 0) return;
      // Threads run in any order: what moves within a buffer goes by way of another one.
      if (out !== x) move(out, outOffset, x, xOffset, length);
      else
        queue.withScratch(out.dtype === 'i8' ? quads(length) : length, (scratch) => {
          move(scratch, 0, x, xOffset, length);
          move(out, outOffset, scratch, 0, length);
        });
    },
    add: (out, a, b) => queue.run(addShader, { out, a, b }, {}, { count: quads(out.length) }),
    axpy: (out, x, factor) => queue.run(axpyShader, { out, x }, { factor }, { count: quads(out.length) }),
    scale: (out, x, factor) => queue.run(scaleShader, { out, x }, { factor }, { count: quads(out.length) }),
    normalize: (out, x, squares, eps) =>
      queue.run(normalizeShader, { out, x, squares }, { eps }, { count: quads(out.length) }),
  };
}

/** The word that fills a buffer with `value`. */
function wordOf(value: number, dtype: DeviceBuffer['dtype']): number {
  if (dtype === 'f32') return new Uint32Array(Float32Array.of(value).buffer)[0];
  return dtype === 'i32' ? value >>> 0 : (value & 0xff) * 0x01010101;
}
