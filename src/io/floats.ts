// The two half-width floating-point formats of model files, converted from and to float32. By plain loops:
// with the functions of typed arrays that call back, this was two thirds of the time of loading a model.
import { roundBf16 } from '../base/bf16.ts';

/** bfloat16 -> float32, exact: a bfloat16 is the upper half of a float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16;
  return new Float32Array(words.buffer);
}

/** float32 -> bfloat16, to the nearest, ties to even. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const rounded = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) rounded[i] = roundBf16(values[i]);
  const words = new Uint32Array(rounded.buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = words[i] >>> 16;
  return halves;
}

/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) -> float32, exact. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = numberOf(halves[i]);
  return values;
}

/**
 * float32 -> IEEE 754 binary16, to the nearest, ties to even. From 65520 on infinity; 2^-25 and below 0.
 */
export function toFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(words[i], values[i]);
  return halves;
}

/** `word`: the bits of `value`. */
function halfOf(word: number, value: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520 on
  if (magnitude < 0x38800000) return sign | toEven(Math.abs(value) * 2 ** 24); // below 2^-14: subnormal
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** `x` >= 0 rounded to a whole number, halves to the even one. */
function toEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

function numberOf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >> 10) & 31;
  const fraction = h & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24; // Subnormal, or zero with its sign.
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The index of the first value that is infinite or no number; -1: there is none. */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
