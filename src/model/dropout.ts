// Where dropout acts in a GPT, and the masks of a pass. Read next: gpt.ts.
import { type Dropout, maskRow } from '../backend/contract.ts';
import type { GPTConfig } from './config.ts';

/**
 * The places of a block, in the order of their numbers: attention probabilities, and the outputs of attention
 * and MLP.
 */
const PLACES = ['probs', 'attn', 'mlp'] as const;

/** What determines the masks of a training pass. */
export interface TrainingPass {
  seed: number;
  /** Optimizer step. */
  step: number;
  /**
   * Number of the first sequence within the batch, so that a micro-batch draws its part of the batch's masks.
   */
  firstSequence: number;
  /** Probability to use instead of the config's. */
  dropout?: number;
}

/** The mask at a place in block `layer` for a pass over T tokens; null when nothing is dropped. */
export function dropoutOf(
  { T, training }: { T: number; training?: TrainingPass },
  config: GPTConfig,
  layer: number,
  place: (typeof PLACES)[number],
): Dropout | null {
  const p = training?.dropout ?? config.dropout;
  if (!training || p === 0) return null;
  const perSequence = place === 'probs' ? config.nHead * T * maskRow(T) : T * config.nEmbd;
  const { seed, step, firstSequence } = training;
  const site = PLACES.length * layer + PLACES.indexOf(place);
  return { p, seed, step, site, offset: firstSequence * perSequence };
}
