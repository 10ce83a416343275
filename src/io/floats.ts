// The two half-width floating-point formats of model files, converted from and to float32.
import { roundBf16 } from '../base/bf16.ts';

/** bfloat16 -> float32, exact: a bfloat16 is the upper half of a float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  const words = Uint32Array.from(halves, (h) => h << 16);
  return new Float32Array(words.buffer);
}

/** float32 -> bfloat16, to the nearest, ties to even. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.map(roundBf16).buffer);
  return Uint16Array.from(words, (word) => word >>> 16);
}

/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) -> float32, exact. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (h) => {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    if (exponent === 0) return sign * fraction * 2 ** -24; // Subnormal, or zero with its sign.
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}
