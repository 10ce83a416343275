// The tokenizer as the rest of the library uses it: bytes to tokens and back, trained here or read from a
// file. Read next: train.ts and bpe.ts (the definitions), then train-fast.ts and bpe-fast.ts (the same,
// fast).

import { concatBytes } from '../base/concat.ts';
import { checkOptions, complete } from '../base/fields.ts';
import { formatAmount } from '../base/format.ts';
import { makePacer, type Pausable, runInSlices, runThrough } from '../base/slices.ts';
import { type ChunkEncoder, type Merge, makeVocabulary, type Vocabulary } from './bpe.ts';
import { type BpeDropout, type DropoutEncoder, makeDropoutEncoder } from './bpe-dropout.ts';
import { makeEncoder } from './bpe-fast.ts';
import { spell } from './byte-level.ts';
import { encodings } from './encodings.ts';
import {
  type EncodeOptions,
  encodeFields,
  encodeSliceFields,
  type InSlices,
  type PartOptions,
  partFields,
  partSliceFields,
  partsFields,
  type TiktokenExtras,
  type TokenizerTraining,
  type TrainingEventOptions,
  type TrainingInSlices,
  tiktokenFields,
  trainingEventFields,
  trainingFields,
  trainingSliceFields,
} from './options.ts';
import type { TokenizerParts } from './parts.ts';
import { type Pattern, patterns } from './patterns.ts';
import { type SpecialOptions, segments } from './special.ts';
import { type Splitter, splitterOf } from './split-fast.ts';
import { makeStreamDecoder, type StreamDecoder } from './stream.ts';
import { fromTiktoken, toTiktoken } from './tiktoken.ts';
import { fromTokenizerJson, type TokenizerJson, toTokenizerJson } from './tokenizer-json.ts';
import type { MergeStep } from './train.ts';
import { type ChunkCounts, makeChunkCounts, trainOnCounts } from './train-fast.ts';
import { decodeText, textOf, toBytes } from './utf8.ts';

/** A result of fewer tokens has a buffer of exactly its length. */
const LONG_RESULT = 2 ** 26;

/** Bytes encoded at a time with BPE dropout, which needs about 36 bytes of memory for each. */
const DROPOUT_BATCH = 2 ** 26;

/** Bytes encoded between two pauses: a few milliseconds of work. */
const PAUSE_BYTES = 2 ** 16;

/** A merge, when training has made it. */
export interface MergeEvent extends MergeStep {
  type: 'merge';
  /** Of the new token. */
  bytes: Uint8Array;
}

/** What happens while a tokenizer is trained: its merges, then `done`. */
export type TokenizerEvent = MergeEvent | { type: 'done'; tokenizer: Tokenizer };

/** Some of the tokens of a text, or null for a pause; and the number of bytes done. */
interface Part {
  ids: Int32Array | null;
  done: number;
}

/** A buffer for ids: `ids[0..n)` are written. */
interface Room {
  ids: Int32Array;
  n: number;
}

/**
 * A byte-level BPE tokenizer. Any bytes, valid UTF-8 or not, can be encoded and decoded without loss (with
 * `prefixSpace`, a space is added in front).
 *
 * ```ts
 * const tokenizer = Tokenizer.train(text, { vocabSize: 500 });
 * const ids = tokenizer.encode('Hi, My name is Toufik'); // Int32Array [72, 105, 261, 77, ...]
 * tokenizer.decode(ids); // 'Hi, My name is Toufik'
 * ```
 */
export class Tokenizer {
  /**
   * `merges[r]` are the two tokens that make token 256 + r. Where `ids` is set these are token numbers, which
   * `ids` maps to ids.
   */
  readonly merges: readonly Merge[];
  readonly pattern: Pattern;
  /** Special tokens by name. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** The id of each token by its number; null where they are equal. */
  readonly ids: Int32Array | null;
  readonly prefixSpace: boolean;
  /**
   * The id of each byte's token: the byte's value, unless the tokenizer comes from a file that numbers them
   * otherwise.
   */
  readonly byteIds: Int32Array;
  /** The bytes of each token by its id; undefined where no token has that id. */
  readonly #tokens: (Uint8Array | undefined)[];
  #ranks: Map<number, number> | undefined;
  readonly #split: Splitter;
  readonly #encodeChunk: ChunkEncoder;
  readonly #encodeWithDropout: DropoutEncoder;

  /** Throws when the parts contradict each other. */
  constructor(parts: TokenizerParts) {
    const { pattern, specialTokens, byteIds, ids, prefixSpace } = complete(partsFields, parts, 'a tokenizer');
    const { merges } = parts;
    const vocabulary = makeVocabulary(merges, byteIds);
    this.merges = merges;
    this.pattern = pattern;
    this.ids = ids?.some((id, number) => id !== number) ? ids : null;
    this.prefixSpace = prefixSpace;
    this.#tokens = tokensById(vocabulary, ids);
    this.specialTokens = numberSpecials(specialTokens, vocabulary, this.#tokens);
    for (const [name, id] of this.specialTokens) this.#tokens[id] = toBytes(name);
    this.byteIds = ids ? vocabulary.byteIds.map((number) => ids[number]) : vocabulary.byteIds;
    this.#split = splitterOf(this.pattern);
    this.#encodeChunk = makeEncoder(vocabulary);
    this.#encodeWithDropout = makeDropoutEncoder(vocabulary);
  }

  /**
   * Learns the merges from `text` (train.ts defines them). Throws when the text is empty, when `vocabSize` is
   * below 256 plus the special tokens, and when the text is too short for it: merging ends when there are no
   * pairs left.
   */
  static train(text: string | Uint8Array, options: TokenizerTraining): Tokenizer {
    return runThrough(training(text, options));
  }

  /**
   * As `train`, but returns to the event loop about every 50 ms. Instead of a text it takes the chunks of one
   * (`countChunks`), which were counted with the same pattern and special tokens. Rejects where `train`
   * throws, and when the signal is aborted.
   */
  static async trainAsync(
    text: string | Uint8Array | ChunkCounts,
    given: TokenizerTraining & TrainingInSlices,
  ): Promise<Tokenizer> {
    complete(trainingSliceFields, given, 'Tokenizer.train');
    const { onProgress, signal, ...options } = given;
    return runInSlices(training(text, options), {
      signal,
      onPause: ({ done, total, unit }) => onProgress?.(done, total, unit),
    });
  }

  /**
   * As `trainAsync`, as a stream: an event for each merge, and one with the tokenizer. No merge is made while
   * the body of the loop runs. Leaving the loop ends the training.
   *
   * @example for await (const e of Tokenizer.trainEvents(text, { vocabSize: 500 })) {
   *   if (e.type === 'merge') console.log(e.pair, e.id, e.count, new TextDecoder().decode(e.bytes));
   * }
   */
  static async *trainEvents(
    text: string | Uint8Array,
    given: TrainingEventOptions,
  ): AsyncGenerator<TokenizerEvent, void> {
    complete(trainingEventFields, given, 'Tokenizer.train');
    const { onProgress, signal, ...options } = given;
    const merges: MergeEvent[] = [];
    const work = training(text, { ...options, onMerge: (step) => merges.push({ type: 'merge', ...step }) });
    const pacer = makePacer(signal);
    for (;;) {
      signal?.throwIfAborted();
      const step = work.next();
      yield* merges.splice(0);
      if (step.done) {
        yield { type: 'done', tokenizer: step.value };
        return;
      }
      if (!pacer.due()) continue;
      const { done, total, unit } = step.value;
      onProgress?.(done, total, unit);
      await pacer.turn();
    }
  }

  /** Ids go from 0 to `vocabSize` - 1. Counts the tokens and the gaps between their ids. */
  get vocabSize(): number {
    return this.#tokens.length;
  }

  /**
   * The tokens of `text`. The names of special tokens are refused unless the options say otherwise: see
   * SpecialOptions. With `dropout`, other tokens of the same bytes: see BpeDropout. Throws when its p is not
   * from 0 to 1. From 2^26 tokens on, the result is a view of a longer buffer, whose unused end takes no
   * memory.
   */
  encode(text: string | Uint8Array, options: EncodeOptions = {}): Int32Array {
    const bytes = toBytes(text);
    if (bytes.length < PAUSE_BYTES && !options?.dropout) return this.#encodeShort(bytes, options);
    return runThrough(this.#encoding(bytes, options));
  }

  /** As `#encoding`, for a text that needs no pause. Generators would take a sixth of the time of a line. */
  #encodeShort(bytes: Uint8Array, options: EncodeOptions): Int32Array {
    checkOptions(encodeFields, options, 'encode');
    const out = { ids: new Int32Array(this.prefixSpace ? 2 * bytes.length : bytes.length), n: 0 };
    for (const { start, end, special } of segments(bytes, this.specialTokens, options)) {
      this.#fill(out, this.#prefixed(bytes.subarray(start, end)), 0);
      if (special >= 0) out.ids[out.n++] = special;
    }
    return out.ids.slice(0, out.n);
  }

  /**
   * As `encode`, but returns to the event loop about every 50 ms. Rejects where `encode` throws, and when the
   * signal is aborted.
   */
  async encodeAsync(text: string | Uint8Array, given: EncodeOptions & InSlices = {}): Promise<Int32Array> {
    checkOptions(encodeSliceFields, given, 'encode');
    const { onProgress, signal, ...options } = given;
    const bytes = toBytes(text);
    const onPause = (done: number): void => onProgress?.(Math.min(done, bytes.length), bytes.length);
    return runInSlices(this.#encoding(bytes, options), { signal, onPause });
  }

  *#encoding(bytes: Uint8Array, options: EncodeOptions): Pausable<Int32Array> {
    checkOptions(encodeFields, options, 'encode');
    const { dropout } = options;
    if (dropout) return yield* this.#encodingWithDropout(bytes, options, dropout);
    const room = this.prefixSpace ? 2 * bytes.length : bytes.length;
    let ids: Int32Array = new Int32Array(0);
    for (const part of this.#parts(bytes, options, room)) {
      if (part.ids) ids = part.ids; // the buffer that holds all ids: there was one part
      yield part.done;
    }
    return ids.length < LONG_RESULT ? ids.slice() : ids;
  }

  /**
   * The same tokens in parts of at most `partLength` (default 65,536) or one chunk. Each part is encoded when
   * it is asked for, so the tokens of a whole corpus need not be in memory at once. With pattern `none` the
   * whole text is one chunk. Throws as `encode` does, before the first part.
   */
  encodeParts(text: string | Uint8Array, options: PartOptions = {}): Generator<Int32Array> {
    return onlyIds(this.#checkedParts(toBytes(text), options));
  }

  /**
   * As `encodeParts`, but returns to the event loop about every 50 ms. Throws at once where `encodeParts`
   * does.
   */
  encodePartsAsync(
    text: string | Uint8Array,
    given: PartOptions & InSlices = {},
  ): AsyncGenerator<Int32Array> {
    checkOptions(partSliceFields, given, 'encodeParts');
    const { onProgress, signal, ...options } = given;
    const bytes = toBytes(text);
    const onPause = (done: number): void => onProgress?.(Math.min(done, bytes.length), bytes.length);
    return idsInSlices(this.#checkedParts(bytes, options), signal, onPause);
  }

  #checkedParts(bytes: Uint8Array, options: PartOptions): Generator<Part> {
    const { partLength, ...special } = complete(partFields, options, 'encodeParts');
    for (const _ of segments(bytes, this.specialTokens, special)); // throws now rather than half-way
    return this.#parts(bytes, special, partLength);
  }

  *#parts(bytes: Uint8Array, options: SpecialOptions, room: number): Generator<Part> {
    let out: Room = { ids: new Int32Array(room), n: 0 };
    for (const { start, end, special } of segments(bytes, this.specialTokens, options)) {
      const text = this.#prefixed(bytes.subarray(start, end));
      for (let at = 0; at < text.length; yield { ids: null, done: start + at }) {
        const from = at;
        at = this.#fill(out, text, at);
        if (at > from) continue;
        const next = this.#split(text, at); // the end of a chunk that is long or does not fit
        if (next - at > out.ids.length - out.n) {
          if (out.n > 0) yield { ids: out.ids.subarray(0, out.n), done: start + at };
          out = { ids: new Int32Array(Math.max(room, next - at)), n: 0 };
        }
        const chunk = this.#encodeChunk.encodeInSteps(text, at, next, out.ids, out.n);
        let step = chunk.next();
        for (; !step.done; step = chunk.next()) yield { ids: null, done: start + at + step.value };
        this.#number(out.ids, out.n, step.value);
        out.n = step.value;
        at = next;
      }
      if (special < 0) continue;
      if (out.n === out.ids.length) {
        yield { ids: out.ids, done: end };
        out = { ids: new Int32Array(room), n: 0 };
      }
      out.ids[out.n++] = special;
    }
    if (out.n > 0) yield { ids: out.ids.subarray(0, out.n), done: bytes.length };
  }

  /**
   * Encodes the chunks of `text` from `at` on while they are short, there is room for one id per byte, and no
   * pause is due. Returns where it stopped.
   */
  #fill(out: Room, text: Uint8Array, at: number): number {
    const { ids } = out;
    const stop = Math.min(text.length, at + PAUSE_BYTES);
    let n = out.n;
    while (at < stop) {
      const end = this.#split(text, at);
      if (n + end - at > ids.length || end - at > PAUSE_BYTES) break;
      n = this.#encodeChunk.encode(text, at, end, ids, n);
      at = end;
    }
    this.#number(ids, out.n, n);
    out.n = n;
    return at;
  }

  /** Turns the token numbers `ids[from..to)` into ids. */
  #number(ids: Int32Array, from: number, to: number): void {
    if (this.ids) for (let i = from; i < to; i++) ids[i] = this.ids[ids[i]];
  }

  /** A text between special tokens, as it is encoded: with the prefix space where one is wanted. */
  #prefixed(text: Uint8Array): Uint8Array {
    if (!this.prefixSpace || text.length === 0 || text[0] === 0x20) return text;
    return concatBytes([Uint8Array.of(0x20), text]);
  }

  *#encodingWithDropout(
    bytes: Uint8Array,
    options: SpecialOptions,
    dropout: BpeDropout,
  ): Pausable<Int32Array> {
    const ids = new Int32Array(this.prefixSpace ? 2 * bytes.length : bytes.length);
    let n = 0;
    for (const { start, end, special } of segments(bytes, this.specialTokens, options)) {
      const text = this.#prefixed(bytes.subarray(start, end));
      for (let from = 0; from < text.length; ) {
        const ends = this.#chunkEnds(text.subarray(from), DROPOUT_BATCH);
        const to = from + ends[ends.length - 1];
        const batch = this.#encodeWithDropout(text.subarray(from, to), ends, ids, n, dropout);
        let step = batch.next();
        for (; !step.done; step = batch.next()) yield start + from + step.value * (to - from);
        this.#number(ids, n, step.value);
        n = step.value;
        from = to;
      }
      if (special >= 0) ids[n++] = special;
    }
    return ids.slice(0, n);
  }

  /** Where chunks of `text` end, from the first chunk on until they have `bytes` bytes or more. */
  #chunkEnds(text: Uint8Array, bytes: number): Int32Array {
    const ends: number[] = [];
    for (let at = 0; at < Math.min(bytes, text.length); ends.push(at)) at = this.#split(text, at);
    return Int32Array.from(ends);
  }

  /**
   * The text of `ids`; bytes that are not UTF-8 become U+FFFD. Throws when an id is not in the vocabulary and
   * when the text is too long for a string.
   */
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

  /**
   * The bytes of token `id`. For a special token these are its name; an id in a gap has none. Throws when
   * `id` is not in the vocabulary.
   */
  token(id: number): Uint8Array {
    const bytes = this.#tokens[id];
    if (bytes) return bytes;
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return new Uint8Array(0);
    throw new RangeError(`token ${id} is not in the vocabulary: ids go from 0 to ${this.vocabSize - 1}`);
  }

  /** Whether a token has this id. There may be gaps below `vocabSize`. */
  hasToken(id: number): boolean {
    return this.#tokens[id] !== undefined;
  }

  /** The ids of the two tokens that token `id` was merged from; undefined for bytes and special tokens. */
  mergeOf(id: number): Merge | undefined {
    this.#ranks ??= new Map(this.merges.map((_, rank) => [this.#idOf(256 + rank), rank]));
    const rank = this.#ranks.get(id);
    if (rank === undefined) return undefined;
    const [left, right] = this.merges[rank];
    return [this.#idOf(left), this.#idOf(right)];
  }

  #idOf(number: number): number {
    return this.ids ? this.ids[number] : number;
  }

  /**
   * Token `id` as text, for people. Bytes that are no whole character, which `decode` cannot show, are
   * `\\xE2`. Do not join these texts (a backslash of the text looks the same): `token` has the bytes. Throws
   * when there is no such token.
   */
  tokenText(id: number): string {
    return textOf(this.token(id));
  }

  /** Total number of bytes of the tokens `ids`. Throws when an id is not in the vocabulary. */
  byteLength(ids: ArrayLike<number>): number {
    let n = 0;
    for (let i = 0; i < ids.length; i++) n += this.token(ids[i]).length;
    return n;
  }

  /** Bytes per token of `ids`: 1.5 for the seed's `Hi, My name is Toufik`. NaN for no tokens. */
  compressionRatio(ids: ArrayLike<number>): number {
    return this.byteLength(ids) / ids.length;
  }

  /** Hugging Face's `tokenizer.json`: `JSON.stringify(tokenizer)` writes the file. */
  toJSON(): TokenizerJson {
    return toTokenizerJson(this);
  }

  /**
   * Reads a `tokenizer.json`, as text or parsed. Throws, naming the field, when it holds something not
   * supported here.
   */
  static fromJSON(json: unknown): Tokenizer {
    return new Tokenizer(fromTokenizerJson(json));
  }

  /**
   * The tokenizer as a `.tiktoken` file: base64 and rank, one token per line. Pattern and special tokens are
   * not in it.
   */
  toTiktoken(): string {
    return toTiktoken(this);
  }

  /**
   * Reads a `.tiktoken` file and finds the merges again. What the file does not hold must be given, such as
   * `encodings.cl100k_base`. Throws, naming the line, when it is damaged or not byte-level BPE.
   */
  static fromTiktoken(file: string, extras: TiktokenExtras): Tokenizer {
    const { pattern, specialTokens }: Partial<TiktokenExtras> = extras ?? {};
    checkOptions(tiktokenFields, extras ?? {}, 'fromTiktoken');
    if (pattern === undefined)
      throw new Error(
        '.tiktoken files do not hold their pattern, and another one gives other ids: give pattern ' +
          `(${patterns.join(', ')}), or all of encodings.NAME (${Object.keys(encodings).join(', ')})`,
      );
    return new Tokenizer({ ...fromTiktoken(file), pattern, specialTokens });
  }
}

function* onlyIds(parts: Iterable<Part>): Generator<Int32Array> {
  for (const { ids } of parts) if (ids) yield ids;
}

/** The ids of `parts`, which are computed in slices. */
async function* idsInSlices(
  parts: Iterable<Part>,
  signal: AbortSignal | undefined,
  onPause: (done: number) => void,
): AsyncGenerator<Int32Array> {
  const pacer = makePacer(signal);
  signal?.throwIfAborted();
  for (const { ids, done } of parts) {
    if (ids) yield ids;
    if (!pacer.due()) continue;
    onPause(done);
    await pacer.turn();
  }
}

/** How far the training of a tokenizer has come. */
interface Trained {
  done: number;
  total: number;
  unit: 'bytes' | 'merges';
}

/** `Tokenizer.train` as a computation that can pause. */
function* training(
  text: string | Uint8Array | ChunkCounts,
  options: TokenizerTraining,
): Pausable<Tokenizer, Trained> {
  const { pattern, specialTokens, atMost, onMerge } = complete(trainingFields, options, 'Tokenizer.train');
  const { vocabSize } = options;
  const untrained = new Tokenizer({ merges: [], pattern, specialTokens });
  const wanted = vocabSize - untrained.vocabSize;
  if (wanted < 0) {
    const parts =
      specialTokens.length > 0 ? ` and ${formatAmount(specialTokens.length, 'special token')}` : '';
    throw new RangeError(
      `vocabSize ${vocabSize} is too small: 256 bytes${parts} need at least ${untrained.vocabSize}`,
    );
  }
  const counts = isCounts(text) ? text : yield* countingChunks(toBytes(text), untrained, makeChunkCounts());
  const { byteLength } = counts;
  if (byteLength === 0) throw new RangeError('the text to train on is empty: give at least one byte');
  const total = Math.min(wanted, byteLength);
  const isWanted = atMost ? worthwhile(byteLength) : undefined;
  const merging = trainOnCounts(counts, total, onMerge && withBytes(onMerge), isWanted);
  let made = merging.next();
  for (; !made.done; made = merging.next()) yield { done: made.value, total, unit: 'merges' };
  const steps = made.value;
  if (steps.length < wanted && !atMost)
    throw new RangeError(
      `vocabSize ${vocabSize} is more than ${formatAmount(byteLength, 'byte')} of text ${byteLength === 1 ? 'gives' : 'give'}: use ${untrained.vocabSize + steps.length} or less, or more text`,
    );
  return new Tokenizer({ merges: steps.map((step) => step.pair), pattern, specialTokens });
}

/** Whether `atMost` accepts the next merge of a text of so many bytes. */
function worthwhile(bytes: number): (step: MergeStep) => boolean {
  const enough = Math.min(ENOUGH_TOKENS, bytes / 4);
  let tokens = bytes;
  return ({ count }) => {
    tokens -= count;
    return count >= 2 && tokens >= enough;
  };
}

/** A text may always shrink to this many tokens, however long they are. */
const ENOUGH_TOKENS = 4096;

/** Wraps a listener to merges, and gives it the bytes of the new token. */
function withBytes(onMerge: NonNullable<TokenizerTraining['onMerge']>): (step: MergeStep) => void {
  const tokens = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  return (step) => {
    const bytes = concatBytes(step.pair.map((part) => tokens[part]));
    tokens.push(bytes);
    onMerge({ ...step, bytes });
  };
}

/**
 * The chunks that merges are learnt from: the text cut by the pattern and at special tokens, which are left
 * out. They are added to `counts`.
 */
export function countChunks(
  text: Uint8Array,
  tokenizer: Tokenizer,
  counts: ChunkCounts = makeChunkCounts(),
): ChunkCounts {
  return runThrough(countingChunks(text, tokenizer, counts));
}

function isCounts(text: unknown): text is ChunkCounts {
  return typeof text === 'object' && text !== null && 'distinctBytes' in text;
}

function* countingChunks(
  text: Uint8Array,
  { specialTokens, pattern }: Tokenizer,
  counts: ChunkCounts,
): Pausable<ChunkCounts, Trained> {
  const split = splitterOf(pattern);
  const total = text.length;
  for (const { start, end } of segments(text, specialTokens, { allowedSpecial: 'all' })) {
    const part = text.subarray(start, end);
    for (let at = 0; at < part.length; yield { done: start + at, total, unit: 'bytes' })
      at = addChunks(counts, split, part, at, Math.min(part.length, at + PAUSE_BYTES));
  }
  return counts;
}

/**
 * Counts the chunks of `text` that begin at or after `at` and before `stop`. Returns where the last one ends.
 */
function addChunks(counts: ChunkCounts, split: Splitter, text: Uint8Array, at: number, stop: number): number {
  while (at < stop) {
    const end = split(text, at);
    counts.add(text, at, end);
    at = end;
  }
  return at;
}

/** The bytes of every token by id. Throws when two tokens have the same id. */
function tokensById({ tokens }: Vocabulary, ids: Int32Array | undefined): (Uint8Array | undefined)[] {
  if (!ids) return [...tokens];
  if (ids.length !== tokens.length)
    throw new Error(`ids has ${ids.length} ids: 256 bytes and the merges are ${tokens.length} tokens`);
  const byId: (Uint8Array | undefined)[] = [];
  ids.forEach((id, number) => {
    if (!(id >= 0 && id <= LARGEST_ID)) throw new Error(`id ${id} is none: ids go from 0 to ${LARGEST_ID}`);
    if (byId[id]) throw new Error(`id ${id} is given to two tokens: ids must differ`);
    byId[id] = tokens[number];
  });
  return byId;
}

function numberSpecials(
  given: readonly string[] | ReadonlyMap<string, number>,
  { tokens }: Vocabulary,
  byId: readonly (Uint8Array | undefined)[],
): ReadonlyMap<string, number> {
  const specials = new Map<string, number>();
  const numbered = 'get' in given ? [...given] : given.map((name, k) => [name, byId.length + k] as const);
  if (numbered.length === 0) return specials;
  const ordinary = new Set(tokens.map(spell));
  const taken = new Set<number>();
  for (const [name, id] of numbered) {
    const problem =
      typeof name !== 'string' || name === ''
        ? 'is no name: it needs at least one character'
        : specials.has(name)
          ? 'is given twice: names must differ'
          : ordinary.has(name)
            ? 'is spelt like an ordinary token: choose a name such as <|endoftext|>'
            : !(Number.isInteger(id) && id >= 0 && id <= LARGEST_ID)
              ? `has id ${id}: ids go from 0 to ${LARGEST_ID}`
              : byId[id] || taken.has(id)
                ? `has id ${id}, which another token has: ids must differ`
                : '';
    if (problem) throw new Error(`special token '${name}' ${problem}`);
    specials.set(name, id);
    taken.add(id);
  }
  return specials;
}

/** A larger id is taken for a mistake: the vocabulary has room for all ids up to the largest. */
const LARGEST_ID = 2 ** 24;
