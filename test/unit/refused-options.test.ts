// Every function with options refuses what it does not know and what cannot be, before it begins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import { listCorpora, loadCorpus } from '../../src/corpora/index.ts';
import {
  checkExport,
  exportFiles,
  exportModel,
  importFiles,
  importModel,
  importTokenizer,
  tiktokenPattern,
} from '../../src/exchange/index.ts';
import { generate, generateText } from '../../src/generate/generate.ts';
import { attentionMaps, inductionScores } from '../../src/inspect/attention.ts';
import { capture } from '../../src/inspect/capture.ts';
import { editEffect } from '../../src/inspect/effect.ts';
import { logitLens } from '../../src/inspect/lens.ts';
import { predictText } from '../../src/inspect/predictions.ts';
import { memoryStore } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { measureAgreement } from '../../src/quantize/agreement.ts';
import { compare } from '../../src/quantize/compare.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { loadCheckpoint } from '../../src/runs/checkpoint.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { scope } from '../../src/tensor/scope.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset, datasetAsync } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { train } from '../../src/train/train.ts';

const backend = createReference();
const text = 'abcdabcd'.repeat(40);
const tokenizer = Tokenizer.train(text, { vocabSize: 258 });
const config = makeConfig(presets.tiny, 258, { blockSize: 8, nLayer: 1, nHead: 1, headSize: 4, nEmbd: 4 });
const model = new GPT(config, { backend });
const folder = { model, tokenizer };
const data = dataset(text, tokenizer);
const ids = data.val.subarray(0, 4);
const store = memoryStore();

/** Calls with the options that they are given, and one option of each that has another type. */
const calls: readonly [name: string, call: (options: object) => unknown, wrong: object][] = [
  ['GPT', (o) => new GPT(config, o), { backend: 'native' }],
  ['forward', (o) => scope(() => model.forward(tensor(ids, [1, 4], backend), o)), { logits: 'first' }],
  ['save', (o) => saveModel(store, folder, o), { matrices: 'f16' }],
  ['load', (o) => loadModel(store, o), { onNote: 'log' }],
  ['loadCheckpoint', (o) => loadCheckpoint(store, o), { backend: {} }],
  ['capture', (o) => capture(model, ids, { taps: ['embed'], ...o }), { targets: [1, 2] }],
  ['attentionMaps', (o) => attentionMaps(model, ids, o), { edits: 'none' }],
  ['inductionScores', (o) => inductionScores(model, o), { seed: -1 }],
  ['logitLens', (o) => logitLens(folder, ids, o), { top: 0 }],
  ['predictText', (o) => predictText(folder, ids, o), { top: 1.5 }],
  ['editEffect', (o) => editEffect(folder, ids, [], o), { top: 'all' }],
  ['generate', (o) => generate(model, tokenizer, o), { maxTokens: 0 }],
  ['generateText', (o) => generateText(model, tokenizer, o), { samples: 3 }],
  ['evaluate', (o) => evaluate(model, data.val, o), { maxTokens: 0 }],
  ['quantize', (o) => quantize(model, o), { bits: 3 }],
  ['compare', (o) => compare(model, model, data, o), { signal: 1 }],
  ['measureAgreement', (o) => measureAgreement(model, model, data.val, o), { maxTokens: 0 }],
  ['dataset', (o) => dataset(text, tokenizer, o), { trainFraction: 1 }],
  ['dataset', (o) => datasetAsync(text, tokenizer, o), { onProgress: true }],
  ['Tokenizer.train', (o) => Tokenizer.trainAsync(text, { vocabSize: 257, ...o }), { onProgress: 'no' }],
  ['Tokenizer.train', (o) => Tokenizer.trainEvents(text, { vocabSize: 257, ...o }).next(), { signal: 5 }],
  ['encode', (o) => tokenizer.encode(text, o), { allowedSpecial: 1 }],
  ['encode', (o) => tokenizer.encodeAsync(text, o), { signal: {} }],
  ['encodeParts', (o) => [...tokenizer.encodeParts(text, o)], { partLength: 0 }],
  ['encodeParts', (o) => tokenizer.encodePartsAsync(text, o), { signal: {} }],
  ['fromTiktoken', (o) => Tokenizer.fromTiktoken('', { pattern: 'none', ...o }), { specialTokens: 'x' }],
  ['loadCorpus', (o) => loadCorpus('moby-dick', o), { asBytes: 1 }],
  ['listCorpora', (o) => listCorpora(o), { cacheFolder: 1 }],
];

for (const [name, call, wrong] of calls) {
  test(`${name} refuses ${Object.keys(wrong)} and what it does not know`, async () => {
    const refused = async (options: object, message: RegExp): Promise<void> => {
      await assert.rejects(async () => call(options), message);
    };
    await refused({ notKnown: 1 }, new RegExp(`^Error: unknown option 'notKnown' for ${name}: `));
    const [option] = Object.keys(wrong);
    await refused(wrong, new RegExp(`^Error: (${option} .* is not |unknown option '${option}')`));
  });
}

test('options that are in no object are refused in one line', async () => {
  /** These calls add options of their own to those that they are given. */
  const adding = ['capture', 'fromTiktoken', 'Tokenizer.train'];
  for (const [name, call] of calls.filter(([name]) => !adding.includes(name)))
    for (const [options, shown] of [
      [null, 'null'],
      [5, '5'],
      [[], 'an empty list'],
    ] as const) {
      const message = `${shown} is not an object, which the options for ${name} are in`;
      await assert.rejects(async () => call(options as never), { name: 'Error', message });
    }
  const given = (options: unknown): Promise<unknown> => Tokenizer.trainAsync(text, options as never);
  await assert.rejects(given(undefined), /^Error: Tokenizer.train needs vocabSize: tokens in all$/);
  await assert.rejects(given(null), /^Error: null is not an object, /);
  for (const wrong of [5, null, [1]])
    assert.throws(() => tokenizer.encode(wrong as never), /^Error: text .* is not a text or its bytes$/);
});

test('missing and wrong arguments before the options are refused in one line', async () => {
  const refused: [call: (...args: never[]) => unknown, args: unknown[], message: string][] = [
    [generate, [], 'generate needs model: the model'],
    [generate, [model], 'generate needs tokenizer: the tokenizer of the model'],
    [generate, [5, tokenizer], 'model 5 is not a GPT'],
    [generateText, [model], 'generate needs tokenizer: the tokenizer of the model'],
    [dataset, [5, tokenizer], 'text 5 is not a text or its bytes'],
    [dataset, [text], 'dataset needs tokenizer: what makes tokens of the text'],
    [datasetAsync, [null, tokenizer], 'text null is not a text or its bytes'],
    [datasetAsync, [text, {}], 'tokenizer an object is not a Tokenizer'],
    [loadModel, [], 'load needs store: the place of the files'],
    [loadCheckpoint, ['runs/first'], 'store "runs/first" is not a store'],
    [saveModel, [store], 'save needs model: the model'],
    [saveModel, [store, { model }], 'save needs tokenizer: the tokenizer of the model'],
  ];
  for (const [call, args, message] of refused)
    await assert.rejects(async () => call(...(args as never[])), { name: 'Error', message });
});

test('train refuses what it does not know, and says what it needs', async () => {
  const first = (options: object): Promise<unknown> => train(options as never).next();
  await assert.rejects(
    first({ model, data, tokeniser: tokenizer }),
    /'tokeniser': did you mean 'tokenizer'\?$/,
  );
  await assert.rejects(first({ model }), /^Error: train needs data: /);
  await assert.rejects(train(undefined as never).next(), /^Error: train needs model: /);
  await assert.rejects(first({ model: 5, data }), /^Error: model 5 is not a GPT$/);
  await assert.rejects(
    first({ model, data: text }),
    /^Error: data ".*" is not a dataset: dataset\(\) makes one$/,
  );
});

test('trainInFolder refuses what it does not know, and says what it needs', async () => {
  const first = (options: object): Promise<unknown> => trainInFolder(options as never).next();
  await assert.rejects(first({ ...folder, stor: store }), /unknown option 'stor' for trainInFolder/);
  await assert.rejects(first({ ...folder, store, dataset: data }), /^Error: trainInFolder needs data: /);
});

test('doors to other programs say in one line what they are not given', async () => {
  const hf = { to: 'hf' } as const;
  // biome-ignore lint/suspicious/noExplicitAny: what has no such type is the matter
  type Any = any;
  const doors: readonly [name: string, call: (value: Any) => unknown][] = [
    ['checkExport, store', (value) => checkExport(value, hf)],
    ['checkExport, options', (value) => checkExport(store, value)],
    ['exportFiles, contents', (value) => exportFiles(value, hf)],
    ['exportFiles, contents of a tokenizer', (value) => exportFiles(value, { to: 'tokenizer' })],
    ['exportFiles, model', (value) => exportFiles({ model: value, tokenizer }, hf)],
    ['exportFiles, tokenizer', (value) => exportFiles({ model, tokenizer: value }, hf)],
    ['exportFiles, options', (value) => exportFiles(folder, value)],
    ['exportFiles, adapter', (value) => exportFiles(folder, { to: 'peft', adapter: value })],
    ['exportModel, store', (value) => exportModel(value, folder, hf)],
    ['exportModel, contents', (value) => exportModel(store, value, hf)],
    ['exportModel, options', (value) => exportModel(store, folder, value)],
    ['importFiles, source', (value) => importFiles(value)],
    ['importFiles, options', (value) => importFiles(store, value ?? null)],
    ['importModel, source', (value) => importModel(value, store)],
    ['importModel, target', (value) => importModel(store, value)],
    ['importModel, options', (value) => importModel(store, store, value ?? null)],
    ['importTokenizer, source', (value) => importTokenizer(value)],
    ['importTokenizer, options', (value) => importTokenizer(store, value ?? null)],
    ['tiktokenPattern', (value) => tiktokenPattern(value)],
    ['save, contents', (value) => saveModel(store, value)],
  ];
  for (const [name, call] of doors)
    for (const value of [undefined, null, 5, 'x', true, [], { a: 1 }, () => {}])
      await assert.rejects(
        async () => call(value),
        (error: Error) => {
          assert.equal(error.name, 'Error', `${name} of ${String(value)}: ${error.stack}`);
          assert.match(
            error.message,
            /needs | is not |not |unknown option|give one/,
            `${name} of ${String(value)}`,
          );
          assert.doesNotMatch(error.message, /\n|undefined|\[object/, `${name} of ${String(value)}`);
          return true;
        },
      );
  await assert.rejects(
    exportFiles(null as Any, hf),
    /^Error: export needs a model and its tokenizer, \{ model, tokenizer \}, as load gives them: not null$/,
  );
});
