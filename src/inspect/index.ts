// What users of the library have of this folder. Read next: capture.ts, effect.ts.
export {
  type AttentionMaps,
  attentionMaps,
  type EditedOptions,
  editedFields,
  type HeadSummary,
  type InductionOptions,
  inductionFields,
  inductionScores,
  kindsOf,
  summarizeHeads,
} from './attention.ts';
export { type CaptureOptions, capture, captureFields } from './capture.ts';
export { type CostTotals, modelCost, type PartCost, totalCost } from './cost.ts';
export { type Captured, type Change, type Edit, editTap, steadyEdits } from './edit.ts';
export { EDIT_SYNTAX, parseEdit, type WrittenEdit } from './edit-text.ts';
export {
  type Ablations,
  ablate,
  type EditEffect,
  type EffectOptions,
  editEffect,
  effectFields,
} from './effect.ts';
export {
  type Neighbours,
  neighbours,
  type PositionSimilarity,
  positionSimilarity,
} from './embedding.ts';
export { type Lens, type LensCell, type LensOptions, lensFields, logitLens } from './lens.ts';
export { measureTaps } from './measure.ts';
export {
  type PredictionOptions,
  predictionFields,
  predictText,
  type TextPredictions,
  type TokenPrediction,
} from './predictions.ts';
export type { ProbeEvent, ProbeMemory, TapKind, TapMemory } from './probe.ts';
export type { TokenChoice } from './prompt.ts';
export type { HistogramRange } from './summary.ts';
