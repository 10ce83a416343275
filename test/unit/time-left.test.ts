// The time left of a run counts everything that is still due, including the work at the last step.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { evaluationTokens } from '../../src/train/evaluate-run.ts';
import { type Run, settle, startRun } from '../../src/train/run.ts';
import { noteTime, stillDue, timeLeft } from '../../src/train/time-left.ts';

describe('what is still due', () => {
  /** The work of a run at a step, in order, by the rules of the settings. */
  const dueAt = (step: number, steps: number, every: number): boolean =>
    every > 0 && (step % every === 0 || step === steps);

  test('is what a run then does, wherever it stands', () => {
    for (const steps of [1, 7, 10])
      for (const evalEvery of [0, 1, 3, 5, 20])
        for (const sampleEvery of [0, 2, 5, 20]) {
          const settings = { steps, evalEvery, sampleEvery };
          // Computed from the end, where nothing is due.
          const later = { steps: 0, evaluations: 0, samples: 0 };
          for (let step = steps; step >= 0; step--) {
            const where = `step ${step} of ${JSON.stringify(settings)}`;
            assert.deepEqual(
              stillDue({ settings, progress: { step, evaluated: true, settled: true } }),
              later,
              where,
            );
            if (step > 0) later.samples += Number(dueAt(step, steps, sampleEvery));
            const sampling = { step, evaluated: true, settled: false };
            assert.deepEqual(stillDue({ settings, progress: sampling }), later, where);
            later.evaluations += Number(dueAt(step, steps, evalEvery));
            const standing = { settings, progress: { step, evaluated: false, settled: false } };
            settle(standing);
            assert.deepEqual(stillDue(standing), later, where);
            later.steps++;
          }
        }
  });
});

describe('the time left', () => {
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(40);
  const tokenizer = new Tokenizer({ merges: [] });
  const data = dataset(text, tokenizer);
  const config = makeConfig(presets.tiny, 256, { nLayer: 1, nEmbd: 8, nHead: 1, blockSize: 16 });
  const start = (): Run => {
    const model = new GPT(config, { seed: 1, backend: createReference() });
    const settings = { steps: 10, batchSize: 2, evalEvery: 4, sampleEvery: 5, sampleTokens: 20 };
    return startRun({ model, data, tokenizer, probeEvery: 0, ...settings });
  };
  const standAt = (run: Run, step: number): void => {
    Object.assign(run.progress, { step, evaluated: false, settled: false });
    settle(run);
  };

  test('is of steps, evaluations and samples as they were measured, those of the last step included', () => {
    const run = start();
    for (const seconds of [1, 3]) noteTime(run, 'steps', seconds);
    noteTime(run, 'evaluations', 100);
    noteTime(run, 'samples', 10_000);
    standAt(run, 3);
    assert.equal(timeLeft(run), 7 * 2 + 3 * 100 + 2 * 10_000); // evaluations at 4, 8, 10, samples at 5, 10
    standAt(run, 10);
    assert.equal(timeLeft(run), 100 + 10_000);
    run.progress.evaluated = true;
    assert.equal(timeLeft(run), 10_000);
    run.progress.settled = true;
    assert.equal(timeLeft(run), 0);
  });

  test('counts what was not measured yet as forward passes over its tokens', () => {
    const run = start();
    noteTime(run, 'steps', 3 * 2 * 16); // one second for a token that passes forward
    standAt(run, 10);
    const [val, train] = evaluationTokens(run.settings, data, 16);
    assert.ok(val > 0 && train > 0);
    assert.equal(timeLeft(run), val + train + 16 + 4 * 16); // the whole context is read again for four tokens
  });
});
