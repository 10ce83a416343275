// What a tokenizer is made of, and what its files are written from: shared by tokenizer.ts and the file
// formats.
import type { Merge } from './bpe.ts';
import type { Pattern } from './patterns.ts';

/** All that a tokenizer is made of. */
export interface TokenizerParts {
  /** In order of rank: the first makes token 256. */
  merges: readonly Merge[];
  /** How text is cut before merging. Default `none`. */
  pattern?: Pattern;
  /** Names that are one token each: with their ids, or numbered after all others in the order of the list. */
  specialTokens?: readonly string[] | ReadonlyMap<string, number>;
  /** The number, 0 to 255, of every byte's token. Default: its own value. */
  byteIds?: Int32Array;
  /**
   * The ids of tokens 0 to 255 + merges, where a file numbers them otherwise (special tokens first, gaps).
   * Default: their numbers.
   */
  ids?: Int32Array;
  /**
   * Whether a text that does not begin with a space is encoded with one before it: `add_prefix_space`.
   * Default false.
   */
  prefixSpace?: boolean;
}

/** What a file of a tokenizer is written from: a `Tokenizer`. */
export interface TokenizerContents {
  readonly merges: readonly Merge[];
  readonly pattern: Pattern;
  /** By name. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** The id of token number k, where ids are other than the numbers; else null. */
  readonly ids: Int32Array | null;
  readonly prefixSpace: boolean;
  /** The bytes of the token `id`. */
  token(id: number): Uint8Array;
}
