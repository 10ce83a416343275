// What `train()` says while it works: one union of plain, serialisable events. The command line, the plots,
// the tests and the page consume the same stream; `history.json` of a run is these events.

import type { ProbeEvent } from '../inspect/probe.ts';

export type { GroupSummary } from '../inspect/groups.ts';
export type { ProbeEvent, TapSummary } from '../inspect/probe.ts';
export type { Summary } from '../inspect/summary.ts';

/** One optimizer step. */
export interface StepEvent {
  type: 'step';
  /** Optimizer steps done so far: 1 after the first. */
  step: number;
  /**
   * Mean training loss of the step's batch before its update, nats per token; with `labelSmoothing` the
   * smoothed one.
   */
  loss: number;
  lr: number;
  /** L2 norm over all gradients, before clipping. */
  gradNorm: number;
  tokensPerSecond: number;
  /** Seconds left at the present rate, evaluations included as far as they are known. */
  eta: number;
}

/** An evaluation; the first is at step 0, before any update. */
export interface EvalEvent {
  type: 'eval';
  step: number;
  /** Nats per token. */
  trainLoss: number;
  valLoss: number;
  /** Validation loss in bits per byte of text. */
  bitsPerByte: number;
  /** exp(valLoss). */
  perplexity: number;
  /** `whole`: every window of the split once. `sampled`: the seed's way, the mean of random batches. */
  method: 'whole' | 'sampled';
  /** Whose losses these are: of the weights as trained, or of their moving average (`emaDecay`). */
  weights: 'trained' | 'average';
  /** True if `valLoss` is the lowest so far. */
  best: boolean;
  seconds: number;
}

export interface SampleEvent {
  type: 'sample';
  step: number;
  prompt: string;
  text: string;
}

export interface CheckpointEvent {
  type: 'checkpoint';
  step: number;
  kind: 'best' | 'last';
  /** Where it was written, for people. */
  path: string;
}

export interface WarningEvent {
  type: 'warning';
  step: number;
  kind: 'non-finite' | 'loss-spike' | 'dead-units' | 'large-updates' | 'vanishing-gradient' | 'overfitting';
  /** One line: what was seen and what usually helps. */
  message: string;
}

/** Last event of every run. */
export interface DoneEvent {
  type: 'done';
  step: number;
  reason: 'finished' | 'aborted' | 'non-finite';
  seconds: number;
}

export type TrainEvent =
  | StepEvent
  | EvalEvent
  | ProbeEvent
  | SampleEvent
  | CheckpointEvent
  | WarningEvent
  | DoneEvent;
