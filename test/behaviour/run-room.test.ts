// A run on disk, read without the command line and without a disk. Each document is read once; findings are
// chosen by their step.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import { jsonBytes } from '../../src/base/json.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { compare } from '../../src/quantize/compare.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { compareRuns } from '../../src/runs/compare.ts';
import { readFindings } from '../../src/runs/findings.ts';
import { isOfRun } from '../../src/runs/layout.ts';
import { lookInside, saveLook } from '../../src/runs/look.ts';
import { openRun } from '../../src/runs/open.ts';
import { readRun } from '../../src/runs/read.ts';
import { writeRunRecord } from '../../src/runs/record.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { seedSettings } from '../../src/train/settings.ts';

const backend = createReference();
const text = 'to be, or not to be: that is the question whether it is nobler. '.repeat(12);
const tokenizer = Tokenizer.train(text, { vocabSize: 262 });
const data = dataset(text, tokenizer);
const STEPS = 4;
const store = memoryStore('runs/first');

before(async () => {
  const sizes = { nLayer: 1, nHead: 2, nEmbd: 8, headSize: 4, blockSize: 8 };
  const model = new GPT(makeConfig(presets.tiny, 262, sizes), { backend });
  const known = { name: 't.txt', bytes: text.length, sha256: 'aa', asBytes: false, separator: null };
  const record = { ...known, inputs: ['t.txt'], trainFraction: 0.9, validate: 'validation' } as const;
  const settings = { ...seedSettings, steps: STEPS, batchSize: 2, evalEvery: 2, sampleEvery: 0 };
  for await (const _ of trainInFolder({ store, model, tokenizer, dataset: data, data: record, settings }));
  await writeRunRecord(store, { title: 'a title', precision: 'f32', trainTokens: 9, valTokens: 9 });
  const folder = await loadModel(store.folder('best'), { backend });
  await saveLook(store, await lookInside(folder, data.val.subarray(0, 8), STEPS));
  const small = await quantize(model);
  await saveModel(store.folder('tiny copy'), { model: small, tokenizer });
  const report = await compare(model, small, data, { speedTokens: 0 });
  await store.folder('tiny copy').write('compare.json', jsonBytes({ ...report, layers: [] }));
});

/** `store`, and how often each of its files was read. */
function counted(store: Store, reads = new Map<string, number>()): { store: Store; reads: typeof reads } {
  const counting: Store = {
    ...store,
    folder: (name) => counted(store.folder(name), reads).store,
    read(name) {
      const path = `${store.location}/${name}`;
      reads.set(path, (reads.get(path) ?? 0) + 1);
      return store.read(name);
    },
  };
  return { store: counting, reads };
}

describe('a run', () => {
  test('is read from any store, each document once and no weights', async () => {
    const { store: watched, reads } = counted(store);
    const run = openRun(watched);
    const summary = await readRun(watched, { run });
    assert.equal((await run.model())?.step, STEPS);
    assert.equal(summary.title, 'a title');
    assert.equal(
      summary.parameters,
      (await loadModel(store.folder('best'), { backend })).model.parameterCount,
    );
    assert.deepEqual([...summary.comparisons.keys()], ['tiny copy']);
    assert.equal(compareRuns([summary]).runs[0].label, 'first');
    assert.equal(reads.get('runs/first/last/training.json'), 1);
    for (const [file, times] of reads) assert.equal(times, 1, file);
    assert.ok([...reads.keys()].every((file) => !file.endsWith('.safetensors')));
  });

  test('without history.json is one that goes on; without anything it says what is missing', async () => {
    const going = memoryStore('runs/going');
    for (const name of await store.folder('last').list())
      await going.folder('last').write(name, await store.folder('last').read(name));
    const { events, title } = await readRun(going);
    assert.equal(events.at(-1)?.step, STEPS);
    assert.equal(title, 'going on t.txt');
    await assert.rejects(
      readRun(memoryStore('nothing')),
      /^Error: nothing: no history\.json: give the folder/,
    );
  });
});

describe('findings', () => {
  const inspect = store.folder('inspect');
  const write = (name: string, document: unknown): Promise<void> => inspect.write(name, jsonBytes(document));
  const read = (): ReturnType<typeof readFindings> =>
    readFindings(store, { step: STEPS, activation: 'relu' });
  const neighbours = [{ id: 1, text: 'a', nearest: [{ id: 2, text: 'b', cosine: 0.5 }] }];
  const attention = { tokens: ['asked'], layers: 1, heads: 1, probabilities: [1] };

  test('of the step of the model take the place of the look at its end, others do not, and are noted', async () => {
    const own = await read();
    assert.deepEqual(own.notes, []);
    assert.equal(own.findings.attention?.tokens.length, 8);
    await write('attention.json', { step: STEPS, ...attention });
    await write('token-neighbours.json', { step: STEPS - 1, neighbours });
    await write('ablation.json', { step: null, loss: 1, heads: [[0]], attention: [0], mlp: [0] });
    const { findings, notes } = await read();
    assert.deepEqual(findings.attention?.tokens, ['asked']);
    assert.equal(findings.heads, undefined); // the heads of the look are of another text
    assert.deepEqual([findings.neighbours, findings.ablation], [undefined, undefined]);
    assert.ok(findings.tokens && findings.lens, 'the look has them');
    assert.match(notes.join('\n'), /token-neighbours\.json is of step 3, the model of the run of step 4/);
    assert.match(notes.join('\n'), /ablation\.json is of a model outside the run/);
  });

  test('that do not say of which step they are stand in where there is nothing else', async () => {
    await write('attention.json', attention); // as development versions wrote them
    await write('token-neighbours.json', neighbours);
    const { findings } = await read();
    assert.equal(findings.attention?.tokens.length, 8);
    assert.equal(findings.neighbours?.length, 1);
  });

  test('that are damaged are refused by file and field', async () => {
    await write('attention.json', { step: STEPS, ...attention, probabilities: [2] });
    await assert.rejects(read(), /inspect\/attention\.json: probabilities\[0\] is 2: expected/);
    await write('attention.json', { step: 'x', ...attention });
    await assert.rejects(read(), /inspect\/attention\.json: step is "x": expected/);
    await inspect.remove('attention.json');
  });

  test('a look of an earlier model does not count', async () => {
    const { findings } = await readFindings(store, { step: STEPS + 1, activation: 'relu' });
    assert.equal(findings.attention, undefined);
  });
});

test('--force knows what a run leaves, also where older versions drew pictures, and nothing else', () => {
  for (const name of ['best', 'last', 'figures', 'inspect', 'int8', 'run.json', 'look.json', 'report.html'])
    assert.ok(isOfRun(name), name);
  for (const name of ['loss.png', 'health.svg', 'gelu-gradients-over-time.json', 'logit-lens.png'])
    assert.ok(isOfRun(name), name);
  for (const name of ['notes.txt', 'loss.txt', 'my-loss.png', 'photo.png', 'figures.zip', 'data'])
    assert.ok(!isOfRun(name), name);
});
