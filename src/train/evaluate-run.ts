// Evaluations during training: both splits, by the method of the settings.
import type { Tokens } from '../model/batch.ts';
import type { Dataset } from './data.ts';
import { evaluate, evaluateSampled } from './evaluate.ts';
import type { EvalEvent } from './events.ts';
import { evaluated, type Run } from './run.ts';
import type { TrainSettings } from './settings.ts';

/** The evaluation; null when the run was aborted meanwhile. */
export async function evaluateRun(run: Run): Promise<EvalEvent | null> {
  const { options, settings, progress } = run;
  const { data, signal } = options;
  const { step, best: before } = progress;
  const begun = performance.now();
  const how = evaluationMethod(settings, data, options.model.config.blockSize);
  try {
    const [ofVal, ofTrain] = evaluationTokens(settings, data, options.model.config.blockSize);
    const ofOld = options.old ? ofVal : 0;
    const report = (done: number): void =>
      options.onProgress?.({ what: 'evaluation', step, done, total: ofVal + ofTrain + ofOld });
    report(0);
    const valLoss = await splitLoss(run, data.val, how, report);
    const trainLoss = await splitLoss(run, data.train, how, (done) => report(ofVal + done));
    const oldLoss =
      options.old && (await splitLoss(run, options.old.val, how, (done) => report(ofVal + ofTrain + done)));
    const best = valLoss < (before?.valLoss ?? Number.POSITIVE_INFINITY);
    if (best) progress.best = { valLoss, step };
    const seconds = (performance.now() - begun) / 1000;
    const bitsPerByte = valLoss / Math.LN2 / data.valBytesPerToken;
    const perplexity = Math.exp(valLoss);
    return {
      type: 'eval',
      step,
      trainLoss,
      valLoss,
      bitsPerByte,
      perplexity,
      ...(oldLoss === undefined ? {} : { oldLoss }),
      method: how.method,
      weights: settings.emaDecay > 0 ? 'average' : 'trained',
      best,
      seconds,
    };
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  }
}

/** How an evaluation is made. `batches` are per split, for sampled ones. */
export interface EvaluationMethod {
  method: 'whole' | 'sampled';
  batches: number;
}

/**
 * The largest number of tokens that an evaluation reads of each split, as a share of the tokens trained on
 * until the next evaluation: see below.
 */
const AFFORDABLE = 0.1;

/**
 * The method that `evalMethod` means for a text. `auto` reads of each split at most a tenth as many tokens as
 * are trained on between two evaluations. Training on a token costs about three forward passes, and a run has
 * up to three evaluations of two splits per first interval (before step 1, after it, after the last step). So
 * evaluations take at most 3 * 2 * 0.1 / 3, a fifth of the training time.
 */
export function evaluationMethod(
  settings: TrainSettings,
  data: { val: Pick<Tokens, 'length'> },
  blockSize: number,
): EvaluationMethod {
  const { evalMethod, evalBatches, evalEvery, steps, batchSize, accumulate } = settings;
  if (evalMethod !== 'auto') return { method: evalMethod, batches: evalBatches };
  const perBatch = batchSize * blockSize;
  const batches = Math.max(1, Math.floor(AFFORDABLE * Math.min(evalEvery, steps) * accumulate));
  const cheap = data.val.length <= batches * perBatch; // as many tokens of the training part are read
  return { method: cheap ? 'whole' : 'sampled', batches };
}

/** About how many tokens an evaluation predicts, of the validation part and of the training part. */
export function evaluationTokens(
  settings: TrainSettings,
  data: Pick<Dataset<Tokens>, 'val' | 'train'>,
  blockSize: number,
): [number, number] {
  const { method, batches } = evaluationMethod(settings, data, blockSize);
  const sampled = batches * settings.batchSize * blockSize;
  const whole = data.val.length - 1;
  return method === 'sampled' ? [sampled, sampled] : [whole, Math.min(whole, data.train.length - 1)];
}

async function splitLoss(
  run: Run,
  ids: Tokens,
  { method, batches }: EvaluationMethod,
  onProgress: (done: number) => void,
): Promise<number> {
  const { options, settings } = run;
  const { data, ranks, signal } = options;
  const model = evaluated(run);
  const { batchSize, seed } = settings;
  const { loss } =
    method === 'sampled'
      ? await evaluateSampled(model, ids, { batches, batchSize, seed, ranks, signal, onProgress })
      : await evaluate(model, ids, { maxTokens: data.val.length, ranks, signal, onProgress });
  return loss;
}
