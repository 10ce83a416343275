// The parts of a tokenizer, and what its files are written from. Shared by tokenizer.ts and the file formats.
import type { Merge } from './bpe.ts';
import type { Pattern } from './patterns.ts';

/** Everything that makes a tokenizer. */
export interface TokenizerParts {
  /** In order of rank: the first merge makes token 256. */
  merges: readonly Merge[];
  /** How text is cut before merging. Default `none`. */
  pattern?: Pattern;
  /** Names that become one token each. A map gives their ids; a list is numbered after all other tokens. */
  specialTokens?: readonly string[] | ReadonlyMap<string, number>;
  /** The number (0 to 255) of each byte's token. Default: the byte's value. */
  byteIds?: Int32Array;
  /**
   * The ids of tokens 0 to 255 + merges, where a file numbers them differently (special tokens first, gaps).
   * Default: id = number.
   */
  ids?: Int32Array;
  /**
   * Whether a space is put before a text that does not begin with one: `add_prefix_space`. Default false.
   */
  prefixSpace?: boolean;
}

/** What the file of a tokenizer is written from; a `Tokenizer` is one. */
export interface TokenizerContents {
  readonly merges: readonly Merge[];
  readonly pattern: Pattern;
  /** By name. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** The id of each token by its number; null where they are equal. */
  readonly ids: Int32Array | null;
  readonly prefixSpace: boolean;
  /** The bytes of the token `id`. */
  token(id: number): Uint8Array;
}

/** Parts from which the constructor makes an equal tokenizer: plain data, of which it shares no buffer. */
export function partsOf(
  tokenizer: Omit<TokenizerContents, 'token'> & { readonly byteIds: Int32Array },
): TokenizerParts {
  const { merges, pattern, specialTokens, ids, byteIds, prefixSpace } = tokenizer;
  const parts = { merges, pattern, specialTokens, prefixSpace };
  if (!ids) return { ...parts, byteIds: byteIds.slice() };
  return { ...parts, byteIds: byteIds.map((id) => ids.indexOf(id)), ids: ids.slice() };
}
