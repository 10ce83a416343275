// Texts that can be read only once (a FIFO, standard input), closed standard streams, and a clock that is set
// back.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSameRun, assertWhole, eventsOf } from './support/run.mjs';
import { assertEnded, bash, end, folder, inkhorn, lacks, SMALL, trial, writeText } from './support/trial.mjs';

const text = writeText('text.txt', 20_000);
const flags = [...SMALL, '--steps', '8', '--eval-every', '4', '--backend', 'reference'];
const train = (data, out) => ['train', '--data', data, '--out', join(folder, out), ...flags];

await trial('a training on a file', async () => {
  assertEnded(await inkhorn(train(text, 'file')).ended, 0);
});

await trial(
  'a FIFO as --data is read to its end, and is the same run',
  async () => {
    const line = `mkfifo fifo; cat text.txt > fifo & ink ${train('fifo', 'fifo-run').join(' ')}`;
    assertEnded(await bash(line), 0);
    assertSameRun(join(folder, 'fifo-run'), join(folder, 'file'));
  },
  lacks('mkfifo'),
);

await trial(
  'a run on a FIFO resumes with the text as a file, and never reads what is no file any more',
  async () => {
    spawnSync('rm', ['-f', 'fifo'], { cwd: folder });
    const resume = ['train', '--resume', join(folder, 'fifo-run'), '--steps', '12', '--backend', 'reference'];
    const without = assertEnded(await inkhorn(resume).ended, 1, 2);
    assert.match(without.err, /--data/);
    assertEnded(await inkhorn([...resume, '--data', text]).ended, 0);
  },
  lacks('mkfifo'),
);

await trial('standard input as --data is the same run', async () => {
  assertEnded(await bash(`ink ${train('-', 'stdin-run').join(' ')} < text.txt`), 0);
  assertSameRun(join(folder, 'stdin-run'), join(folder, 'file'));
});

for (const [name, redirection] of [
  ['stdin', '<&-'],
  ['stderr', '2>&-'],
  ['stdout', '>&-'],
]) {
  await trial(`train with ${name} closed trains`, async () => {
    const out = `closed-${name}`;
    // Output to a closed stdout is lost, as with every program. The run must not be lost.
    assertEnded(await bash(`ink ${train(text, out).join(' ')} ${redirection}`), 0, 141, 143);
    await assertWhole(join(folder, out));
    assertSameRun(join(folder, out), join(folder, 'file'));
  });
}

await trial('other commands with standard streams closed', async () => {
  for (const command of [
    'data show text.txt',
    'generate --tokens 3',
    'doctor',
    'eval --nonsense',
    '--help',
  ]) {
    for (const redirection of ['<&-', '2>&-', '>&-', '<&- >&- 2>&-']) {
      const ended = await bash(`ink ${command} ${redirection}`);
      assert.ok(
        ended.code !== null && ended.code < 128,
        `${command} ${redirection}: ${ended.signal ?? ended.code}`,
      );
      assert.doesNotMatch(ended.err, /^\s+at .*:\d+:\d+/m, `${command} ${redirection}`);
    }
  }
});

const FAKETIME = ['/usr/lib', '/usr/lib64', '/usr/local/lib']
  .flatMap((place) => [
    place,
    ...(existsSync(place) ? readdirSync(place).map((name) => join(place, name)) : []),
  ])
  .map((place) => join(place, 'faketime', 'libfaketime.so.1'))
  .find((file) => existsSync(file));

await trial(
  'a clock that is set back by a day, in the middle of a run and between its parts',
  async () => {
    const clock = join(folder, 'clock');
    const set = (offset) => writeFileSync(clock, `${offset}\n`);
    const env = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      // Setting the clock changes the date, never the monotonic clock.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    set('+0');
    const out = join(folder, 'clock-run');
    const { child, ended, says } = inkhorn(
      [...train(text, 'clock-run'), '--checkpoint-every', '1', '--json'],
      { env },
    );
    await says(/"type":"step","step":3,/);
    set('-1d');
    await says(/"type":"step","step":5,/);
    child.kill('SIGTERM');
    assertEnded(await ended, 143);
    set('-2d');
    assertEnded(await inkhorn(['train', '--resume', out, '--backend', 'reference'], { env }).ended, 0);
    set('-3d');
    assertEnded(await inkhorn(['report', out], { env }).ended, 0);
    assertSameRun(out, join(folder, 'file'));
    for (const event of eventsOf(out))
      for (const [field, value] of Object.entries(event))
        if (/seconds|eta|PerSecond/i.test(field) && value !== null)
          assert.ok(value >= 0, `${field} of ${event.type} ${event.step} is ${value}`);
    const report = readFileSync(join(out, 'report.md'), 'utf8');
    assert.doesNotMatch(report, /NaN|undefined|Infinity|-\d[\d.]* (s|min|h)\b/);
  },
  FAKETIME ? null : 'libfaketime is not installed',
);
end();
