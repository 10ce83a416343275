// The ends of the number types of other formats: beyond them a weight would become infinite.

/** The largest half (IEEE 754 binary16). */
export const LARGEST_HALF = 65504;

/** The largest bfloat16: 2^127 (2 - 2^-7). */
export const LARGEST_BFLOAT16: number = 2 ** 127 * (2 - 2 ** -7);

/**
 * Throws where a weight is larger than `largest`, which `type` ends at. `others`: types, and the largest
 * number of each.
 */
export function checkRange(
  name: string,
  values: Float32Array,
  type: string,
  largest: number,
  others: Readonly<Record<string, number>>,
): void {
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (!(size > largest)) continue; // also NaN, which is no matter of range
    const fit = Object.keys(others).filter((other) => others[other] >= size);
    throw new Error(
      `${name} holds ${values[i]} at element ${i}: type ${type} ends at ${largest}; ${fit.join(' and ')} ${fit.length > 1 ? 'have' : 'has'} room for it`,
    );
  }
}
