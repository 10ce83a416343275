// The tokenizer as everything else uses it: bytes to tokens and back, trained here or read from a file.
// Read next: train.ts and bpe.ts (the definitions), then train-fast.ts and bpe-fast.ts (the same, fast).
import { refuseUnknown } from '../options.ts';
import { concatBytes, type Merge, makeVocabulary, type Vocabulary } from './bpe.ts';
import { type BpeDropout, type DropoutEncoder, makeDropoutEncoder } from './bpe-dropout.ts';
import { type ChunkEncoder, makeEncoder } from './bpe-fast.ts';
import { spell } from './byte-level.ts';
import { type Pattern, patterns } from './patterns.ts';
import { type SpecialOptions, segments } from './special.ts';
import { type Splitter, splitterOf } from './split-fast.ts';
import { makeStreamDecoder, type StreamDecoder } from './stream.ts';
import { fromTiktoken, toTiktoken } from './tiktoken.ts';
import { fromTokenizerJson, type TokenizerJson, toTokenizerJson } from './tokenizer-json.ts';
import type { MergeStep } from './train.ts';
import { type ChunkCounts, makeChunkCounts, trainOnCounts } from './train-fast.ts';
import { decodeText, textOf, toBytes } from './utf8.ts';

/** All that a tokenizer is made of. */
export interface TokenizerParts {
  /** In order of rank: the first makes token 256. */
  merges: readonly Merge[];
  /** How text is cut before merging. Default `none`. */
  pattern?: Pattern;
  /** Names that are one token each, numbered after the merges. */
  specialTokens?: readonly string[];
  /** The token of every byte. Default: its own value. */
  byteIds?: Int32Array;
}

export interface TokenizerTraining {
  /** Tokens in all: 256 bytes, the merges, the special tokens. */
  vocabSize: number;
  /** Default `none`: merges may span words, as the seed's do. */
  pattern?: Pattern;
  /** Where these names occur in the text, they separate it and are not learnt from. */
  specialTokens?: readonly string[];
  /**
   * Takes fewer tokens than `vocabSize` from a short text: as long as a pair of tokens occurs twice, and the text does not
   * shrink to too few tokens to learn from (a quarter of its bytes; 4,096 are enough). Default: that many, or an error.
   */
  atMost?: boolean;
  /** Called after each merge, with the new token's bytes. */
  onMerge?: (step: MergeStep & { bytes: Uint8Array }) => void;
}

/** How a text is encoded. */
export interface EncodeOptions extends SpecialOptions {
  /** Leaves merges out at random. Default: none. */
  dropout?: BpeDropout;
}

/** Results of fewer tokens have a buffer of their own, of that length. */
const LONG_RESULT = 2 ** 26;

/** Bytes that are encoded at a time with BPE dropout, which needs about 36 bytes of memory for each. */
const DROPOUT_BATCH = 2 ** 26;

/** What a `.tiktoken` file does not hold. */
export type TiktokenExtras = Pick<TokenizerParts, 'pattern' | 'specialTokens'>;

/**
 * A byte-level BPE tokenizer. Any bytes can be encoded, valid UTF-8 or not, and come back the same.
 *
 * ```ts
 * const tokenizer = Tokenizer.train(text, { vocabSize: 500 });
 * const ids = tokenizer.encode('Hi, My name is Toufik'); // Int32Array [72, 105, 261, 77, ...]
 * tokenizer.decode(ids); // 'Hi, My name is Toufik'
 * ```
 */
export class Tokenizer {
  /** `merges[r]` are the two tokens that make token 256 + r. */
  readonly merges: readonly Merge[];
  readonly pattern: Pattern;
  /** Special tokens by name. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** The token of every byte: its own value, unless the tokenizer was read from a file that numbers them otherwise. */
  readonly byteIds: Int32Array;
  readonly #tokens: readonly Uint8Array[];
  readonly #split: Splitter;
  readonly #encodeChunk: ChunkEncoder;
  readonly #encodeWithDropout: DropoutEncoder;

  /** Throws when the parts do not fit together. */
  constructor(parts: TokenizerParts) {
    refuseUnknown(parts, ['merges', 'pattern', 'specialTokens', 'byteIds'], 'a tokenizer');
    const { merges, pattern = 'none', specialTokens = [], byteIds } = parts;
    const vocabulary = makeVocabulary(merges, byteIds);
    this.merges = merges;
    this.pattern = checkPattern(pattern);
    this.specialTokens = numberSpecials(specialTokens, vocabulary);
    this.byteIds = vocabulary.byteIds;
    this.#tokens = [...vocabulary.tokens, ...specialTokens.map(toBytes)];
    this.#split = splitterOf(this.pattern);
    this.#encodeChunk = makeEncoder(vocabulary);
    this.#encodeWithDropout = makeDropoutEncoder(vocabulary);
  }

  /**
   * Learns the merges from `text` (see train.ts for what is learnt). Throws when the text is empty, when `vocabSize` is below
   * 256 plus the special tokens, and when the text has too few bytes for it: merging ends where nothing is left to merge.
   */
  static train(text: string | Uint8Array, options: TokenizerTraining): Tokenizer {
    refuseUnknown(options, ['vocabSize', 'pattern', 'specialTokens', 'atMost', 'onMerge'], 'Tokenizer.train');
    const { vocabSize, pattern = 'none', specialTokens = [], atMost = false, onMerge } = options;
    const untrained = new Tokenizer({ merges: [], pattern, specialTokens });
    const wanted = vocabSize - untrained.vocabSize;
    if (!Number.isInteger(vocabSize) || wanted < 0) {
      const parts = specialTokens.length > 0 ? ` and ${specialTokens.length} special tokens` : '';
      throw new RangeError(
        `vocabSize ${vocabSize} is too small or not whole: 256 bytes${parts} need at least ${untrained.vocabSize}`,
      );
    }
    const counts = countChunks(toBytes(text), untrained);
    const { byteLength } = counts;
    if (byteLength === 0) throw new RangeError('the text to train on is empty: give at least one byte');
    const steps = trainOnCounts(
      counts,
      Math.min(wanted, byteLength),
      onMerge && withBytes(onMerge, untrained.#tokens.slice(0, 256)),
    );
    if (atMost) steps.length = worthwhile(steps, byteLength);
    if (steps.length < wanted && !atMost)
      throw new RangeError(
        `vocabSize ${vocabSize} is more than ${byteLength} bytes of text give: use ${untrained.vocabSize + steps.length} or less, or more text`,
      );
    return new Tokenizer({ merges: steps.map((step) => step.pair), pattern, specialTokens });
  }

  /** Tokens in all: ids go from 0 to `vocabSize` - 1. */
  get vocabSize(): number {
    return this.#tokens.length;
  }

  /**
   * The tokens of `text`. The names of special tokens are refused unless the options say otherwise: see SpecialOptions.
   * With `dropout` other tokens of the same bytes: see BpeDropout. Throws when its p is not from 0 to 1.
   * From 2^26 tokens on the result is a view of a longer buffer, whose unused end takes no memory.
   */
  encode(text: string | Uint8Array, options: EncodeOptions = {}): Int32Array {
    refuseUnknown(options, ['allowedSpecial', 'otherSpecial', 'dropout'], 'encode');
    const { dropout } = options;
    if (dropout && !(dropout.p >= 0 && dropout.p <= 1))
      throw new RangeError(`BPE dropout ${dropout.p} is not a probability: give one from 0 to 1`);
    const bytes = toBytes(text);
    if (dropout) return this.#encodeDroppingOut(bytes, options, dropout);
    const [ids = new Int32Array(0)] = this.#parts(bytes, options, bytes.length); // room for all: one part
    return ids.length < LONG_RESULT ? ids.slice() : ids;
  }

  /**
   * The same tokens in parts of at most `partLength` (default 65,536) or one chunk, each encoded when it is asked for: so the
   * tokens of a whole corpus need not be in memory at once. With pattern `none` the whole text is one chunk. Throws
   * as `encode` does, before the first part.
   */
  encodeParts(
    text: string | Uint8Array,
    options: SpecialOptions & { partLength?: number } = {},
  ): Generator<Int32Array> {
    refuseUnknown(options, ['allowedSpecial', 'otherSpecial', 'partLength'], 'encodeParts');
    const { partLength = 2 ** 16, ...special } = options;
    if (!(Number.isInteger(partLength) && partLength > 0))
      throw new RangeError(`partLength ${partLength} is not a number of tokens: give 1 or more`);
    const bytes = toBytes(text);
    for (const _ of segments(bytes, this.specialTokens, special)); // refuses now what it would refuse half-way
    return this.#parts(bytes, special, partLength);
  }

  *#parts(bytes: Uint8Array, options: SpecialOptions, room: number): Generator<Int32Array> {
    let out = { ids: new Int32Array(room), n: 0 };
    for (const { start, end, special } of segments(bytes, this.specialTokens, options)) {
      const text = bytes.subarray(start, end);
      for (let at = this.#fill(out, text, 0); at < text.length; at = this.#fill(out, text, at)) {
        if (out.n > 0) yield out.ids.subarray(0, out.n);
        const chunk = this.#split(text, at) - at;
        out = { ids: new Int32Array(Math.max(room, chunk)), n: 0 };
      }
      if (special < 0) continue;
      if (out.n === out.ids.length) {
        yield out.ids;
        out = { ids: new Int32Array(room), n: 0 };
      }
      out.ids[out.n++] = special;
    }
    if (out.n > 0) yield out.ids.subarray(0, out.n);
  }

  /** Encodes the chunks of `text` from `at` on while there is room for one id per byte; returns where it stopped. */
  #fill(out: { ids: Int32Array; n: number }, text: Uint8Array, at: number): number {
    const { ids } = out;
    let n = out.n;
    while (at < text.length) {
      const end = this.#split(text, at);
      if (n + end - at > ids.length) break;
      n = this.#encodeChunk(text, at, end, ids, n);
      at = end;
    }
    out.n = n;
    return at;
  }

  #encodeDroppingOut(bytes: Uint8Array, options: SpecialOptions, dropout: BpeDropout): Int32Array {
    const ids = new Int32Array(bytes.length);
    let n = 0;
    for (const { start, end, special } of segments(bytes, this.specialTokens, options)) {
      const text = bytes.subarray(start, end);
      for (let from = 0; from < text.length; ) {
        const ends = this.#chunkEnds(text.subarray(from), DROPOUT_BATCH);
        const to = from + ends[ends.length - 1];
        n = this.#encodeWithDropout(text.subarray(from, to), ends, ids, n, dropout);
        from = to;
      }
      if (special >= 0) ids[n++] = special;
    }
    return ids.slice(0, n);
  }

  /** Where chunks of `text` end, from the first on until they have `bytes` bytes or more. */
  #chunkEnds(text: Uint8Array, bytes: number): Int32Array {
    const ends: number[] = [];
    for (let at = 0; at < Math.min(bytes, text.length); ends.push(at)) at = this.#split(text, at);
    return Int32Array.from(ends);
  }

  /** The text of `ids`; bytes that are not UTF-8 become U+FFFD. Throws when an id is not in the vocabulary and when the text is too long for a string. */
  decode(ids: ArrayLike<number>): string {
    return decodeText(this.decodeBytes(ids));
  }

  /** The bytes of `ids`, exactly those that were encoded. Throws when an id is not in the vocabulary. */
  decodeBytes(ids: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.byteLength(ids));
    for (let i = 0, at = 0; i < ids.length; i++) {
      const token = this.token(ids[i]);
      bytes.set(token, at);
      at += token.length;
    }
    return bytes;
  }

  /** Decodes one token at a time and never splits a character. */
  stream(): StreamDecoder {
    return makeStreamDecoder((id) => this.token(id));
  }

  /** The bytes of token `id`; of a special token, its name. Throws when there is no such token. */
  token(id: number): Uint8Array {
    const bytes = this.#tokens[id];
    if (!bytes)
      throw new RangeError(`token ${id} is not in the vocabulary: ids go from 0 to ${this.vocabSize - 1}`);
    return bytes;
  }

  /**
   * Token `id` as text, for people: bytes that are no whole character, which `decode` cannot show, as `\\xE2`. Not to be joined (a
   * backslash of the text itself looks the same): `token` has the bytes. Throws when there is no such token.
   */
  tokenText(id: number): string {
    return textOf(this.token(id));
  }

  /** Number of bytes that `ids` stand for. Throws when an id is not in the vocabulary. */
  byteLength(ids: ArrayLike<number>): number {
    let n = 0;
    for (let i = 0; i < ids.length; i++) n += this.token(ids[i]).length;
    return n;
  }

  /** Bytes per token of `ids`: 1.5 for the seed's `Hi, My name is Toufik`. NaN for no tokens. */
  compressionRatio(ids: ArrayLike<number>): number {
    return this.byteLength(ids) / ids.length;
  }

  /** As Hugging Face's `tokenizer.json`: `JSON.stringify(tokenizer)` writes the file. */
  toJSON(): TokenizerJson {
    return toTokenizerJson(this);
  }

  /** Reads a `tokenizer.json`, as text or parsed. Throws, naming what it is, when it holds something not supported here. */
  static fromJSON(json: unknown): Tokenizer {
    return new Tokenizer(fromTokenizerJson(json));
  }

  /** As a `.tiktoken` file: base64 and rank, one token a line. It holds neither the pattern nor the special tokens. */
  toTiktoken(): string {
    return toTiktoken(this);
  }

  /** Reads a `.tiktoken` file and finds the merges again. Throws, naming the line, when it is damaged or not byte-level BPE. */
  static fromTiktoken(file: string, extras: TiktokenExtras = {}): Tokenizer {
    refuseUnknown(extras, ['pattern', 'specialTokens'], 'fromTiktoken');
    return new Tokenizer({ ...fromTiktoken(file), ...extras });
  }
}

/** How many of the merges `atMost` takes. */
function worthwhile(steps: readonly MergeStep[], bytes: number): number {
  const enough = Math.min(ENOUGH_TOKENS, bytes / 4);
  let tokens = bytes;
  const end = steps.findIndex(({ count }) => {
    tokens -= count;
    return count < 2 || tokens < enough;
  });
  return end < 0 ? steps.length : end;
}

/** Of so many tokens a text may consist, however long they are. */
const ENOUGH_TOKENS = 4096;

/** A listener to merges that hands them on with the bytes of the new token. `tokens` grows with them. */
function withBytes(
  onMerge: NonNullable<TokenizerTraining['onMerge']>,
  tokens: Uint8Array[],
): (step: MergeStep) => void {
  return (step) => {
    const bytes = concatBytes(step.pair.map((part) => tokens[part]));
    tokens.push(bytes);
    onMerge({ ...step, bytes });
  };
}

/** The chunks that merges are learnt from: the text cut by the pattern, and at special tokens, which are left out. */
function countChunks(text: Uint8Array, { specialTokens, pattern }: Tokenizer): ChunkCounts {
  const split = splitterOf(pattern);
  const counts = makeChunkCounts();
  for (const { start, end } of segments(text, specialTokens, { allowedSpecial: 'all' })) {
    const part = text.subarray(start, end);
    for (let at = 0, next = 0; at < part.length; at = next) {
      next = split(part, at);
      counts.add(part, at, next);
    }
  }
  return counts;
}

function numberSpecials(names: readonly string[], { tokens }: Vocabulary): ReadonlyMap<string, number> {
  const specials = new Map<string, number>();
  if (names.length === 0) return specials;
  const ordinary = new Set(tokens.map(spell));
  for (const name of names) {
    const problem =
      typeof name !== 'string' || name === ''
        ? 'is no name: it needs at least one character'
        : specials.has(name)
          ? 'is given twice: names must differ'
          : ordinary.has(name)
            ? 'is spelt like an ordinary token: choose a name such as <|endoftext|>'
            : '';
    if (problem) throw new Error(`special token '${name}' ${problem}`);
    specials.set(name, tokens.length + specials.size);
  }
  return specials;
}

function checkPattern(pattern: Pattern): Pattern {
  if (patterns.includes(pattern)) return pattern;
  throw new Error(`unknown pattern '${pattern}': known are ${patterns.join(', ')}`);
}
