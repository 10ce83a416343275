// What a trained tokenizer consists of: tokens, and the merges that make them. `encode` here is the
// definition, and the oracle of bpe-fast.ts. Read next: bpe-fast.ts, then tokenizer.ts.
import { concatBytes } from '../base/concat.ts';
import type { Pausable } from '../base/slices.ts';
import { makeByteTable } from './byte-table.ts';
import { makePairTable, type PairTable } from './pair-table.ts';
import { replacePair } from './train.ts';

/** Two tokens that become one. */
export type Merge = readonly [left: number, right: number];

/** 256 byte tokens and one token per merge. All tokens differ in their bytes. */
export interface Vocabulary {
  /** `merges[r]` joins two earlier tokens into token 256 + r; r is its rank. */
  readonly merges: readonly Merge[];
  /** The bytes of each token. */
  readonly tokens: readonly Uint8Array[];
  /** The token of each byte: 0..255 in order when trained here (GPT-2's own files begin with `!`). */
  readonly byteIds: Int32Array;
  /** The rank of every pair that merges. */
  readonly ranks: PairTable;
}

/** Encodes one chunk. */
export interface ChunkEncoder {
  /**
   * Writes the ids of `bytes[start..end)` to `out` from `at` on (room for one id per byte). Returns where
   * they end.
   */
  encode(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number;
  /**
   * `encode` for a long chunk: pauses now and then, and yields about how many bytes of the chunk are done.
   */
  encodeInSteps(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): Pausable<number>;
}

/**
 * Builds a vocabulary. Throws when `byteIds` is not a permutation of 0 to 255, when a merge uses a token that
 * does not exist before it, and when it makes bytes that another token already has.
 */
export function makeVocabulary(merges: readonly Merge[], byteIds?: Int32Array): Vocabulary {
  const ids = byteIds ?? Int32Array.from({ length: 256 }, (_, byte) => byte);
  const tokens = byteTokens(ids);
  // Numbers byte strings in the order in which they are added; a repeated one keeps its number.
  const known = makeByteTable();
  for (const token of tokens) known.add(token, 0, 1);
  const ranks = makePairTable();
  merges.forEach(([left, right], rank) => {
    const id = 256 + rank;
    for (const part of [left, right])
      if (!(Number.isInteger(part) && part >= 0 && part < id))
        throw new Error(`merge ${rank} uses token ${part}: before it there are only tokens 0 to ${id - 1}`);
    const token = concatBytes([tokens[left], tokens[right]]);
    const same = known.add(token, 0, token.length);
    if (same !== id)
      throw new Error(
        `merge ${rank} (${left}, ${right}) makes token ${same} a second time: tokens must differ`,
      );
    tokens.push(token);
    ranks.set(left, right, rank);
  });
  return { merges, tokens, byteIds: ids, ranks };
}

function byteTokens(byteIds: Int32Array): Uint8Array[] {
  const tokens: Uint8Array[] = new Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const id = byteIds[byte];
    if (!(id >= 0 && id < 256) || tokens[id])
      throw new Error(`byte ${byte} has token ${id}: the 256 bytes need the ids 0 to 255, one each`);
    tokens[id] = Uint8Array.of(byte);
  }
  return tokens;
}

/**
 * The tokens of one chunk, by definition: while any neighbours can merge, join all occurrences of the pair
 * with the lowest rank, from left to right.
 */
export function encode(vocabulary: Omit<Vocabulary, 'tokens'>, bytes: Uint8Array): number[] {
  let ids = Array.from(bytes, (byte) => vocabulary.byteIds[byte]);
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 1; i < ids.length; i++) {
      const rank = vocabulary.ranks.get(ids[i - 1], ids[i]);
      if (rank >= 0 && rank < best) best = rank;
    }
    if (best === Number.POSITIVE_INFINITY) return ids;
    const [left, right] = vocabulary.merges[best];
    ids = replacePair(ids, left, right, 256 + best);
  }
}
