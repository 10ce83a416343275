// The options of a tokenizer, and the tables that they are checked by. Read next: tokenizer.ts.
import {
  callback,
  choice,
  custom,
  type Field,
  flag,
  having,
  int32s,
  integer,
  signal,
  type Table,
  texts,
} from '../base/fields.ts';
import { number, object, type Schema, such } from '../base/schema.ts';
import type { BpeDropout } from './bpe-dropout.ts';
import type { TokenizerParts } from './parts.ts';
import { type Pattern, patterns } from './patterns.ts';
import type { SpecialOptions } from './special.ts';
import type { MergeStep } from './train.ts';

export interface TokenizerTraining {
  /** Tokens in all: 256 bytes, the merges, the special tokens. */
  vocabSize: number;
  /** Default `none`: merges may span words, as in the seed. */
  pattern?: Pattern;
  /** Names that separate parts of the text and are not learnt from. */
  specialTokens?: readonly string[];
  /**
   * Accepts fewer tokens than `vocabSize` for a short text. Merging then ends when no pair occurs twice, or
   * before the text shrinks to too few tokens to learn from (a quarter of its bytes; 4,096 are enough).
   * Default: `vocabSize` tokens, or an error.
   */
  atMost?: boolean;
  /** Called after each merge, with the new token's bytes. */
  onMerge?: (step: MergeStep & { bytes: Uint8Array }) => void;
}

/** Options of `Tokenizer.trainEvents`. */
export interface TrainingEventOptions extends Omit<TokenizerTraining, 'onMerge'>, TrainingInSlices {}

/** How a text is encoded. */
export interface EncodeOptions extends SpecialOptions {
  /** Leaves merges out at random. Default: none. */
  dropout?: BpeDropout;
}

/** How a text is encoded part by part. */
export interface PartOptions extends SpecialOptions {
  /** The most tokens per part. A longer chunk is a part of its own. Default 65,536. */
  partLength?: number;
}

/** Options of the asynchronous functions, in addition to those of their synchronous counterparts. */
export interface InSlices {
  /** Called about every 50 ms with the number of bytes done so far and in all. */
  onProgress?: (done: number, total: number) => void;
  /** Aborts the work: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The same for training, which counts first the bytes read, then the merges made. */
export interface TrainingInSlices extends Pick<InSlices, 'signal'> {
  onProgress?: (done: number, total: number, unit: 'bytes' | 'merges') => void;
}

/** What a `.tiktoken` file does not hold. `encodings` has it for the published files. */
export interface TiktokenExtras extends Pick<TokenizerParts, 'specialTokens'> {
  pattern: Pattern;
}

const pattern: Field<Pattern, Pattern> = choice(patterns, {
  about: 'how text is split before merging',
  default: 'none',
});

/** Those that have a default. */
export type TrainingDefaults = 'pattern' | 'specialTokens' | 'atMost';

/** The options of `Tokenizer.train`. */
export const trainingFields: Table<TokenizerTraining, TrainingDefaults> = {
  vocabSize: integer({ about: 'tokens in all', min: 256, required: true }),
  pattern,
  specialTokens: texts({ about: 'names that separate parts of the text and become tokens', default: [] }),
  atMost: flag({ about: 'accept fewer tokens for a short text', default: false }),
  onMerge: callback({ about: 'called after each merge' }),
};

/** What asynchronous functions take besides. */
export const sliceFields: Table<InSlices> = {
  onProgress: callback({ about: 'called about every 50 ms with the bytes done so far and in all' }),
  signal: signal({ about: 'ends it' }),
};

/** The options of `Tokenizer.trainAsync`. */
export const trainingSliceFields: Table<TokenizerTraining & TrainingInSlices, TrainingDefaults> = {
  ...trainingFields,
  onProgress: callback({
    about: 'called about every 50 ms with the bytes read or merges made, and their number',
  }),
  signal: sliceFields.signal,
};

const { onMerge: _, ...eventFields } = trainingSliceFields;

/** The options of `Tokenizer.trainEvents`. */
export const trainingEventFields: Table<TrainingEventOptions, TrainingDefaults> = eventFields;

type Allowed = Required<SpecialOptions>['allowedSpecial'];

const allowedSchema: Schema<Allowed> = such(
  (value): value is Allowed => value === 'all' || value === 'none' || isList(value),
  'all, none or a list of names',
);

const specialFields: Table<SpecialOptions, keyof SpecialOptions> = {
  allowedSpecial: custom({
    about: 'names of special tokens that become their token',
    schema: allowedSchema,
    json: { anyOf: [{ enum: ['all', 'none'] }, { type: 'array', items: { type: 'string' } }] },
    default: 'none',
  }),
  otherSpecial: choice(['refuse', 'text'], {
    about: 'what to do with other names of special tokens',
    default: 'refuse',
  }),
};

const randomField = having<BpeDropout['random']>('uniform', 'an object with a function `uniform`', {
  about: 'decides which merges are left out',
});

/** The options of `encode`. */
export const encodeFields: Table<EncodeOptions, keyof SpecialOptions> = {
  ...specialFields,
  dropout: custom({
    about: 'leaves merges out at random',
    schema: object<BpeDropout>({ p: number({ min: 0, max: 1 }), random: randomField.schema }),
  }),
};

/** The options of `encodeAsync`. */
export const encodeSliceFields: Table<EncodeOptions & InSlices, keyof SpecialOptions> = {
  ...encodeFields,
  ...sliceFields,
};

/** The options of `encodeParts`. */
export const partFields: Table<PartOptions, keyof PartOptions> = {
  ...specialFields,
  partLength: integer({ about: 'tokens per part at most', min: 1, default: 2 ** 16 }),
};

/** The options of `encodePartsAsync`. */
export const partSliceFields: Table<PartOptions & InSlices, keyof PartOptions> = {
  ...partFields,
  ...sliceFields,
};

/** The parts of a tokenizer. The constructor checks that they fit together. */
export const partsFields: Table<TokenizerParts, 'pattern' | 'specialTokens' | 'prefixSpace'> = {
  merges: custom({
    about: 'pairs of tokens, in order of rank',
    schema: such((value): value is TokenizerParts['merges'] => Array.isArray(value), 'a list of pairs'),
    required: true,
  }),
  pattern,
  specialTokens: custom({
    about: 'names, or names with their ids',
    schema: such(
      (value): value is Specials => isList(value) || value instanceof Map,
      'a list of names or a Map of names to ids',
    ),
    default: [],
  }),
  byteIds: int32s({ about: 'the numbers of the tokens of single bytes' }),
  ids: int32s({ about: 'the ids of all tokens but the special ones' }),
  prefixSpace: flag({ about: 'put a space before a text without one', default: false }),
};

/** The options of `Tokenizer.fromTiktoken`. */
export const tiktokenFields: Table<TiktokenExtras, 'pattern' | 'specialTokens'> = {
  pattern: partsFields.pattern,
  specialTokens: partsFields.specialTokens,
};

type Specials = Required<TokenizerParts>['specialTokens'];

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
