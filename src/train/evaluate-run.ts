// The evaluation of a running training: both splits, by the method of the settings.
import { evaluate, evaluateSampled } from './evaluate.ts';
import type { EvalEvent } from './events.ts';
import { evaluated, noteTime, type Run } from './run.ts';

/** Null when the run was aborted meanwhile. */
export async function evaluateRun(run: Run): Promise<EvalEvent | null> {
  const { options, settings, progress } = run;
  const { data, signal } = options;
  const begun = performance.now();
  try {
    const valLoss = await splitLoss(run, data.val);
    const trainLoss = await splitLoss(run, data.train);
    const { step, best: before } = progress;
    const best = valLoss < (before?.valLoss ?? Number.POSITIVE_INFINITY);
    if (best) progress.best = { valLoss, step };
    const seconds = (performance.now() - begun) / 1000;
    noteTime(run, 'evals', seconds);
    const bitsPerByte = valLoss / Math.LN2 / data.valBytesPerToken;
    const perplexity = Math.exp(valLoss);
    return {
      type: 'eval',
      step,
      trainLoss,
      valLoss,
      bitsPerByte,
      perplexity,
      method: settings.evalMethod,
      weights: run.average ? 'average' : 'trained',
      best,
      seconds,
    };
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  }
}

async function splitLoss(run: Run, ids: Int32Array): Promise<number> {
  const { options, settings } = run;
  const { data, signal } = options;
  const model = evaluated(run);
  const { evalMethod, evalBatches: batches, batchSize, seed } = settings;
  const { loss } =
    evalMethod === 'sampled'
      ? await evaluateSampled(model, ids, { batches, batchSize, seed, signal })
      : await evaluate(model, ids, { maxTokens: data.val.length, signal });
  return loss;
}
