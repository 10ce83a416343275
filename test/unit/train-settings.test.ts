// Rules between settings: which have no effect without others, and what an evaluation may cost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluationMethod } from '../../src/train/evaluate-run.ts';
import { checkSettings, recipes, refuseIdle, seedSettings } from '../../src/train/settings.ts';

describe('a setting without effect', () => {
  const refused = (chosen: object, message: RegExp): void =>
    assert.throws(() => refuseIdle(chosen, checkSettings({ ...seedSettings, ...chosen })), message);

  test('is refused, with what it needs', () => {
    refused(
      { evalBatches: 50 },
      /^Error: evalBatches 50 has no effect without evalMethod sampled: set that, or leave it out$/,
    );
    refused({ evalBatches: 50, evalMethod: 'auto' }, /evalBatches 50 .* without evalMethod sampled/);
    refused({ evalEvery: 0, evalBatches: 50, evalMethod: 'sampled' }, /without evalEvery above 0/);
    refused({ momentum: 0.5 }, /momentum 0.5 has no effect without optimizer sgd/);
    refused({ muonLr: 0.1 }, /without optimizer muon/);
    refused({ optimizer: 'sgd', beta1: 0.5 }, /without optimizer adamw or muon/);
    refused({ minLr: 1e-5 }, /without schedule cosine, linear or wsd/);
    refused({ sampleEvery: 0, samplePrompt: 'The' }, /samplePrompt "The" .* without sampleEvery above 0/);
  });

  test('is accepted where it acts, and where a recipe is spread as a whole', () => {
    for (const recipe of Object.values(recipes)) {
      for (const chosen of [recipe, { ...recipe, optimizer: 'sgd' as const }, { ...recipe, evalEvery: 0 }])
        refuseIdle(chosen, checkSettings(chosen));
    }
    const sampled = { evalMethod: 'sampled' as const, evalBatches: 3 };
    refuseIdle(sampled, checkSettings({ ...seedSettings, ...sampled }));
  });
});

describe('the evaluation', () => {
  const tokens = (length: number): { val: Int32Array } => ({ val: new Int32Array(length) });
  const auto = { ...seedSettings, evalMethod: 'auto' as const };

  test('is of the whole validation part where that is cheap, or asked for', () => {
    assert.equal(evaluationMethod(auto, tokens(56_000), 256).method, 'whole');
    assert.equal(evaluationMethod({ ...auto, steps: 3 }, tokens(10), 256).method, 'whole');
    assert.equal(evaluationMethod({ ...auto, evalMethod: 'whole' }, tokens(1e7), 8).method, 'whole');
    const sampled = { ...auto, evalMethod: 'sampled' as const, evalBatches: 7 };
    assert.deepEqual(evaluationMethod(sampled, tokens(100), 8), { method: 'sampled', batches: 7 });
  });

  test('takes at most a fifth of the time of the training, however the run is divided', () => {
    const T = 32;
    for (const steps of [30, 50, 200, 999])
      for (const evalEvery of [10, 25, 49, 500])
        for (const accumulate of [1, 4]) {
          const settings = { ...auto, batchSize: 8, steps, evalEvery, accumulate };
          const val = 1e7;
          const { method, batches } = evaluationMethod(settings, tokens(val), T);
          assert.equal(method, 'sampled');
          const evaluations = 1 + Math.ceil(steps / evalEvery);
          const read = 2 * evaluations * batches * 8 * T; // forward passes of both splits
          const trained = 3 * steps * accumulate * 8 * T; // forward and backward
          const least = 2 * evaluations * 8 * T; // one batch of each split, the least that can be drawn
          assert.ok(read <= Math.max(0.2 * trained, least), `${steps} ${evalEvery}: ${read / trained}`);
        }
  });

  test('does not change when a run is resumed for more steps', () => {
    const settings = { ...auto, batchSize: 8, steps: 100, evalEvery: 50 };
    const longer = { ...settings, steps: 1000 };
    assert.deepEqual(evaluationMethod(longer, tokens(1e6), 32), evaluationMethod(settings, tokens(1e6), 32));
  });
});
