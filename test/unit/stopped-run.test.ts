// An interrupted run says where it goes on: where it stopped, or where ranks that train apart last met.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RunPlan, savedStep, stoppedLine } from '../../src/cli/training.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { seedSettings } from '../../src/train/settings.ts';

/** A run of `localSteps`, begun at `from`, with checkpoints in `last`, stopped at `step`. */
function run(localSteps: number, step: number, last: readonly number[] = [], from?: number) {
  const plan = {
    ...{ out: 'runs/a b', settings: { ...seedSettings, localSteps } },
    ...(from !== undefined && { from: { resume: { step: from } } }),
  } as RunPlan;
  const events = [
    ...last.map((at) => ({ type: 'checkpoint', kind: 'last', step: at, path: '' })),
    { type: 'checkpoint', kind: 'best', step: 1, path: '' },
    { type: 'done', reason: 'aborted', step },
  ] as TrainEvent[];
  return { saved: savedStep(plan, events), line: stoppedLine(plan, events) };
}

describe('an interrupted run', () => {
  test('goes on where it stopped', () => {
    const { saved, line } = run(0, 13, [10]);
    assert.equal(saved, 13);
    assert.match(line, /^stopped at step 13; go on with: .* train --resume 'runs\/a b'$/);
    assert.equal(run(5, 15, [10]).saved, 15);
  });

  test('goes on where ranks that train apart were together', () => {
    const { saved, line } = run(5, 17, [10]);
    assert.equal(saved, 10);
    assert.match(line, /^stopped at step 17; go on from step 10 with: /);
    assert.equal(run(5, 17, [10], 15).saved, 15, 'where it was resumed');
  });

  test('is lost if they never were', () => {
    const { saved, line } = run(5, 4);
    assert.equal(saved, null);
    assert.equal(line, 'stopped at step 4, before anything was saved: begin again, with --force');
  });
});
