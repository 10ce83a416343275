// The functions of models in a worker result in what the library's own result in, bit for bit, also while a
// training of the same worker runs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { generate } from '../../src/generate/generate.ts';
import { attentionMaps, inductionScores, summarizeHeads } from '../../src/inspect/attention.ts';
import { capture } from '../../src/inspect/capture.ts';
import { type Edit, steadyEdits } from '../../src/inspect/edit.ts';
import { ablate, editEffect } from '../../src/inspect/effect.ts';
import { neighbours, positionSimilarity } from '../../src/inspect/embedding.ts';
import { logitLens } from '../../src/inspect/lens.ts';
import { measureTaps } from '../../src/inspect/measure.ts';
import { predictText, type TextPredictions } from '../../src/inspect/predictions.ts';
import { memoryStore } from '../../src/io/store.ts';
import { windows } from '../../src/model/batch.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { createBackend, openWorker } from '../../src/platform/node.ts';
import { compare } from '../../src/quantize/compare.ts';
import { compareLayers } from '../../src/quantize/layer-errors.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { lookInside } from '../../src/runs/look.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { trainingBytes } from '../../src/train/memory.ts';
import { recipes } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import type { LibraryWorker } from '../../src/worker/client.ts';
import { functionNames, plainCall } from '../../src/worker/functions.ts';
import type { WorkerModel } from '../../src/worker/options.ts';
import { arraysIn, buffersOf } from '../../src/worker/remote-store.ts';
import { contents } from '../support/store-contract.ts';

const text = 'so it goes and goes, and so on it goes.\n'.repeat(30);
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const config = makeConfig(presets.tiny, 270, { blockSize: 16, nLayer: 2, nEmbd: 32, nHead: 2, dropout: 0.1 });
const ids = tokenizer.encode('and so it goes').slice(0, 8);
const targets = Int32Array.from(ids, (_, i) => ids[(i + 1) % ids.length]);
const batch = windows(data.train, [0, 3, 9], 8);
const head: Edit = { tap: 'blocks.0.attn.heads', units: [1], change: { set: 0 } };
const shift: Edit = { tap: 'blocks.1.mlp.out', change: { add: new Float32Array(32).fill(0.5) } };

async function all<E>(events: AsyncIterable<E>): Promise<E[]> {
  const seen: E[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

for (const name of ['reference', 'wasm'])
  describe(`functions of models in a worker with ${name}`, () => {
    let backend: Backend;
    let worker: LibraryWorker;
    let plain: GPT;
    let model: WorkerModel;
    before(async () => {
      ({ backend } = await createBackend(name, { threads: 1 }));
      worker = await openWorker({ backend: name, threads: 1 });
      plain = new GPT(config, { backend, seed: 7 });
      model = await worker.create(config, tokenizer, { seed: 7 });
    });
    after(() => {
      worker.close();
      backend.dispose();
    });

    test('generates with edits as the library does with their tap', async () => {
      const edits = [head, shift];
      const options = { prompt: ids, maxTokens: 12, seed: 3 };
      const edited = await all(worker.generate(model, { ...options, edits }));
      const tap = steadyEdits(edits, config);
      assert.deepEqual(edited, await all(generate(plain, tokenizer, { ...options, tap })));
      assert.notDeepEqual(edited, await all(worker.generate(model, options)));
      await assert.rejects(
        all(worker.generate(model, { edits: [{ ...head, positions: [2] }] })),
        /^Error: blocks\.0\.attn\.heads: while text is generated an edit holds at every position/,
      );
    });

    test('look inside as the library does', async () => {
      const folder = { model: plain, tokenizer };
      const edits = [head, shift];
      assert.deepEqual(await worker.predictText(model, ids), await predictText(folder, ids));
      assert.deepEqual(
        await worker.predictText(model, ids, { top: 2, edits }),
        await predictText(folder, ids, { top: 2, edits }),
      );
      assert.deepEqual(
        await worker.attentionMaps(model, ids, { edits }),
        await attentionMaps(plain, ids, { edits }),
      );
      const scores = await worker.inductionScores(model, { seed: 3 });
      assert.deepEqual(scores, await inductionScores(plain, { seed: 3 }));
      assert.equal(summarizeHeads(await worker.attentionMaps(model, ids), scores).length, 4);
      assert.deepEqual(
        await worker.logitLens(model, ids, { top: 1 }),
        await logitLens(folder, ids, { top: 1 }),
      );
      assert.deepEqual(await worker.neighbours(model, [260, 5]), await neighbours(folder, [260, 5]));
      assert.deepEqual(await worker.neighbours(model, [260], 2), await neighbours(folder, [260], 2));
      assert.deepEqual(await worker.positionSimilarity(model), await positionSimilarity(plain));
      assert.deepEqual(
        await worker.editEffect(model, ids, edits, { top: 1 }),
        await editEffect(folder, ids, edits, { top: 1 }),
      );
      assert.deepEqual(await worker.ablate(model, ids), await ablate(folder, ids));
      const val = data.val.slice(0, 30);
      assert.deepEqual(await worker.lookInside(model, val, 4), await lookInside(folder, val, 4));
      const taps = ['blocks.*.mlp.act'];
      const captured = await worker.capture(model, ids, { taps, targets });
      assert.deepEqual(captured, await capture(plain, ids, { taps, targets }));
      const patch: Edit = { tap: captured[0].name, change: { patch: captured[0] } };
      assert.deepEqual(
        await worker.predictText(model, targets, { edits: [patch] }),
        await predictText(folder, targets, { edits: [patch] }),
      );
      assert.deepEqual(await worker.measureTaps(model, batch), await measureTaps(plain, batch));
      assert.deepEqual(
        await worker.measureTaps(model, batch, ['embed']),
        await measureTaps(plain, batch, ['embed']),
      );
      const settings = { ...recipes.tiny, batchSize: 4, microBatch: 2 };
      assert.equal(await worker.trainingBytes(config, settings), await trainingBytes(config, settings));
      assert.equal(ids.length, 5); // copied, not handed over
      assert.equal(shift.change && 'add' in shift.change && Object(shift.change.add).length, 32);
    });

    test('evaluate, quantise and compare as the library does, and say how far they are', async () => {
      const seen: unknown[] = [];
      const told: unknown[] = [];
      const onProgress = (...progress: unknown[]): void => void seen.push(progress);
      const onTold = (...progress: unknown[]): void => void told.push(progress);
      assert.deepEqual(
        await worker.evaluate(model, data.val, { maxTokens: 60, onProgress }),
        await evaluate(plain, data.val, { maxTokens: 60, onProgress: onTold }),
      );
      const small = await worker.quantize(model, { exclude: ['head'], onProgress });
      assert.deepEqual([model.quantised, small.quantised], [null, 'INT8']);
      const plainSmall = await quantize(plain, { exclude: ['head'], onProgress: onTold });
      const given = { speedTokens: 0 };
      assert.deepEqual(
        await worker.compare(model, small, data, { ...given, onProgress }),
        await compare(plain, plainSmall, data, { ...given, onProgress: onTold }),
      );
      assert.deepEqual(seen, told);
      assert.ok(seen.length > 8, `${seen.length}`);

      const four = { bits: 4, groupSize: 32, calibration: data.train } as const;
      const smaller = await worker.quantize(model, four);
      assert.equal(smaller.quantised, 'INT4');
      const plainSmaller = await quantize(plain, four);
      const report = await worker.compare(model, smaller, data, { maxTokens: 60, speedTokens: 2 });
      assert.match(report.formats.after, /^INT4 in groups of 32 by gptq/);
      const as = { bits: 4, groupSize: 32 } as const;
      const layers = await worker.compareLayers(model, smaller, data.train, as);
      assert.deepEqual(layers, await compareLayers(plain, plainSmaller, data.train, as));
      assert.deepEqual(Object.keys(layers[0].sqnrDb), ['INT8', 'INT4 rtn', 'INT4 gptq']);
      assert.ok((report.speed?.after ?? 0) > 0);
      assert.deepEqual(
        await worker.predictText(smaller, ids),
        await predictText({ model: plainSmaller, tokenizer }, ids),
      );

      const [here, there] = [memoryStore(), memoryStore()];
      await saveModel(here, { model: plainSmaller, tokenizer });
      await worker.save(there, smaller);
      assert.deepEqual(await contents(there), await contents(here));
      const loaded = await worker.load(there);
      const drawn = await all(worker.generate(smaller, { prompt: 'so ', maxTokens: 9 }));
      assert.deepEqual(await all(worker.generate(loaded, { prompt: 'so ', maxTokens: 9 })), drawn);
      await assert.rejects(worker.quantize(small), /already quantised|INT8/);
      for (const handle of [small, smaller, loaded]) handle.dispose();
      await assert.rejects(worker.compare(model, small, data), /^Error: this model was disposed of/);
      assert.equal((await worker.evaluate(model, data.val, { maxTokens: 9 })).tokens >= 9, true);
      for (const quantised of [plainSmall, plainSmaller]) quantised.dispose();
    });

    test('are aborted with the reason of the signal', async () => {
      const reason = new RangeError('enough');
      const aborted = { signal: AbortSignal.abort(reason) };
      const is = (error: unknown): boolean => error === reason;
      await assert.rejects(worker.evaluate(model, data.val, aborted), is);
      await assert.rejects(worker.quantize(model, aborted), is);
      await assert.rejects(worker.compare(model, model, data, aborted), is);
      const controller = new AbortController();
      const { signal } = controller;
      const onProgress = (): void => controller.abort(reason);
      const long = Int32Array.from({ length: 60_000 }, (_, i) => data.train[i % data.train.length]);
      await assert.rejects(worker.evaluate(model, long, { signal, onProgress }), is);
      assert.ok((await worker.predictText(model, ids)).loss);
    });

    test('are served between two events of a training, and change nothing of it', async () => {
      const few = {
        data,
        steps: 6,
        batchSize: 6,
        microBatch: 2,
        sampleEvery: 0,
        evalEvery: 3,
        probeEvery: 4,
      };
      const told = (events: readonly TrainEvent[]): unknown[] =>
        events.map((event) => ({ ...event, tokensPerSecond: 0, eta: 0, seconds: 0 }));
      const alone = new GPT(config, { backend, seed: 3 });
      const events = await all(train({ ...few, model: alone }));
      const looked = new GPT(config, { backend, seed: 3 });
      const states: TextPredictions[] = [];
      for await (const _ of train({ ...few, model: looked }))
        states.push(await predictText({ model: looked, tokenizer }, ids));

      // In the body of the loop.
      const trained = await worker.create(config, tokenizer, { seed: 3 });
      const seen: TrainEvent[] = [];
      const inside: TextPredictions[] = [];
      for await (const event of worker.train({ ...few, model: trained })) {
        seen.push(event);
        inside.push(await worker.predictText(trained, ids));
        await worker.measureTaps(trained, batch); // frees the gradients
        if (seen.length === 3) (await worker.quantize(trained)).dispose();
      }
      assert.deepEqual(told(seen), told(events));
      assert.deepEqual(inside, states);

      // Outside of it, while steps are made.
      const other = await worker.create(config, tokenizer, { seed: 3 });
      const outside: TextPredictions[] = [];
      let going = true;
      const looking = (async () => {
        while (going) {
          outside.push(await worker.predictText(other, ids));
          await worker.measureTaps(other, batch);
        }
      })();
      const again = await all(worker.train({ ...few, model: other }));
      going = false;
      await looking;
      assert.deepEqual(told(again), told(events));
      assert.ok(outside.length > few.steps, `${outside.length}`);
      const known = new Set(states.map((state) => JSON.stringify(state)));
      for (const state of outside.slice(1)) assert.ok(known.has(JSON.stringify(state)));
      const [one, two, three] = [memoryStore(), memoryStore(), memoryStore()];
      await saveModel(one, { model: alone, tokenizer });
      await worker.save(two, trained);
      await worker.save(three, other);
      assert.deepEqual(await contents(two), await contents(one));
      assert.deepEqual(await contents(three), await contents(one));
    });
  });

describe('a call of a function of models', () => {
  let worker: LibraryWorker;
  let model: WorkerModel;
  before(async () => {
    worker = await openWorker({ backend: 'reference' });
    model = await worker.create(config, tokenizer);
  });
  after(() => worker.close());

  test('is refused in one line before anything is sent, in the words of the library', async () => {
    const refusals: [call: (...args: never[]) => Promise<unknown>, args: unknown[], words: string][] = [
      [worker.predictText, [], 'predictText needs model: a model of this worker'],
      [
        worker.predictText,
        [5, ids],
        'model 5 is not a model of a worker: create, load, loadCheckpoint and quantize make one',
      ],
      [worker.predictText, [model], 'predictText needs ids: token ids'],
      [
        worker.predictText,
        [model, [1, 2]],
        'ids a list of 2 is not an Int32Array: tokenizer.encode makes one',
      ],
      [worker.predictText, [model, ids, 5], '5 is not an object, which the options for predictText are in'],
      [worker.predictText, [model, ids, { top: -1 }], 'top -1 is not a whole number >= 0'],
      [
        worker.predictText,
        [model, ids, { topp: 2 }],
        "unknown option 'topp' for predictText: known are top, edits; did you mean 'top'?",
      ],
      [worker.attentionMaps, [model, ids, { edits: 5 }], 'edits 5 is not a list of edits'],
      [worker.neighbours, [model, ids], 'ids an object is not a list'],
      [worker.neighbours, [model, [1], -2], 'count -2 is not a whole number >= 0'],
      [worker.editEffect, [model, ids], 'editEffect needs edits: changes to make in the pass'],
      [worker.capture, [model, ids], 'capture needs taps: names of the values to copy, as glob patterns'],
      [worker.measureTaps, [model, ids], 'batch an object is not a batch: { ids, targets, B, T }'],
      [worker.measureTaps, [model, { ids, targets: 5 }], 'batch 5 is not an Int32Array'],
      [worker.measureTaps, [model, batch, 'embed'], 'patterns "embed" is not a list'],
      [worker.evaluate, [model, data], 'ids an object is not an Int32Array: tokenizer.encode makes one'],
      [worker.evaluate, [model, ids, { signal: 5 }], 'signal 5 is not an AbortSignal'],
      [worker.quantize, [model, { bits: 5 }], 'bits 5 is not one of 4, 8'],
      [
        worker.quantize,
        [model, { filter: () => true }],
        "unknown option 'filter' for quantize: known are bits, groupSize, method, calibration, activations, exclude, onProgress, signal",
      ],
      [worker.compare, [], 'compare needs before: a model of this worker'],
      [worker.compare, [model], 'compare needs after: a model of this worker'],
      [worker.compare, [model, model], 'compare needs data: a dataset, of which the validation part is read'],
      [worker.compareLayers, [model, model], 'compareLayers needs ids: token ids'],
      [worker.compareLayers, [model, model, ids, { bits: 2 }], 'bits 2 is not one of 4, 8'],
      [worker.trainingBytes, [], 'trainingBytes needs config: every choice that shapes the model'],
      [worker.trainingBytes, [config, 5], 'settings 5 is not an object: makeSettings makes one'],
      [worker.lookInside, [model, ids], 'lookInside needs step: the step at which the model was saved'],
      [worker.compare, [model, model, 5], 'data 5 is not a dataset: dataset() makes one'],
    ];
    for (const [call, args, message] of refusals)
      await assert.rejects(call(...(args as never[])), { name: 'Error', message });
  });

  test('throws what the library throws', async () => {
    await assert.rejects(
      worker.predictText(model, Int32Array.of(9999)),
      /^Error: token 9999 is none of the model's: they are 0 to 269$/,
    );
    await assert.rejects(worker.ablate(model, ids.slice(0, 1)), /^Error: a text of one token has no loss/);
    await assert.rejects(worker.capture(model, ids, { taps: ['blocks.9.out'] }), /^Error: .*blocks\.9\.out/);
    await assert.rejects(worker.quantize(model, { exclude: ['hed'] }), /^Error: exclude 'hed' is none of/);
    const edit = { tap: 'embed', change: { set: () => 1 } } as never;
    await assert.rejects(
      worker.predictText(model, ids, { edits: [edit] }),
      /^Error: predictText takes only data, which can be sent to a worker: /,
    );
  });

  test('knows only models of its own worker, as long as they are not disposed of', async () => {
    const other = await openWorker({ backend: 'reference' });
    const foreign = await other.create(config, tokenizer);
    const FOREIGN = /^Error: this model is not in this worker: use one that this worker created or loaded$/;
    await assert.rejects(worker.predictText(foreign, ids), FOREIGN);
    await assert.rejects(worker.compare(model, foreign, data), FOREIGN);
    other.close();
    for (const name of functionNames)
      await assert.rejects(
        (other[name] as () => Promise<unknown>)(),
        /^Error: this worker was closed: open a new one$/,
      );
    const gone = await worker.create(config, tokenizer);
    const answered = worker.predictText(gone, ids); // asked for before
    gone.dispose();
    assert.ok((await answered).loss);
    await assert.rejects(
      worker.predictText(gone, ids),
      /^Error: this model was disposed of: create or load it again$/,
    );
  });

  test('sends no more of a text than it needs, and hands results over', () => {
    const part = data.train.subarray(4, 12);
    const [sent] = plainCall('predictText', [model, part]).args as Int32Array[];
    assert.deepEqual([sent, sent.buffer.byteLength], [part, 32]);
    const [halves] = plainCall('measureTaps', [model, { ids: part, targets: part, B: 1, T: 8 }]).args;
    assert.deepEqual(halves, { ids: part, targets: part, B: 1, T: 8 });
    const [val] = plainCall('compare', [model, model, data]).args;
    assert.deepEqual(Object.keys(val as object), ['val', 'valBytesPerToken', 'vocabSize']);
    const maps = { layers: 1, probabilities: new Float32Array(9), rows: [{ value: data.val }, null] };
    assert.deepEqual(arraysIn(maps), [maps.probabilities, data.val]);
    assert.deepEqual(buffersOf([maps.probabilities, part]), [maps.probabilities.buffer]);
  });
});
