// A run killed at any moment leaves a folder that can be resumed, and the resumed run equals one that was
// never killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StepEvent, TrainEvent } from '../../src/train/events.ts';
import { engines } from '../support/engines.ts';
import { flagsOf, NO_PNG } from './cli-process.ts';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-kill-'));
after(() => rmSync(folder, { recursive: true }));

const text = join(folder, 'text.txt');
writeFileSync(text, 'The quick brown fox jumps over the lazy dog, and the dog sleeps on.\n'.repeat(60));

const recipe = flagsOf({
  data: text,
  vocabSize: 280,
  preset: 'tiny',
  blockSize: 16,
  nLayer: 2,
  nEmbd: 32,
  nHead: 2,
  steps: 30,
  batchSize: 4,
  evalEvery: 10,
  checkpointEvery: 3,
  sampleEvery: 0,
  probeEvery: 7,
});

const all = await engines();
/** One suffices: resume.test.ts resumes after every operation on a file, on each engine. */
const fast = all.find(({ name, skip }) => name === 'native' && skip === false)?.name ?? 'wasm';

test('kill -9 at several moments, resume, and nothing has changed', async () => {
  const whole = join(folder, 'whole');
  const killed = join(folder, 'killed');
  assert.equal(await inkhorn(['train', ...recipe, '--out', whole, '--backend', fast]), 0);
  await inkhorn(['train', ...recipe, '--out', killed, '--backend', fast], 2);
  for (const steps of [1, 4, 6]) await inkhorn(['train', '--resume', killed, '--backend', fast], steps);
  assert.equal(await inkhorn(['train', '--resume', killed, '--backend', fast]), 0);
  assert.deepEqual(losses(killed), losses(whole));
  assert.equal(losses(killed).length, 30);
  for (const file of ['best/model.safetensors', 'last/model.safetensors', 'last/training.safetensors']) {
    assert.ok(readFileSync(join(killed, file)).equals(readFileSync(join(whole, file))), file);
  }
});

for (const { name, skip } of all) {
  test(`Ctrl-C on ${name} ends after the current step, with a checkpoint and exit code 130`, {
    skip,
  }, async () => {
    const out = join(folder, `${name}-interrupted`);
    assert.equal(await inkhorn(['train', ...recipe, '--out', out, '--backend', name], 5, 'SIGINT'), 130);
    const { progress } = JSON.parse(readFileSync(join(out, 'last/training.json'), 'utf8'));
    assert.ok(progress.step >= 5 && progress.step < 30, `step ${progress.step}`);
  });
}

/**
 * Runs a command. With `steps`, sends `signal` once that many steps have been reported. Resolves to the exit
 * code.
 */
async function inkhorn(
  args: string[],
  steps = Number.POSITIVE_INFINITY,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<number> {
  const line = [...NO_PNG, program, ...args, '--json'];
  const child = spawn(process.execPath, line, { stdio: ['ignore', 'pipe', 'pipe'] });
  let seen = 0;
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString().split('"type":"step"').length - 1;
    if (seen >= steps && !child.killed) child.kill(signal);
  });
  const [code] = await once(child, 'close');
  assert.ok(code === 0 || steps < Number.POSITIVE_INFINITY, errors);
  return code;
}

function losses(run: string): number[] {
  const { events } = JSON.parse(readFileSync(join(run, 'history.json'), 'utf8')) as { events: TrainEvent[] };
  return events.filter((e): e is StepEvent => e.type === 'step').map((e) => e.loss);
}
