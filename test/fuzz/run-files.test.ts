// The JSON files of a run, damaged one value at a time. Reading either names the file and field, or finds
// nothing wrong and then never shows a missing value.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createReference } from '../../src/backend/reference/index.ts';
import { jsonBytes } from '../../src/base/json.ts';
import { health } from '../../src/cli/inspect/health.ts';
import { recordedData } from '../../src/cli/run-text.ts';
import { ablate } from '../../src/inspect/effect.ts';
import { neighbours } from '../../src/inspect/embedding.ts';
import { logitLens } from '../../src/inspect/lens.ts';
import { measureTaps } from '../../src/inspect/measure.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { windows } from '../../src/model/batch.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { loadPictures } from '../../src/png/charts.ts';
import { compare } from '../../src/quantize/compare.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { drawRun } from '../../src/report/drawn.ts';
import { runPage } from '../../src/report/page/run-page.ts';
import { renderReport } from '../../src/report/report.ts';
import { loadCheckpoint } from '../../src/runs/checkpoint.ts';
import { compareRuns } from '../../src/runs/compare.ts';
import { readLook } from '../../src/runs/findings.ts';
import { lookInside, saveLook } from '../../src/runs/look.ts';
import { readHistory } from '../../src/runs/open.ts';
import { readRun } from '../../src/runs/read.ts';
import { writeRunRecord } from '../../src/runs/record.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { seedSettings } from '../../src/train/settings.ts';

const backend = createReference();
const text = 'to be, or not to be: that is the question whether it is nobler. '.repeat(12);
let folder = '';

/** A small run with the files of all commands. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-damaged-'));
  const tokenizer = Tokenizer.train(text, { vocabSize: 262 });
  const config = makeConfig(presets.tiny, 262, { nLayer: 2, nHead: 2, nEmbd: 8, headSize: 4, blockSize: 8 });
  const data = dataset(text, tokenizer);
  const model = new GPT(config, { backend });
  const every = { evalEvery: 3, probeEvery: 2, sampleEvery: 3, sampleTokens: 2 };
  const store = folderStore(folder);
  const record = {
    inputs: ['t.txt'],
    name: 't.txt',
    bytes: text.length,
    sha256: 'aa',
    asBytes: false,
    separator: null,
    trainFraction: 0.9,
  };
  for await (const _ of trainInFolder({
    store,
    model,
    tokenizer,
    dataset: data,
    data: { ...record, validate: 'validation' },
    settings: { ...seedSettings, steps: 6, batchSize: 2, ...every },
  }));
  await writeRunRecord(store, { title: 'a', engine: 'e', precision: 'f32', trainTokens: 9, valTokens: 9 });
  await saveLook(store, await lookInside({ model, tokenizer }, data.val.subarray(0, 8), 6));
  const small = await quantize(model);
  const int8 = store.folder('int8');
  await saveModel(int8, { model: small, tokenizer });
  const report = { data: record, ...(await compare(model, small, data, { speedTokens: 0 })) };
  await int8.write('compare.json', new TextEncoder().encode(JSON.stringify(report)));
  const asked = {
    'logit-lens': await logitLens({ model, tokenizer }, data.val.subarray(0, 4)),
    ablation: await ablate({ model, tokenizer }, data.val.subarray(0, 4)),
    'token-neighbours': { neighbours: await neighbours({ model, tokenizer }, [1, 2], 2) },
    'loss-change': {
      edits: 'embed=0',
      tokens: [
        { text: 'a', change: null },
        { text: 'b', change: 0.5 },
      ],
    },
    'position-similarity': { positions: 2, cosines: [1, 0.5, 0.5, 1] },
    taps: { taps: (await measureTaps(model, windows(data.val, [0], 8))).taps },
  };
  for (const [name, found] of Object.entries(asked))
    await store.folder('inspect').write(`${name}.json`, jsonBytes({ step: 6, ...found }));
});
after(() => rm(folder, { recursive: true }));

const charts = await loadPictures();

/** Everything that reads a run, one after the other. Returns all output as one string. */
async function readAll(): Promise<string> {
  const store = folderStore(folder);
  const run = await readRun(store);
  const history = await readHistory(store);
  const shown = [
    renderReport(run, drawRun(run, charts)),
    runPage(run, charts).replace(/<script.*?<\/script>/gs, ''),
    JSON.stringify(compareRuns([run])),
    `${(await readLook(store))?.step}`,
    `${(await recordedData(store.folder('best')))?.name}`,
  ];
  for (const figure of health(history, run.config).figures(charts)) shown.push(figure?.svg ?? '');
  (await loadModel(store.folder('best'), { backend })).model.dispose();
  (await loadCheckpoint(store.folder('last'), { backend })).model.dispose();
  return shown.join('\n');
}

const NO_VALUE = /\bundefined\b|\bNaN\b|\[object Object\]/;

const damages: Record<string, (value: unknown) => unknown> = {
  remove: () => undefined,
  null: () => null,
  text: () => 'x',
  minus: () => -1,
  fraction: () => 0.123,
  huge: () => 1e300,
  list: () => [],
  nested: (value) => [[value]],
  object: () => ({ toString: 1 }),
};

/** `document` with one value inside it replaced. `pick` draws the path to that value. */
function damage(
  document: unknown,
  pick: (n: number) => number,
  change: (value: unknown) => unknown,
): unknown {
  if (typeof document !== 'object' || document === null) return change(document);
  const keys = Object.keys(document);
  if (keys.length === 0) return change(document);
  const key = keys[pick(keys.length)];
  const inner = (document as Record<string, unknown>)[key];
  const stop = typeof inner !== 'object' || inner === null || pick(4) === 0;
  const changed = stop ? change(inner) : damage(inner, pick, change);
  if (Array.isArray(document)) return document.map((element, i) => (String(i) === key ? changed : element));
  return { ...document, [key]: changed };
}

describe('damaged files of a run', () => {
  const files = [
    'history.json',
    'last/training.json',
    'run.json',
    'look.json',
    'int8/compare.json',
    'inspect/logit-lens.json',
    'inspect/ablation.json',
    'inspect/token-neighbours.json',
    'inspect/loss-change.json',
    'inspect/position-similarity.json',
    'inspect/taps.json',
    'best/config.json',
    'best/tokenizer.json',
    'last/config.json',
  ];

  test('whole, they are read, and nothing is shown that is no value', async () => {
    const all = await readAll();
    assert.doesNotMatch(all, NO_VALUE);
    assert.match(all, /What an edit does/);
  });

  for (const file of files) {
    test(file, async () => {
      const path = join(folder, file);
      const whole = await readFile(path, 'utf8');
      const kinds = fc.constantFrom(...Object.keys(damages));
      try {
        await fc.assert(
          fc.asyncProperty(kinds, fc.infiniteStream(fc.nat(1e6)), async (kind, stream) => {
            const pick = (n: number): number => (stream.next().value as number) % n;
            await writeFile(path, JSON.stringify(damage(JSON.parse(whole), pick, damages[kind])));
            const shown = await readAll().catch((error: Error) => {
              assert.equal(error.constructor.name, 'Error', error.stack);
              assert.match(error.message, /^[^\n]*\.json: [^\n]+$/);
              return error.message;
            });
            assert.doesNotMatch(shown, NO_VALUE);
          }),
          {
            includeErrorInReport: true,
            numRuns: Number(process.env.INKHORN_FUZZ_RUNS ?? 12),
            seed: Number(process.env.INKHORN_FUZZ_SEED ?? 1),
          },
        );
      } finally {
        await writeFile(path, whole);
      }
    });
  }
});
