// Timings shared by `inkhorn bench` and the programs in bench/. Each says what is included.

import type { Backend } from '../backend/contract.ts';
import { median } from '../base/statistics.ts';
import { type GPTConfig, hiddenSize, makeConfig, presets } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import type { Communicator } from '../train/communicator.ts';
import type { Dataset } from '../train/data.ts';
import { seedSettings, type TrainSettings } from '../train/settings.ts';
import { train } from '../train/train.ts';

/** The model of all figures: 3,514,836 parameters, 500 tokens, context 256. */
export function seedModel(backend: Backend): GPT {
  return new GPT(makeConfig(presets.seed, 500), { backend });
}

/**
 * Floating-point operations of training on one token: the forward pass, and twice that for the backward.
 * Counts matrix products, and attention in full although half of it is masked. 3.84e11 for a step of the seed
 * with 64 x 256 tokens.
 */
export function trainingFlop(config: GPTConfig): number {
  const { nLayer, nEmbd: C, nHead, headSize, vocabSize, blockSize } = config;
  const width = nHead * headSize;
  const perBlock = 4 * C * width + 2 * hiddenSize(config) * C; // q, k, v and the projection; the MLP
  const products = nLayer * perBlock + C * vocabSize; // multiply-adds
  const attention = nLayer * 2 * blockSize * width;
  return 6 * (products + attention);
}

export interface TrainingTime {
  batchSize: number;
  blockSize: number;
  /** Seconds of each timed step, after one step for warming up. */
  seconds: number[];
  /** Median. */
  secondsPerStep: number;
  tokensPerSecond: number;
  gflops: number;
}

/** What the seconds of a step include. */
export const TRAINING_INCLUDES =
  'forward, backward, gradient norm and AdamW, dropout 0.2, through train(); no evaluation';

/** Times `steps` optimizer steps on random tokens, with the seed's recipe. */
export async function measureTraining(
  model: GPT,
  { steps, batchSize, signal }: { steps: number; batchSize: number; signal?: AbortSignal },
): Promise<TrainingTime> {
  const { blockSize } = model.config;
  const seconds: number[] = [];
  for await (const step of trainingSteps(model, { batchSize, signal })) {
    seconds.push(step);
    if (seconds.length > steps) break;
  }
  signal?.throwIfAborted();
  const timed = seconds.slice(1);
  const secondsPerStep = median(timed);
  const tokensPerSecond = (batchSize * blockSize) / secondsPerStep;
  const gflops = (tokensPerSecond * trainingFlop(model.config)) / 1e9;
  return { batchSize, blockSize, seconds: timed, secondsPerStep, tokensPerSecond, gflops };
}

/**
 * The seconds of optimizer steps on random tokens, with the seed's recipe or changes of it, for as long as
 * the caller iterates.
 */
export async function* trainingSteps(
  model: GPT,
  {
    batchSize,
    signal,
    ranks,
    settings,
  }: {
    batchSize: number;
    signal?: AbortSignal;
    ranks?: Communicator;
    settings?: Partial<TrainSettings>;
  },
): AsyncGenerator<number, void> {
  const { blockSize, vocabSize } = model.config;
  const tokens = Int32Array.from({ length: 64 * blockSize }, (_, i) => (i * 7919 + (i >> 3)) % vocabSize);
  // A validation part of two tokens: evaluation is not timed.
  const data: Dataset = { train: tokens, val: tokens.subarray(0, 2), valBytesPerToken: 1, vocabSize };
  const steps = Number.MAX_SAFE_INTEGER;
  const rest = { steps, evalEvery: steps, probeEvery: 0, sampleEvery: 0 };
  const recipe = { ...seedSettings, ...settings, ...rest };
  for await (const event of train({ ...recipe, model, data, batchSize, ranks, signal })) {
    if (event.type === 'step') yield (batchSize * blockSize) / event.tokensPerSecond;
  }
}

export interface TokenizerTime {
  bytes: number;
  tokens: number;
  trainSeconds: number;
  encodeSeconds: number;
  encodeMBPerSecond: number;
}

/** What the seconds of a tokenizer include. */
export const TOKENIZER_INCLUDES =
  '500 tokens, pattern none, one thread; encoding: the whole text at once, the first time';

/** Times learning 500 tokens from `text`, and encoding it. */
export function measureTokenizer(text: Uint8Array): TokenizerTime {
  const begun = performance.now();
  const tokenizer = Tokenizer.train(text, { vocabSize: 500 });
  const trained = performance.now();
  const tokens = tokenizer.encode(text).length;
  const trainSeconds = (trained - begun) / 1000;
  const encodeSeconds = (performance.now() - trained) / 1000;
  const encodeMBPerSecond = text.length / 1e6 / encodeSeconds;
  return { bytes: text.length, tokens, trainSeconds, encodeSeconds, encodeMBPerSecond };
}
