// Objects that are dropped half-way free what they hold, and two trainings never share a model.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createReference } from '../../src/backend/reference/index.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { train } from '../../src/train/train.ts';
import { engines } from '../support/engines.ts';

const text = 'The quick brown fox jumps over the lazy dog.\n'.repeat(40);
const tokenizer = Tokenizer.train(text, { vocabSize: 260 });
const data = dataset(text, tokenizer);
const config = makeConfig(presets.tiny, 260, { nLayer: 1, nEmbd: 16, nHead: 2, blockSize: 8 });
const settings = { data, steps: 5, batchSize: 2, evalEvery: 5, sampleEvery: 0, probeEvery: 0 };

test('a second training of a model is refused while the first goes on, and not after it', async () => {
  const model = new GPT(config, { backend: createReference() });
  const options = { ...settings, model };
  const first = train(options);
  await first.next();
  await assert.rejects(
    train(options).next(),
    /this model is being trained by another train\(\): let that one end/,
  );
  await first.return();
  for await (const event of train(options)) if (event.type === 'step') break;
  await assert.rejects(train({ ...options, batchSize: 0 }).next(), /batchSize/);
  let steps = 0;
  for await (const event of train(options)) if (event.type === 'step') steps++;
  assert.equal(steps, 5);
});

const source = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;

/** Runs a module with access to the garbage collector. Resolves to what it prints. */
async function node(code: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', code],
    { timeout: 120_000 },
  );
  return stdout.trim();
}

for (const { name, skip } of await engines()) {
  describe(`on ${name}`, { skip }, () => {
    test('generators that are dropped in the middle give their buffers back', async () => {
      const out = await node(`
        import { GPT, Tokenizer, dataset, generate, makeConfig, presets, train, useBackend } from '${source('platform/node.js')}';
        const { backend } = await useBackend('${name}');
        const text = ${JSON.stringify(text)};
        const tokenizer = Tokenizer.train(text, { vocabSize: 260 });
        const data = dataset(text, tokenizer);
        const config = makeConfig(presets.tiny, 260, { nLayer: 1, nEmbd: 16, nHead: 2, blockSize: 8 });
        const model = new GPT(config);
        const settings = { model, data, steps: 50, batchSize: 2, sampleEvery: 0, probeEvery: 0, emaDecay: 0.9 };
        const begin = async (events, count) => { for (let i = 0; i < count; i++) await events.next(); };
        await begin(train(settings), 1000); // runs to its end: the gradients stay with the model
        const before = backend.memory().live;
        await begin(generate(model, tokenizer, { prompt: 'The', maxTokens: 5 }), 3);
        await begin(train(settings), 3);
        const held = backend.memory().live;
        for (let i = 0; i < 50 && backend.memory().live > before; i++) {
          globalThis.gc();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const after = backend.memory().live;
        await begin(train(settings), 3); // the model is free again
        console.log(held > before, after <= before, before, held, after);
      `);
      assert.match(out, /^true true /, out);
    });
  });
}

const [native] = (await engines()).filter(({ name }) => name === 'native');
test('engines of the same settings share their threads, and the last one ends them', {
  skip: native?.skip ?? (process.platform === 'linux' ? false : 'counts threads in /proc'),
}, async () => {
  const { createNative } = await import('../../src/backend/native/index.ts');
  const threads = (): number =>
    Number(/Threads:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const before = threads();
  const many = await Promise.all(Array.from({ length: 50 }, () => createNative({ threads: 3 })));
  assert.equal(threads() - before, 3);
  const [one, other] = many;
  const [x, y] = [one, other].map((engine) => engine.alloc('f32', 2));
  one.kernels.fill(x, 1);
  other.kernels.fill(y, 2);
  assert.throws(() => one.kernels.fill(y, 3), /belongs to another engine/);
  assert.throws(
    () => one.record(() => other.kernels.fill(y, 3)),
    /an engine of the same settings is recording/,
  );
  one.dispose();
  one.dispose();
  assert.throws(() => one.alloc('f32', 1), /was disposed/);
  assert.deepEqual([...(await other.read(y))], [2, 2]);
  for (const engine of many) engine.dispose();
  assert.equal(threads(), before);
});
