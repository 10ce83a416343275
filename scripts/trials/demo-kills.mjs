// `demo` killed at many moments, by SIGKILL and SIGTERM: its folder is intact, can be resumed, and can be
// replaced.
import assert from 'node:assert/strict';
import { existsSync, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertWhole, resumable } from './support/run.mjs';
import { assertEnded, end, folder, inkhorn, leftovers, pause, trial, writeText } from './support/trial.mjs';

const text = writeText('text.txt', 12_000);
const run = join(folder, 'run');
const demo = (out = run) => [
  'demo',
  '--data',
  text,
  '--out',
  out,
  '--steps',
  '12',
  '--threads',
  '1',
  '--force',
];

let seconds = 0;
await trial('a demo that nobody disturbs', async () => {
  const begun = performance.now();
  assertEnded(await inkhorn(demo(join(folder, 'whole'))).ended, 0);
  seconds = (performance.now() - begun) / 1000;
  return `${seconds.toFixed(1)} s`;
});

const SIGNALS = ['SIGKILL', 'SIGTERM'];
const AT = [0.05, 0.2, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95];
for (const [i, part] of AT.entries()) {
  await killed(i, `after ${Math.round(part * 100)} % of its time`, () => pause(part * seconds * 1000));
}
// Files can be torn only while they are written, so the kill comes when the folder has changed for the n-th
// time.
for (const [i, n] of [1, 4, 9, 16, 25, 36, 49, 64].entries())
  await killed(i, `at change ${n} of its folder`, () => changes(n));

await trial('the last --force finishes and leaves nothing behind', async () => {
  assertEnded(await inkhorn(demo()).ended, 0);
  await assertWhole(run);
  assert.deepEqual(leftovers(run), []);
});
end();

/**
 * Kills a demo that replaces the folder of an earlier one, checks what is there, and resumes it.
 */
async function killed(i, when, moment) {
  const [signal, resumes] = [SIGNALS[i % 2], i % 3 === 0];
  await trial(`${signal} ${when}`, async () => {
    await mkdir(run, { recursive: true });
    const { child, ended } = inkhorn(demo());
    await Promise.race([moment(), ended]);
    child.kill(signal);
    assertEnded(await ended, signal, 0, 143);
    if (!existsSync(run)) return 'nothing yet';
    const found = await assertWhole(run);
    if (!resumes || !(await resumable(run))) return found;
    const resumed = assertEnded(await inkhorn(['train', '--resume', run]).ended, 0, 2);
    if (resumed.code === 2) assert.match(resumed.err, /: done, 12 steps/);
    await assertWhole(run);
    return `${found}; resumed`;
  });
}

/** Resolves at the n-th change in the folder of the run. */
function changes(n) {
  return new Promise((resolve) => {
    let seen = 0;
    const watcher = watch(run, { recursive: true }, () => {
      if (++seen < n) return;
      watcher.close();
      resolve();
    });
    watcher.on('error', () => {}); // the folder was removed while it was watched
  });
}
