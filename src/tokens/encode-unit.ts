// What a worker does with a unit: its tokens, and what is wrong with its text. Read next: stitch.ts.

import { concatTokens } from '../base/concat.ts';
import { type Damage, measureDamage } from '../text/damage.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/index.ts';
import type { Unit } from './units.ts';

/** The tokens of a unit. */
export interface Encoded {
  ids: Int32Array<ArrayBuffer>;
  /** Tokens of the first document in it, and of the last one: at most as many may be stitched. */
  first: number;
  last: number;
  damage: Damage;
}

/**
 * Encodes a unit. `separator` is the token in place of its borders; null: the names of special tokens in the
 * text become tokens, as in `encodeText`.
 */
export function encodeUnit(
  tokenizer: Tokenizer,
  { bytes, own, borders }: Pick<Unit, 'bytes' | 'own' | 'borders'>,
  separator: number | null,
): Encoded {
  const options: EncodeOptions = separator === null ? { allowedSpecial: 'all' } : { otherSpecial: 'text' };
  const parts: Int32Array[] = [];
  let start = 0;
  for (const border of [...borders, bytes.length]) {
    parts.push(tokenizer.encode(bytes.subarray(start, border), options));
    if (border < bytes.length) parts.push(Int32Array.of(separator as number));
    start = border + 1;
  }
  const ids = concatTokens(parts);
  return {
    ids,
    first: parts[0].length,
    last: (parts.at(-1) as Int32Array).length,
    damage: measureDamage(bytes.subarray(0, own)),
  };
}
