// The events of `train()`: one union of plain, serialisable records. The command line, the plots, the tests
// and the page read the same stream; `history.json` of a run contains these events.

import type { ProbeEvent } from '../inspect/probe.ts';

export type { GroupSummary } from '../inspect/groups.ts';
export type { ProbeEvent, TapSummary } from '../inspect/probe.ts';
export type { Summary } from '../inspect/summary.ts';

/** One optimizer step. */
export interface StepEvent {
  type: 'step';
  /** Number of optimizer steps done: 1 after the first. */
  step: number;
  /**
   * Mean training loss of the step's batch before its update, nats per token; the smoothed loss with
   * `labelSmoothing`.
   */
  loss: number;
  lr: number;
  /** L2 norm of all gradients, before clipping. */
  gradNorm: number;
  tokensPerSecond: number;
  /** Seconds left at the present speed, including evaluations as far as their time is known. */
  eta: number;
}

/** An evaluation. The first one is at step 0, before any update. */
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
  /**
   * Of the text that the model knew before (`old`), nats per token of its validation part: what is forgotten.
   */
  oldLoss?: number;
  /** `whole`: every window of the split once. `sampled`: as in the seed, the mean of random batches. */
  method: 'whole' | 'sampled';
  /** The evaluated weights: as trained, or their moving average (`emaDecay`). */
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
  /** Where the checkpoint was written, for people. */
  path: string;
}

export interface WarningEvent {
  type: 'warning';
  step: number;
  kind: 'non-finite' | 'loss-spike' | 'dead-units' | 'large-updates' | 'vanishing-gradient' | 'overfitting';
  /** One line: what was observed, and what usually helps. */
  message: string;
}

/** The last event of every run. */
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
