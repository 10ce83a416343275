// The model card of a run: what is measured, and that a card says it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import { memoryStore } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, type ModelFolder } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { type CardMeasures, measureCard } from '../../src/report/card-measures.ts';
import { writeCard } from '../../src/report/write.ts';
import { readRun } from '../../src/runs/read.ts';
import { writeRunRecord } from '../../src/runs/record.ts';
import type { RunSummary } from '../../src/runs/summary.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { seedSettings } from '../../src/train/settings.ts';

describe('a model card', () => {
  const backend = createReference();
  const text = 'to be, or not to be: that is the question whether it is nobler. '.repeat(16);
  const tokenizer = Tokenizer.train(text, { vocabSize: 262 });
  const data = dataset(text, tokenizer);
  const store = memoryStore('runs/first');
  let run: RunSummary;
  let folder: ModelFolder;
  let measures: CardMeasures;
  before(async () => {
    const sizes = { nLayer: 1, nHead: 2, nEmbd: 64, headSize: 32, blockSize: 8 };
    const model = new GPT(makeConfig(presets.tiny, 262, sizes), { backend });
    const known = { name: 'a|b.txt', bytes: text.length, sha256: 'aa', asBytes: false, separator: null };
    const record = { ...known, inputs: ['a|b.txt'], trainFraction: 0.9, validate: 'validation' } as const;
    const settings = { ...seedSettings, steps: 4, batchSize: 2, evalEvery: 2, sampleEvery: 0 };
    for await (const _ of trainInFolder({ store, model, tokenizer, dataset: data, data: record, settings }));
    const { train, val } = data;
    await writeRunRecord(store, {
      title: 'a title',
      precision: 'f32',
      trainTokens: train.length,
      valTokens: val.length,
    });
    run = await readRun(store);
    folder = await loadModel(store.folder('best'), { backend });
    const options = { machine: 'this machine', prompts: ['to ', '```'], speedTokens: 8 };
    measures = await measureCard(folder, data, options);
  });

  test('measures the model and its copies in INT8 and INT4', async () => {
    const { loss } = await evaluate(folder.model, data.val);
    const [float, int8, int4] = measures.formats;
    assert.equal(measures.formats.length, 3);
    assert.ok(Math.abs(float.loss - loss) < 1e-6);
    assert.equal(float.bytes, 4 * folder.model.parameterCount);
    assert.ok(float.bytes > 3 * int8.bytes && int8.bytes > int4.bytes);
    for (const { name, tokensPerSecond } of measures.formats) assert.ok((tokensPerSecond ?? 0) > 0, name);
    assert.deepEqual(
      measures.samples.map(({ prompt, seed }) => [prompt, seed]),
      [
        ['to ', 1],
        ['```', 2],
      ],
    );
  });

  test('says what was measured, beside the model, which loads as before', async () => {
    const place = store.folder('best');
    assert.deepEqual(await writeCard(place, run, measures), ['README.md']);
    const card = new TextDecoder().decode(await place.read('README.md'));
    const [yaml, body] = card.split(/^---$/m).slice(1);
    assert.match(yaml, /^\npipeline_tag: text-generation\ntags:\n(- [a-z-]+\n)+$/);
    assert.deepEqual(
      Array.from(body.matchAll(/^## (.*)$/gm), ([, title]) => title),
      ['Model', 'Data', 'Training', 'Quality', 'Speed', 'Samples', 'Limits'],
    );
    for (const { name, loss, bitsPerByte } of measures.formats)
      for (const part of [`| ${name} | `, ` | ${loss.toFixed(4)} | ${bitsPerByte.toFixed(4)} | `])
        assert.ok(body.includes(part), part);
    assert.ok(body.includes(run.command) && body.includes('on this machine:'));
    assert.ok(!body.includes('!['), 'no picture without what draws it');
    // A text with backticks stays within its fence.
    assert.ok(body.includes(`\`\`\`\`text\n\`\`\`${measures.samples[1].text}`));
    (await loadModel(place, { backend })).model.dispose();
  });

  test('leaves out the speed where it was not measured, and says which split was held out', async () => {
    const untimed = measures.formats.map((format) => ({ ...format, tokensPerSecond: null }));
    const inner = { ...run, data: { ...run.data, validate: 'inner' as const } };
    const place = memoryStore('elsewhere');
    await writeCard(place, inner, { ...measures, formats: untimed, samples: [] });
    const card = new TextDecoder().decode(await place.read('README.md'));
    assert.doesNotMatch(card, /## (Speed|Samples)/);
    assert.match(card, /Of the first 90 % the last tenth validated the model.*\(the inner split\)/);
  });
});
