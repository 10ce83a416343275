// The text for training: token ids, split in two, and the random windows of batches.
import { concatTokens } from '../base/concat.ts';
import { checkOptions, choice, complete, having, number, type Table } from '../base/fields.ts';
import { formatAmount, formatCount } from '../base/format.ts';
import { commonStart } from '../generate/start.ts';
import { type Batch, countTokens, partOf, type Tokens, windows } from '../model/batch.ts';
import { createRandom, STREAMS } from '../tensor/random.ts';
import { type EncodeOptions, type InSlices, sliceFields, type Tokenizer } from '../tokenizer/index.ts';
import { toBytes } from '../tokenizer/utf8.ts';

/** A tokenised text, split for training and validation. Its tokens are in memory, or in a file. */
export interface Dataset<T extends Tokens = Int32Array> {
  /** Token ids for training. */
  train: T;
  /** Token ids for validation only. */
  val: T;
  /** Mean bytes of text per token of the validation part: converts nats per token to bits per byte. */
  valBytesPerToken: number;
  vocabSize: number;
  /**
   * The token that most often precedes a part of the text (`commonStart`). Training stores it in the model.
   */
  startToken?: number;
  /** The special token that ends each document, where the text has one. */
  separator?: number;
}

/** Which tokens are for training and which for validation. */
export interface Split {
  /** Share of the tokens for training; the rest is the validation part. */
  trainFraction: number;
  /**
   * `validation`: train on the training part, measure on the validation part. `inner`: leave out the
   * validation part, and split the training part again, by the same share. Recipes are chosen with `inner`,
   * so that the validation part still gives an unbiased result for the chosen one.
   */
  validate: 'validation' | 'inner';
}

/** What may be said of a split. */
export const splitFields: Table<Split, keyof Split> = {
  trainFraction: number({
    about: 'share of the tokens that train; the rest validates',
    hint: '0.9 trains on the first 90 % of the tokens',
    above: 0,
    below: 1,
    default: 0.9,
  }),
  validate: choice(['validation', 'inner'], {
    about:
      "what validates: the validation part, or an inner split: the training part's own last share, the validation part being left out",
    default: 'validation',
  }),
};

/** The first 90 % for training, the rest for validation. */
export const defaultSplit: Split = complete(splitFields, {}, 'dataset');

/** The two parts of `ids`, both possibly empty. With `inner` the last tokens are in neither part. */
export function splitTokens<T extends Tokens>(
  ids: T,
  { trainFraction, validate }: Split,
): Pick<Dataset<T>, 'train' | 'val'> {
  const { cut, end } = cutOf(ids.length, { trainFraction, validate });
  return { train: partOf(ids, 0, cut), val: partOf(ids, cut, end) };
}

function cutOf(tokens: number, { trainFraction, validate }: Split): { cut: number; end: number } {
  const end = validate === 'inner' ? Math.floor(trainFraction * tokens) : tokens;
  return { cut: Math.floor(trainFraction * end), end };
}

/** A text, or documents that are separated by a special token. */
export interface SeparatedText {
  documents: readonly (string | Uint8Array)[];
  /**
   * The name of that token, which the tokenizer must have. If a document contains the name itself, the name
   * is ordinary text there.
   */
  separator: string;
}

/**
 * The tokens of a whole text. If the text is one string, the names of special tokens in it separate
 * documents, and become these tokens. Throws when the tokenizer has no such separator.
 */
export function encodeText(text: string | Uint8Array | SeparatedText, tokenizer: Tokenizer): Int32Array {
  const { pieces, separator } = piecesOf(text, tokenizer);
  return joined(
    pieces.map(({ text, options }) => tokenizer.encode(text, options)),
    separator,
  );
}

/** As `encodeText`, but returns to the event loop about every 50 ms; `onProgress` counts bytes. */
export async function encodeTextAsync(
  text: string | Uint8Array | SeparatedText,
  tokenizer: Tokenizer,
  { onProgress, signal }: InSlices = {},
): Promise<Int32Array> {
  const { pieces, separator } = piecesOf(text, tokenizer);
  const total = pieces.reduce((sum, { text }) => sum + text.length, 0);
  const parts: Int32Array[] = [];
  let before = 0;
  for (const { text, options } of pieces) {
    const onPart = (done: number): void => onProgress?.(before + done, Math.max(total, before + done));
    parts.push(await tokenizer.encodeAsync(text, { ...options, onProgress: onPart, signal }));
    before += text.length;
  }
  return joined(parts, separator);
}

/** The pieces that are encoded separately, and the token between them. */
interface Pieces {
  pieces: { text: string | Uint8Array; options: EncodeOptions }[];
  separator: Int32Array;
}

const tokenizerField = having<Tokenizer>('decode', 'a Tokenizer', {
  about: 'what makes tokens of the text',
  required: true,
});

function piecesOf(text: string | Uint8Array | SeparatedText, tokenizer: Tokenizer): Pieces {
  complete({ tokenizer: tokenizerField }, { tokenizer }, 'dataset');
  if (!isSeparated(text)) {
    const whole = typeof text === 'string' ? text : toBytes(text);
    return { pieces: [{ text: whole, options: { allowedSpecial: 'all' } }], separator: new Int32Array(0) };
  }
  const options = { otherSpecial: 'text' } as const;
  return {
    pieces: text.documents.map((document) => ({ text: document, options })),
    separator: Int32Array.of(separatorId(tokenizer, text.separator)),
  };
}

function isSeparated(text: string | Uint8Array | SeparatedText): text is SeparatedText {
  return 'documents' in Object(text);
}

function joined(parts: readonly Int32Array[], separator: Int32Array): Int32Array {
  if (parts.length === 1) return parts[0];
  return concatTokens(parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
}

export function separatorId(tokenizer: Tokenizer, name: string): number {
  const id = tokenizer.specialTokens.get(name);
  if (id !== undefined) return id;
  const known = [...tokenizer.specialTokens.keys()].join(' ') || 'none';
  throw new Error(`the tokenizer has no special token '${name}' to put between documents: it has ${known}`);
}

/**
 * Mean bytes of text per token of `ids`, which converts nats per token to bits per byte. A separator counts 0
 * bytes.
 */
export function bytesPerToken(ids: Tokens, tokenizer: Tokenizer, separator: string | null = null): number {
  const between = separator === null ? -1 : separatorId(tokenizer, separator);
  let bytes = 0;
  for (const [id, count] of countTokens(ids, tokenizer.vocabSize))
    if (id !== between) bytes += count * tokenizer.token(id).length;
  return bytes / ids.length;
}

/**
 * Encodes `text` (see `encodeText`) and splits it by tokens: the first part for training, the next for
 * validation; see Split. Throws when the split is not possible or leaves a part empty.
 */
export function dataset(
  text: string | Uint8Array | SeparatedText,
  tokenizer: Tokenizer,
  options: Partial<Split> = {},
): Dataset {
  const split = checkSplit(options);
  return datasetOf(encodeText(text, tokenizer), tokenizer, separatorOf(text), split);
}

/**
 * As `dataset`, but returns to the event loop about every 50 ms while it encodes; `onProgress` counts bytes.
 */
export async function datasetAsync(
  text: string | Uint8Array | SeparatedText,
  tokenizer: Tokenizer,
  given: Partial<Split> & InSlices = {},
): Promise<Dataset> {
  checkOptions({ ...splitFields, ...sliceFields }, given, 'dataset');
  const { onProgress, signal, ...options } = given;
  const split = checkSplit(options);
  const ids = await encodeTextAsync(text, tokenizer, { onProgress, signal });
  return datasetOf(ids, tokenizer, separatorOf(text), split);
}

function separatorOf(text: string | Uint8Array | SeparatedText): string | null {
  return isSeparated(text) ? text.separator : null;
}

/**
 * `dataset` of a text that was encoded, with `separator` between its documents. Its tokens are not copied.
 */
export function datasetOf<T extends Tokens>(
  ids: T,
  tokenizer: Tokenizer,
  separator: string | null,
  split: Split,
): Dataset<T> {
  if (!canSplit(ids.length, split)) throw new Error(tooShort(ids.length, split));
  const { train, val } = splitTokens(ids, split);
  const valBytesPerToken = bytesPerToken(val, tokenizer, separator);
  const startToken = commonStart(train, tokenizer, separator ?? undefined);
  const data = { train, val, valBytesPerToken, vocabSize: tokenizer.vocabSize, startToken };
  return separator === null ? data : { ...data, separator: separatorId(tokenizer, separator) };
}

/** Whether both parts have a token to predict. */
function canSplit(tokens: number, split: Split): boolean {
  const { cut, end } = cutOf(tokens, split);
  return cut >= 2 && end - cut >= 2;
}

function tooShort(tokens: number, split: Split): string {
  const { cut, end } = cutOf(tokens, split);
  const { trainFraction } = split;
  const other = [defaultSplit.trainFraction, 0.5].find((share) =>
    canSplit(tokens, { ...split, trainFraction: share }),
  );
  const fix = other === undefined ? '' : `trainFraction ${other}, or `;
  return (
    `the text has ${formatAmount(tokens, 'token')}: too short to split into training and validation, ` +
    `${cut} and ${end - cut} of them, where each needs 2: use ${fix}a longer text ` +
    `(with trainFraction ${trainFraction} that takes ${formatCount(leastTokens(split))})`
  );
}

/** The fewest tokens of a text that can be split. */
function leastTokens(split: Split): number {
  let most = 4;
  while (!canSplit(most, split)) most *= 2;
  let fewest = Math.floor(most / 2);
  while (most - fewest > 1) {
    const middle = Math.floor((fewest + most) / 2);
    if (canSplit(middle, split)) most = middle;
    else fewest = middle;
  }
  return most;
}

/** The split with its defaults. Throws unless it is possible. */
export function checkSplit(options: Partial<Split>): Split {
  return complete(splitFields, options, 'dataset');
}

/** Throws when a part of the data is shorter than one window of the model, or the vocabularies differ. */
export function checkDataset(data: Dataset<Tokens>, config: { blockSize: number; vocabSize: number }): void {
  const { blockSize: T, vocabSize: V } = config;
  if (data.vocabSize !== V) {
    throw new Error(
      `the tokenizer has ${data.vocabSize} tokens, the model ${V}: use the tokenizer it was made for`,
    );
  }
  if (data.train.length < T + 1) {
    throw new Error(
      `the training part has ${formatAmount(data.train.length, 'token')}, a window needs ${T + 1}: use a longer text or a blockSize below ${data.train.length}`,
    );
  }
}

/**
 * The context of a model that nobody has chosen one for: `blockSize`; of a text that is too short for it,
 * half of the tokens, so that there are two windows that do not overlap. `sampled`: both parts need windows.
 */
export function fittingContext(
  { train, val }: Dataset<Tokens>,
  { blockSize, sampled }: { blockSize: number; sampled: boolean },
): number {
  const tokens = sampled ? Math.min(train.length, val.length) : train.length;
  return tokens > blockSize ? blockSize : Math.floor(tokens / 2);
}

/**
 * Batch number `index`: `B` windows of `T` tokens at uniformly random offsets, with replacement. It depends
 * only on `seed` and `index`, so resuming needs no cursor.
 */
export function randomBatch(
  ids: Tokens,
  B: number,
  T: number,
  { seed, index, use = 'train' }: { seed: number; index: number; use?: 'train' | 'eval' },
): Batch {
  return windows(ids, drawPlaces(ids.length - T, B, { seed, index, use }), T);
}

/** Numbers of 32 bits reach no further. */
const WORD = 2 ** 32;

/** `B` uniformly random whole numbers below `count`: those of batch number `index`. */
export function drawPlaces(
  count: number,
  B: number,
  { seed, index, use = 'train' }: { seed: number; index: number; use?: 'train' | 'eval' },
): number[] {
  const wide = count > WORD;
  const random = createRandom({ seed, stream: STREAMS[use], position: index * B * (wide ? 2 : 1) });
  if (!wide) return Array.from({ length: B }, () => random.int(count));
  const uniform = (): number => (random.int(WORD) * 2 ** 21 + random.int(2 ** 21)) / 2 ** 53;
  return Array.from({ length: B }, () => Math.floor(uniform() * count));
}
