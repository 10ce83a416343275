// bfloat16: float32 numbers whose lower 16 bits are zero.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * `x` rounded to the nearest bfloat16, ties to even, as a float32. Infinities and NaN stay. `roundBf16(1.01)`
 * is 1.0078125.
 */
export function roundBf16(x: number): number {
  float[0] = x;
  if (!Number.isFinite(float[0])) return x;
  const odd = (bits[0] >>> 16) & 1;
  // Adds just under half of the last kept bit; one more where that bit is set, so that ties go to even.
  bits[0] = (bits[0] + 0x7fff + odd) & 0xffff0000;
  return float[0];
}
