// The seed in full size on its own text, which takes a minute or two. And the demo, from the first token to
// the report.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createNative } from '../../src/backend/native/index.ts';
import { runContents } from '../../src/cli/run-folder.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { recipes } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { engines } from '../support/engines.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const shakespeare = join(root, '../shared/data/tinyshakespeare.txt');
const native = (await engines()).find((e) => e.name === 'native');
const missing = existsSync(shakespeare) ? native?.skip : 'Tiny Shakespeare is not at ../shared/data';

test("the seed's first 30 losses start at 6.37 and fall, and memory stops growing", {
  skip: missing,
}, async () => {
  const backend = await createNative({});
  after(() => backend.dispose());
  const text = readFileSync(shakespeare);
  const tokenizer = Tokenizer.train(text, { vocabSize: 500 });
  const data = dataset(text, tokenizer);
  assert.equal(data.train.length + data.val.length, 574_057);
  const model = new GPT(makeConfig(presets.seed, 500), { backend, seed: 1337 });
  const losses: number[] = [];
  const bytes: number[] = [];
  const off = { evalEvery: 10_000, sampleEvery: 0, probeEvery: 10 };
  for await (const e of train({
    model,
    data: { ...data, val: data.val.slice(0, 2000) },
    ...recipes.seed,
    ...off,
    steps: 30,
  })) {
    if (e.type !== 'step') continue;
    losses.push(e.loss);
    bytes.push(backend.memory().peakBytes);
  }
  assert.ok(Math.abs(losses[0] - 6.37) < 0.05, `${losses[0]}`);
  assert.ok(losses[29] < 5.5, `${losses[29]}`);
  for (let i = 5; i < 30; i++) assert.ok(losses[i] < losses[i - 5], `step ${i + 1}: ${losses.join(' ')}`);
  assert.equal(bytes[29], bytes[12]);
  model.dispose();
});

test('the demo leaves a whole run folder', () => {
  const out = mkdtempSync(join(tmpdir(), 'inkhorn-demo-'));
  after(() => rmSync(out, { recursive: true }));
  const args = ['demo', '--data', 'moby-dick', '--steps', '60', '--out', join(out, 'run')];
  const printed = execFileSync(process.execPath, [join(root, 'dist/src/cli/main.js'), ...args], {
    encoding: 'utf8',
  });
  assert.match(printed, /The best checkpoint, .*, continues "[A-Z][^"]*":/);
  assert.match(printed, /x smaller/);
  const entries = readdirSync(join(out, 'run'));
  for (const name of [
    'best',
    'last',
    'int8',
    'history.json',
    'run.json',
    'look.json',
    'report.html',
    'figures',
  ])
    assert.ok(entries.includes(name), name);
  // `--force` would remove exactly what a run leaves.
  assert.deepEqual(
    entries.filter((name) => !runContents.includes(name)),
    [],
  );
  assert.match(readFileSync(join(out, 'run/report.md'), 'utf8'), /int8: before and after/);
});
