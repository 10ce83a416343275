// What other folders use of the tokenizer. Read next: tokenizer.ts.

export { visibleLine } from '../base/visible.ts';
export type { Merge } from './bpe.ts';
export type { BpeDropout } from './bpe-dropout.ts';
export { type Encoding, type EncodingName, encodings } from './encodings.ts';
export {
  type EncodeOptions,
  encodeFields,
  type InSlices,
  type PartOptions,
  partFields,
  sliceFields,
  type TiktokenExtras,
  type TokenizerTraining,
  type TrainingDefaults,
  type TrainingEventOptions,
  type TrainingInSlices,
  trainingEventFields,
  trainingFields,
} from './options.ts';
export { partsOf, type TokenizerContents, type TokenizerParts } from './parts.ts';
export { type Pattern, patterns } from './patterns.ts';
export type { SpecialOptions } from './special.ts';
export type { StreamDecoder } from './stream.ts';
export { countChunks, type MergeEvent, Tokenizer, type TokenizerEvent } from './tokenizer.ts';
export type { AddedToken, BpeModel, TokenizerJson } from './tokenizer-json.ts';
export type { MergeStep } from './train.ts';
export { type ChunkCounts, makeChunkCounts } from './train-fast.ts';
export { printable } from './utf8.ts';
