// The receiver of a training's output goes away: a reader that stops, a full disk, a closed terminal. The run
// must be saved and resumable, and the exit code must say what ended it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertWhole, resumable } from './support/run.mjs';
import {
  assertEnded,
  bash,
  end,
  folder,
  inkhorn,
  lacks,
  pause,
  program,
  SMALL,
  trial,
  writeText,
} from './support/trial.mjs';

writeText('text.txt', 20_000);
const train = (out) =>
  `train --data text.txt --out ${out} ${SMALL.join(' ')} --steps 1000000 --eval-every 20 --backend reference`;

for (const json of ['', ' --json']) {
  await trial(`train${json} | head`, async () => {
    const out = `head${json.trim()}`;
    const { out: codes, err } = await bash(
      `ink ${train(out)}${json} | head -n 12 >/dev/null; echo \${PIPESTATUS[0]}`,
    );
    assert.equal(codes.trim(), '141', err);
    return goesOn(out);
  });
}

await trial(
  'train > /dev/full',
  async () => {
    const ended = assertEnded(await bash(`ink ${train('full')} > /dev/full`), 143);
    assert.match(ended.err, /^inkhorn: cannot write to stdout: no space left on the disk$/m);
    return goesOn('full');
  },
  existsSync('/dev/full') ? null : 'there is no /dev/full',
);

await trial('SIGHUP, twice', async () => {
  const { child, ended, says } = inkhorn(`${train('hangup')} --json`.split(' '));
  await says(/"type":"step","step":5,/);
  child.kill('SIGHUP');
  child.kill('SIGHUP');
  assertEnded(await ended, 129);
  return goesOn('hangup');
});

// A tmux server with its own socket, so that no other terminal is touched.
const tmux = (...args) =>
  spawnSync('tmux', ['-S', join(folder, 'tmux'), '-f', '/dev/null', ...args], { encoding: 'utf8' });
process.prependListener('exit', () => tmux('kill-server')); // before its folder is removed
for (const [what, vanish] of [
  [
    'the tmux server is killed',
    () => process.kill(Number(tmux('display-message', '-p', '#{pid}').stdout), 'SIGKILL'),
  ],
  ['its window is closed', () => tmux('kill-window')],
]) {
  await trial(
    `a terminal that vanishes: ${what}`,
    async () => {
      const out = `terminal-${what.split(' ')[1]}`;
      const codeFile = join(folder, `${out}.code`);
      const line = `trap '' HUP; ${process.execPath} ${program} ${train(out)}; echo $? > ${codeFile}`;
      // A signal ignored by the shell would be ignored by its children, so it is sent to the program only.
      const { status, stderr } = tmux(
        'new-session',
        '-d',
        '-x',
        '100',
        '-y',
        '30',
        '-c',
        folder,
        line.replace("trap '' HUP", 'trap : HUP'),
      );
      assert.equal(status, 0, stderr);
      await until(
        () =>
          existsSync(join(folder, out, 'last', 'training.json')) &&
          /step [1-9]/.test(tmux('capture-pane', '-p').stdout),
        'the training begins',
      );
      vanish();
      await until(() => existsSync(codeFile), 'the training ends');
      const code = Number(readFileSync(codeFile, 'utf8'));
      assert.ok([129, 141].includes(code), `it ended with ${code}`);
      return goesOn(out);
    },
    lacks('tmux'),
  );
  tmux('kill-server');
}
end();

/** An interrupted run must be intact, and resuming it must complete it. */
async function goesOn(out) {
  const run = join(folder, out);
  assert.ok(await resumable(run), 'it left no checkpoint');
  const found = await assertWhole(run);
  const { step } = JSON.parse(readFileSync(join(run, 'last', 'training.json'), 'utf8')).progress;
  assertEnded(
    await inkhorn(['train', '--resume', run, '--steps', `${step + 2}`, '--backend', 'reference']).ended,
    0,
  );
  return found;
}

async function until(holds, what) {
  for (let i = 0; i < 600; i++) {
    if (holds()) return;
    await pause(200);
  }
  assert.fail(`${what}: not within two minutes; ${tmux('capture-pane', '-p').stdout.trim()}`);
}
