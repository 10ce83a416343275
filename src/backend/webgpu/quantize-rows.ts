// INT8 of rows. WGSL's division may be off by 2.5 units in the last place, and small numbers may become 0: so
// the float32 quotients of the contract are computed from the bits, in integers. Read next: int8.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';

const quotients = `
// The mantissa of a number from its bits without the sign, and the exponent of the mantissa's last bit,
// from 1 on.
fn mantissa(bits: u32) -> u32 { return (bits & 0x7fffffu) | select(0u, 0x800000u, bits >= 0x800000u); }
fn exponent(bits: u32) -> u32 { return max(bits >> 23u, 1u); }

// The bits of x / 127, rounded to float32, 0 below 2^-125. Infinity and NaN stay.
fn divided_by_127(x: u32) -> u32 {
  if (x >= 0x7f800000u) { return x; }
  let m = mantissa(x);
  let e = exponent(x);
  let shift = select(7u, 6u, m >= 127u << 17u); // so that the quotient has 24 bits
  if (e <= shift) { return 0u; }
  let wide = m << shift;
  let quotient = ((e - shift - 1u) << 23u) + wide / 127u + select(0u, 1u, wide % 127u > 63u);
  return select(0u, quotient, quotient >= 2u << 23u);
}

// The whole number nearest to the float32 x / scale, ties to even, from -127 to 127; 0 where that is
// no number.
fn steps(x: u32, scale: u32) -> i32 {
  let size = x & 0x7fffffffu;
  if (scale == 0u || scale >= 0x7f800000u || exponent(size) + 7u < exponent(scale)) { return 0; }
  let e = min(exponent(size), exponent(scale));
  let a = mantissa(size) << (exponent(size) - e);
  let b = mantissa(scale) << (exponent(scale) - e);
  let below = a / b;
  let rest = 2u * (a % b);
  // The quotient is rounded to the tie below + 1 / 2 when it is within half a unit of its last place.
  var places = 23u - firstLeadingBit(max(below, 1u));
  if (below == 0u) { places = select(25u, 24u, rest > b); }
  let tie = max(rest, b) - min(rest, b) <= b >> places;
  let n = min(below + select(select(0u, 1u, rest > b), below & 1u, tie), 127u);
  return select(i32(n), -i32(n), x != size);
}
`;

// A group quantises a row of floats, given by their bits, into words of four: words(cols) of them in a row.
const quantizeShader = shader({
  name: 'quantizeRows',
  buffers: { q: '>u32', scale: '>u32', x: 'u32' },
  numbers: { cols: 'u32' },
  per: 'group',
  helpers: quotients,
  code: `
    var<workgroup> largest: array<u32, 64>;
    fn run(group: u32, lane: u32) {
      let row = group * u.cols;
      var top = 0u;
      for (var c = lane; c < u.cols; c += 64u) { top = max(top, x[row + c] & 0x7fffffffu); }
      largest[lane] = top;
      workgroupBarrier();
      for (var other = 0u; other < 64u; other++) { top = max(top, largest[other]); }
      let s = divided_by_127(top);
      if (lane == 0u) { scale[group] = s; }
      let words = (u.cols + 3u) / 4u;
      for (var w = lane; w < words; w += 64u) {
        var word = 0u;
        for (var k = 0u; k < 4u && 4u * w + k < u.cols; k++) {
          word = insertBits(word, u32(steps(x[row + 4u * w + k], s)), 8u * k, 8u);
        }
        q[group * words + w] = word;
      }
    }`,
});

// Rows of whole words become rows of bytes. A word at the end keeps its bytes beyond them.
const packShader = shader({
  name: 'quantizeRows, closed up',
  buffers: { q: '>u32', rows: 'u32' },
  numbers: { bytes: 'u32', cols: 'u32' },
  code: `
    fn run(i: u32) {
      var word = q[i];
      for (var k = 0u; k < 4u && 4u * i + k < u.bytes; k++) {
        let c = (4u * i + k) % u.cols;
        let source = rows[(4u * i + k) / u.cols * ((u.cols + 3u) / 4u) + c / 4u];
        word = insertBits(word, source >> (8u * (c % 4u)), 8u * k, 8u);
      }
      q[i] = word;
    }`,
});

/** Words of four bytes that hold a row. */
export const wordsOf = (cols: number): number => Math.ceil(cols / 4);

/** Quantises rows into q, each row from a whole word on, and their scales. */
export function quantize(
  queue: Queue,
  q: DeviceBuffer,
  scale: DeviceBuffer,
  x: DeviceBuffer,
  rows: number,
  cols: number,
): void {
  queue.run(quantizeShader, { q, scale, x }, { cols }, { count: rows, work: 60 * rows * cols });
}

export function quantizeRowsKernels(queue: Queue): Pick<Kernels, 'quantizeRows'> {
  return {
    quantizeRows(q, scale, x, rows, cols) {
      if (cols % 4 === 0) quantize(queue, q, scale, x, rows, cols);
      else
        queue.withScratch(rows * wordsOf(cols), (words) => {
          quantize(queue, words, scale, x, rows, cols);
          const bytes = rows * cols;
          queue.run(packShader, { q, rows: words }, { bytes, cols }, { count: wordsOf(bytes) });
        });
    },
  };
}
