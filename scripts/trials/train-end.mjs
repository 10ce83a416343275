// `train` interrupted around its last step, and during the work after that step. Whatever is then missing
// makes the run unfinished; `--resume` completes it, and the result equals an uninterrupted run.
import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSameRun, assertWhole } from './support/run.mjs';
import {
  assertEnded,
  end,
  folder,
  inkhorn,
  leftovers,
  pause,
  SMALL,
  trial,
  writeText,
} from './support/trial.mjs';

const STEPS = 6;
// Evaluates the whole validation part, so that the last evaluation takes a while.
const text = writeText('text.txt', 150_000);
const train = (out) => [
  'train',
  '--data',
  text,
  '--out',
  out,
  ...SMALL,
  '--steps',
  `${STEPS}`,
  '--eval-every',
  '3',
  '--backend',
  'reference',
  '--json',
];
const whole = join(folder, 'whole');

await trial('a training that nobody ends', async () => {
  assertEnded(await inkhorn(train(whole)).ended, 0);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL']) {
  for (const [step, ms] of [
    [STEPS - 1, 0],
    [STEPS, 0],
    [STEPS, 200],
    [STEPS, 1000],
  ]) {
    await trial(`${signal} ${ms} ms after step ${step} of ${STEPS}`, () => ended(signal, step, ms));
  }
}
end();

async function ended(signal, step, ms) {
  const run = join(folder, `${signal}-${step}-${ms}`);
  const { child, ended, says } = inkhorn(train(run));
  await says(new RegExp(`"type":"step","step":${step},`));
  await pause(ms);
  child.kill(signal);
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  // The report is drawn after all computation, so a signal may come too late to stop anything.
  const { code } = assertEnded(await ended, codes[signal] ?? signal, signal, 0);
  const found = await assertWhole(run);
  await assertSaid(run, `${run}-copy`);
  const resumed = assertEnded(
    await inkhorn(['train', '--resume', run, '--backend', 'reference']).ended,
    0,
    2,
  );
  if (resumed.code === 2) assert.match(resumed.err, /: done, 6 steps/);
  assertSameRun(run, whole);
  assert.deepEqual(leftovers(run), []);
  return `${code === 0 ? 'too late to stop it' : found}; ${resumed.code === 2 ? 'done' : 'resumed'}`;
}

/** A model taken from a run whose last steps were never evaluated: the command must say so. */
async function assertSaid(run, copy) {
  cpSync(run, copy, { recursive: true });
  const generate = ['generate', '--model', copy, '--tokens', '1', '--backend', 'reference', '--json'];
  const { err } = assertEnded(await inkhorn(generate).ended, 0);
  const { progress } = JSON.parse(readFileSync(join(run, 'last', 'training.json'), 'utf8'));
  if (progress.evaluated === false) assert.match(err, /not evaluated yet/);
}
