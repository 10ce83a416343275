// The public API of the core: what runs in Node and in a browser alike. Read next: model/gpt.ts.
export type { Backend, BackendOptions, Dropout, Kernels, MemoryUse, Precision } from './backend/contract.ts';
export {
  type BackendReport,
  backendNames,
  createBackend,
  currentBackend,
  registerBackend,
  reportBackends,
  useBackend,
} from './backend/registry.ts';
export { type GenerateEvent, generate, generateText } from './generate/generate.ts';
export type { GenerateOptions } from './generate/options.ts';
export { attentionMaps, inductionScores, summarizeHeads } from './inspect/attention.ts';
export { capture } from './inspect/capture.ts';
export { type Captured, type Edit, editTap, steadyEdits } from './inspect/edit.ts';
export { ablate, editEffect } from './inspect/effect.ts';
export { neighbours, positionSimilarity } from './inspect/embedding.ts';
export { logitLens } from './inspect/lens.ts';
export { measureTaps } from './inspect/measure.ts';
export { predictText } from './inspect/predictions.ts';
export { memoryStore, type Store } from './io/store.ts';
export { urlStore } from './io/url-store.ts';
export { checkConfig, type GPTConfig, makeConfig, type Preset, presets } from './model/config.ts';
export { type LoadOptions, loadModel as load, type ModelFolder, saveModel as save } from './model/folder.ts';
export { type ForwardOptions, GPT } from './model/gpt.ts';
export { KVCache } from './model/kv-cache.ts';
export { matchTaps, TAPS, type Tap, type TapSpec, tapNames } from './model/taps.ts';
export { namedParameters } from './nn/parameters.ts';
export { compare } from './quantize/compare.ts';
export { quantize } from './quantize/quantize.ts';
export { type Checkpoint, loadCheckpoint } from './runs/checkpoint.ts';
export { modelStore, readHistory } from './runs/open.ts';
export { trainInFolder } from './runs/train-in-folder.ts';
export { crossEntropy } from './tensor/ops.ts';
export { keep, scope } from './tensor/scope.ts';
export { withGradients } from './tensor/tape.ts';
export { Tensor, tensor, zeros } from './tensor/tensor.ts';
export { Tokenizer } from './tokenizer/index.ts';
export { type Dataset, dataset, datasetAsync, type Split } from './train/data.ts';
export { evaluate } from './train/evaluate.ts';
export type { TrainEvent } from './train/events.ts';
export type { TrainOptions } from './train/run.ts';
export { recipes, type TrainSettings } from './train/settings.ts';
export { train } from './train/train.ts';
