// Dropout, by the random words that contract.ts defines. Read next: attention.ts, whose probabilities drop
// too.
import type { Dropout, Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';

/**
 * `philox(counter, key)`: four random words, as base/philox.ts. Products of 32 x 32 bits are made of halves,
 * since WGSL has no upper half of a product.
 */
export const philox = `
fn multiply_high(a: u32, b: u32) -> u32 {
  let middle = (a >> 16u) * (b & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
  let low = (middle & 0xffffu) + (a & 0xffffu) * (b >> 16u);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (low >> 16u);
}
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      multiply_high(0xcd9e8d57u, c.z) ^ c.y ^ k.x, 0xcd9e8d57u * c.z,
      multiply_high(0xd2511f53u, c.x) ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
`;

const WORD = 2 ** 32;

/** Where in the random numbers the element `offset` of a site is, as numbers of a shader. */
export interface Draws {
  /** The counter of the block of 64 elements that has it: low and high word. */
  block_low: number;
  block_high: number;
  /** Its place in the block. */
  skip: number;
  key_low: number;
  key_high: number;
  site: number;
  step: number;
  threshold: number;
  kept_scale: number;
}

/** The types of `Draws` in a shader. */
export const DRAWS = {
  block_low: 'u32',
  block_high: 'u32',
  skip: 'u32',
  key_low: 'u32',
  key_high: 'u32',
  site: 'u32',
  step: 'u32',
  threshold: 'u32',
  kept_scale: 'f32',
} as const;

/** The numbers of a dropout. */
export function drawsOf({ p, seed, step, site, offset }: Dropout): Draws {
  const block = Math.floor(offset / 64) * 16;
  return {
    block_low: block % WORD,
    block_high: Math.floor(block / WORD),
    skip: offset % 64,
    key_low: seed % WORD,
    key_high: Math.floor(seed / WORD),
    site: site % WORD,
    step: step % WORD,
    threshold: Math.floor(p * WORD),
    kept_scale: 1 / (1 - p),
  };
}

/**
 * `draw(g)`: the words of counter g after that of `block`, for a shader with the numbers `DRAWS`. Word w of g
 * = 16 b + lane belongs to element 64 b + 16 w + lane of the block. Needs `philox`.
 */
export const draw = `
fn draw(g: u32) -> vec4u {
  let low = u.block_low + g;
  let high = u.block_high + select(0u, 1u, low < g);
  return philox(vec4u(low, high, u.site, u.step), vec2u(u.key_low, u.key_high));
}
`;

// A thread computes the four elements of one counter.
const dropoutShader = shader({
  name: 'dropout',
  buffers: { out: '>f32', x: 'f32', residual: 'f32?' },
  numbers: { n: 'u32', ...DRAWS },
  code: `${philox}${draw}
    fn run(g: u32) {
      var words = vec4u(u.threshold);
      if (u.threshold > 0u) { words = draw(g); }
      for (var w = 0u; w < 4u; w++) {
        let place = (g / 16u) * 64u + 16u * w + g % 16u;
        let i = place - u.skip;
        if (place < u.skip || i >= u.n) { continue; }
        var y = select(0.0, x[i] * u.kept_scale, words[w] >= u.threshold);
        if (has_residual) { y += residual[i]; }
        out[i] = y;
      }
    }`,
});

export function dropoutKernels(queue: Queue): Pick<Kernels, 'dropout'> {
  return {
    dropout(out, x, dropout, residual = null) {
      const draws = drawsOf(dropout);
      const count = Math.ceil((draws.skip + x.length) / 64) * 16;
      queue.run(dropoutShader, { out, x, residual }, { n: x.length, ...draws }, { count, work: 200 * count });
    },
  };
}
