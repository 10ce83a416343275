// The public API of the core, the same in Node and in browsers. The engines come from the platform
// (platform/browser.ts, platform/node.ts). Read next: model/gpt.ts.
export type * from './backend/contract.ts';
export { currentBackend } from './backend/current.ts';
export { type BackendReport, type ChosenBackend, type Engines, engineFields } from './backend/registry.ts';
export {
  type AnyField as AnyOption,
  checkValue,
  type Field as OptionField,
  type Fields as OptionFields,
  type Form as OptionForm,
  type JsonSchema,
  jsonSchemaOf,
  type Row as OptionRow,
  type Table as OptionTable,
} from './base/fields.ts';
export type { Range, Schema } from './base/schema.ts';
export type { Overflow } from './generate/context.ts';
export {
  type FinishEvent,
  type GenerateEvent,
  generate,
  generateText,
  type StartEvent,
  type TokenEvent,
} from './generate/generate.ts';
export {
  type GenerateDefaults,
  type GenerateOptions,
  type GenerateTextOptions,
  generateFields,
  generateTextFields,
} from './generate/options.ts';
export type { SamplingOptions } from './generate/sampler.ts';
export type { Start } from './generate/start.ts';
export * from './inspect/index.ts';
export { type Content, type Lock, memoryStore, type OpenFile, type Parts, type Store } from './io/store.ts';
export { urlStore } from './io/url-store.ts';
export {
  type Adapter,
  loadAdapter,
  mergeAdapter,
  saveAdapter,
  type ThinMatrices,
} from './model/adapter.ts';
export type { Batch, Tokens } from './model/batch.ts';
export {
  checkConfig,
  configFields,
  type GPTConfig,
  makeConfig,
  type Preset,
  type PresetName,
  presets,
} from './model/config.ts';
export type { TrainingPass } from './model/dropout.ts';
export {
  type CheckpointOptions,
  checkpointFields,
  type LoadOptions,
  loadFields,
  loadModel as load,
  type ModelFolder,
  type SaveOptions,
  saveFields,
  saveModel as save,
} from './model/folder.ts';
export {
  type Attention,
  type Block,
  GPT,
  type LossOptions,
  type MLP,
  type Pass,
  type Teaching,
} from './model/gpt.ts';
export { type ForwardOptions, forwardFields, type GPTOptions, gptFields } from './model/gpt-options.ts';
export type { FreshParameters, Init } from './model/initialise.ts';
export { KVCache } from './model/kv-cache.ts';
export { scaleLogits } from './model/logits.ts';
export type { BlockLayer, Field, LayerName, OutsideLayer } from './model/names.ts';
export {
  type BlockTap,
  type Columns,
  matchTaps,
  TAPS,
  type Tap,
  type TapSpec,
  tapNames,
} from './model/taps.ts';
export type { Embedding, Linear, Mix, Norm, Positions, QKNorm } from './nn/layers.ts';
export { type IntegerFormat, namedParameters } from './nn/parameters.ts';
export type { AgreementOptions } from './quantize/agreement.ts';
export {
  type CompareData,
  type CompareOptions,
  type CompareReport,
  compare,
  compareFields,
  type Loss,
} from './quantize/compare.ts';
export { compareLayers, type LayerErrors, type QuantizedAs } from './quantize/layer-errors.ts';
export type { NoiseRatio } from './quantize/noise.ts';
export {
  type QuantizeDefaults,
  type QuantizeOptions,
  quantize,
  quantizeFields,
} from './quantize/quantize.ts';
export type { Bytes, ParameterKind } from './quantize/size.ts';
export type { Speed } from './quantize/speed.ts';
export { type Checkpoint, loadCheckpoint, type SavedRecord, type TrainingRecord } from './runs/checkpoint.ts';
export { type DataRecord, textRecord } from './runs/data-record.ts';
export { type Difference, differencesOf } from './runs/differences.ts';
export type {
  Findings,
  LossChange,
  RunLook,
  SavedAttention,
  SavedLoss,
  SavedPositions,
} from './runs/findings.ts';
export { inspectHealth, type RunHealth } from './runs/health.ts';
export type { History } from './runs/history.ts';
export { lookInside } from './runs/look.ts';
export { modelStore, type OpenRun, openRun, type RunModel, readHistory, runModel } from './runs/open.ts';
export { type RunRecord, readRunRecord, writeRunRecord } from './runs/record.ts';
export {
  furtherSteps,
  type ResumeOptions,
  type RunText,
  type RunTokens,
  resumeFields,
  resumeInFolder,
} from './runs/resume.ts';
export { loadTeacher, type Teacher, type TeacherRecord } from './runs/teachers.ts';
export { type RunFolderOptions, runFolderFields, trainInFolder } from './runs/train-in-folder.ts';
export { crossEntropy } from './tensor/ops.ts';
export type {
  Int4Format,
  Int4Method,
  Int4Tensor,
  Int8Tensor,
  QuantizedTensor,
  Weight,
} from './tensor/quantized.ts';
export type { Random, RandomState } from './tensor/random.ts';
export { keep, type Owned, scope } from './tensor/scope.ts';
export { withGradients } from './tensor/tape.ts';
export { type DTypeOf, Tensor, tensor, zeros } from './tensor/tensor.ts';
export { type Checked, checkText, type Identify, type Remark } from './text/check.ts';
export { toUtf8 } from './text/convert.ts';
export type { Damage } from './text/damage.ts';
export { joinLines, TEXT_KINDS } from './text/documents.ts';
export { type TextFacts, textFacts } from './text/facts.ts';
export { textOddities } from './text/oddities.ts';
export type { Fix, Problem } from './text/problem.ts';
export type * from './tokenizer/index.ts';
export { Tokenizer, trainingFields as tokenizerFields } from './tokenizer/index.ts';
export { type Calibration, calibrate } from './train/calibrate.ts';
export type { Communicator } from './train/communicator.ts';
export {
  checkDataset,
  type Dataset,
  dataset,
  datasetAsync,
  fittingContext,
  type SeparatedText,
  type Split,
  splitFields,
} from './train/data.ts';
export type { EngineUse } from './train/engines.ts';
export { type EvaluateOptions, type Evaluation, evaluate, evaluateFields } from './train/evaluate.ts';
export type * from './train/events.ts';
export type { GroupOptions } from './train/groups.ts';
export { trainingBytes } from './train/memory.ts';
export type { OptimizerOptions } from './train/optimizers.ts';
export {
  type MilestoneProgress,
  type Progress,
  type Resume,
  type TrainOptions,
  trainFields,
  type Younger,
} from './train/run.ts';
export type { Schedule, ScheduleOptions } from './train/schedules.ts';
export { settingFields } from './train/setting-fields.ts';
export { checkNewRun, fineTuning, makeSettings, recipes, type TrainSettings } from './train/settings.ts';
export { train } from './train/train.ts';
export { type TrainedParts, trainedCount } from './train/trained.ts';
export type { Evaluated, GroupCounts, WarningMemory } from './train/warnings.ts';
export type { LibraryWorker, OpenWorker } from './worker/client.ts';
export type { InWorker, ModelFunctions, SentArgument } from './worker/functions.ts';
export type {
  Abortable,
  PlainFolderOptions,
  PlainGenerateOptions,
  PlainTrainOptions,
  TextProgress,
  TokenizeOptions,
  WorkerCheckpoint,
  WorkerFolderOptions,
  WorkerGenerateOptions,
  WorkerLoadOptions,
  WorkerModel,
  WorkerOptions,
  WorkerQuantizeOptions,
  WorkerTrainOptions,
} from './worker/options.ts';
