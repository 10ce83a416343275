// Two commands that use one folder at the same time: one gets it, the others are refused with a line that
// names the process.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { assertSameRun, assertWhole } from './support/run.mjs';
import { assertEnded, end, folder, inkhorn, leftovers, SMALL, trial, writeText } from './support/trial.mjs';

const text = writeText('text.txt', 20_000);
const flags = [...SMALL, '--eval-every', '1000000', '--backend', 'reference'];
const train = (out, steps, ...more) => [
  'train',
  '--data',
  text,
  '--out',
  out,
  ...flags,
  '--steps',
  `${steps}`,
  ...more,
];

await trial('two trainings into one folder', async () => {
  const run = join(folder, 'new');
  await oneOf(3, () => train(run, 300));
  await assertWhole(run);
  assert.deepEqual(leftovers(run), []);
});

await trial('two trainings with --force into a finished run', async () => {
  const run = join(folder, 'new');
  await oneOf(3, () => train(run, 300, '--force'));
  await assertWhole(run);
});

await trial('two --resume of one run at the same instant', async () => {
  const [run, whole] = [join(folder, 'resumed'), join(folder, 'whole')];
  assertEnded(await inkhorn(train(whole, 400)).ended, 0);
  const { child, ended, says } = inkhorn([...train(run, 400), '--json']);
  await says(/"type":"step","step":20,/);
  child.kill('SIGTERM');
  assertEnded(await ended, 143);
  await oneOf(2, () => ['train', '--resume', run, '--backend', 'reference']);
  assertSameRun(run, whole);
  assert.deepEqual(leftovers(run), []);
});

await trial('training, quantize --force and demo --force into a run that goes on', async () => {
  const run = join(folder, 'live');
  const { child, ended, says } = inkhorn([...train(run, 1_000_000, '--checkpoint-every', '5'), '--json']);
  await says(/"type":"step","step":20,/);
  for (const args of [
    train(run, 2),
    train(run, 2, '--force'),
    ['train', '--resume', run],
    ['demo', '--data', text, '--out', run, '--force'],
    ['quantize', '--model', join(run, 'last'), '--out', run, '--force'],
  ])
    assertRefused(await inkhorn(args).ended, [child.pid]);
  child.kill('SIGTERM');
  assertEnded(await ended, 143);
  await assertWhole(run);
});
end();

/** Starts the same command `count` times at once. One must succeed, the others must be refused. */
async function oneOf(count, command) {
  const all = Array.from({ length: count }, () => inkhorn(command()));
  const ended = await Promise.all(all.map((one) => one.ended));
  const pids = all.map(({ child }) => child.pid);
  const [winner, ...more] = ended.filter(({ code }) => code === 0);
  assert.ok(
    winner && more.length === 0,
    `${ended.map(({ code, signal }) => signal ?? code)} is not one that wins`,
  );
  for (const one of ended) if (one !== winner) assertRefused(one, pids);
}

/** Exit code 2 and one line that names one of the processes. */
function assertRefused(ended, pids) {
  assertEnded(ended, 2);
  const lines = ended.err.split('\n').filter((line) => line.startsWith('inkhorn: '));
  assert.equal(lines.length, 1, ended.err);
  const [, pid] = lines[0].match(/ is in use by process (\d+) \(inkhorn \w+, since /) ?? [];
  assert.ok(pids.includes(Number(pid)), lines[0]);
}
