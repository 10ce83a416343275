// What `train()` says while it works: one union of plain, serialisable events. The command line, the plots, the tests and
// the page consume the same stream; `history.json` of a run is these events.

/** One optimizer step. */
export interface StepEvent {
  type: 'step';
  /** Optimizer steps done so far: 1 after the first. */
  step: number;
  /** Mean training loss of the step's batch before its update, nats per token. */
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
  /** True if `valLoss` is the lowest so far. */
  best: boolean;
  seconds: number;
}

/** Mean, spread and histogram of a set of values. */
export interface Summary {
  count: number;
  mean: number;
  std: number;
  min: number;
  max: number;
  histogram: { lo: number; hi: number; counts: number[] };
}

/** One watched value of the model in one probed step. */
export interface TapSummary {
  /** `blocks.3.mlp.act` */
  name: string;
  value: Summary;
  gradient: Summary | null;
  /** Share of values <= 0: the sparsity of a ReLU. */
  zeroFraction: number;
  /** Units (columns) that were > 0 for no token of the window. */
  deadUnits: number[];
  units: number;
  /** Tokens in the window over which `deadUnits` were counted. */
  windowTokens: number;
}

export interface ProbeEvent {
  type: 'probe';
  step: number;
  taps: TapSummary[];
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
  kind: 'non-finite' | 'loss-spike' | 'dead-units' | 'overfitting';
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
