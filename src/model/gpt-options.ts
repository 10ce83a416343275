// The options of a GPT and of its passes. Read next: gpt.ts.
import type { Backend } from '../backend/contract.ts';
import { choice, custom, flag, having, integer, type Table } from '../base/fields.ts';
import { number, object, optional, type Schema, such, integer as whole } from '../base/schema.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { TrainingPass } from './dropout.ts';
import { KVCache } from './kv-cache.ts';
import type { Tap } from './taps.ts';

export interface GPTOptions {
  /** Seed of the initial weights. Default 1337. */
  seed?: number;
  /** The engine. Default: the current one. */
  backend?: Backend;
  /** `blank`: the weights are undefined, and the caller writes them (loading, copying). */
  init?: 'blank';
}

/** The options of `new GPT`. */
export const gptFields: Table<GPTOptions, 'seed'> = {
  seed: integer({ about: 'decides the initial weights', min: 0, default: 1337 }),
  backend: having('alloc', 'an engine', {
    about: 'the engine that computes',
    hint: 'createBackend makes one',
  }),
  init: choice(['blank'], { about: 'weights are undefined until the caller writes them' }),
};

/** Options of a forward pass. Without any: inference on whole sequences from position 0. */
export interface ForwardOptions {
  /** For training: which dropout masks to draw. */
  training?: TrainingPass;
  /** For generation: `ids` continue the tokens in the cache, and are added to it. */
  cache?: KVCache;
  /**
   * For sequences of different lengths: the positions [B, 1] of `ids` [B, 1], one token of each. The cache
   * then is read and written there, and its own length is not used.
   */
  starts?: Tensor<'i32'>;
  /**
   * `last`: logits of the last position only, [B, 1, V]; taps of the last block then see only that position.
   */
  logits?: 'all' | 'last';
  /**
   * Keeps the inputs of the blocks only, and computes each block again in the backward: less memory, a third
   * more time, the same bits (activation checkpointing, Chen et al. 2016). Only with a tape.
   */
  checkpointActivations?: boolean;
  /** Sees named values and their gradients, and may change them; see taps.ts. */
  tap?: Tap;
}

const trainingPass: Schema<TrainingPass> = object<TrainingPass>({
  seed: whole({ min: 0 }),
  step: whole({ min: 0 }),
  firstSequence: whole({ min: 0 }),
  dropout: optional(number({ min: 0, below: 1 })),
});

/** The options of `GPT.forward`. */
export const forwardFields: Table<ForwardOptions, 'logits' | 'checkpointActivations'> = {
  training: custom({ about: 'decides the dropout masks', schema: trainingPass }),
  cache: custom({
    about: 'holds the tokens before these',
    schema: such((value): value is KVCache => value instanceof KVCache, 'a KVCache'),
  }),
  starts: having('write', 'a tensor of positions', {
    about: 'the position of the token of each sequence, where they differ',
  }),
  logits: choice(['all', 'last'], { about: 'the positions whose logits are computed', default: 'all' }),
  checkpointActivations: flag({
    about: 'keep the inputs of the blocks only, and compute each again in the backward',
    default: false,
  }),
  tap: having('wants', 'a tap, which has a function `wants`', {
    about: 'sees, and may change, named values of every pass',
  }),
};
