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

function numberOf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >> 10) & 31;
  const fraction = h & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24; // Subnormal, or zero with its sign.
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
