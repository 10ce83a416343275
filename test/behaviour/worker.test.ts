// The library in a worker does what it does without: the same events, bits and errors.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generate } from '../../src/generate/generate.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { createBackend, openWorker } from '../../src/platform/node.ts';
import { loadCheckpoint } from '../../src/runs/checkpoint.ts';
import { textRecord } from '../../src/runs/data-record.ts';
import { readHistory } from '../../src/runs/open.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { seedSettings } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import type { LibraryWorker } from '../../src/worker/client.ts';
import { receivedError, sentError } from '../../src/worker/errors.ts';
import type { TextProgress } from '../../src/worker/messages.ts';
import { contents } from '../support/store-contract.ts';

const text = 'so it goes and goes, and so on it goes.\n'.repeat(30);
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const config = makeConfig(presets.tiny, 270, { blockSize: 8, nLayer: 2, nEmbd: 16, nHead: 2, dropout: 0.1 });
const settings = {
  ...seedSettings,
  steps: 8,
  batchSize: 4,
  evalEvery: 4,
  sampleEvery: 4,
  sampleTokens: 4,
  checkpointEvery: 2,
  probeEvery: 3,
};
const record = await textRecord(text, { name: 'text.txt' });

const { backend } = await createBackend('reference');
let worker: LibraryWorker;
before(async () => {
  worker = await openWorker({ backend: 'reference' });
});
after(() => worker.close());

async function all<E>(events: AsyncIterable<E>): Promise<E[]> {
  const seen: E[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

/** The events without times. */
function told(events: readonly TrainEvent[]): unknown[] {
  return events.map((event) => ({ ...event, tokensPerSecond: 0, eta: 0, seconds: 0 }));
}

/** The files of a run without times. */
async function weights(store: Store): Promise<Record<string, string>> {
  const { 'training.json': _, ...files } = await contents(store.folder('last'));
  return files;
}

describe('a worker', () => {
  test('says what computes in it, and refuses an engine by name', async () => {
    assert.equal(worker.name, 'reference');
    assert.equal(worker.description, backend.description);
    assert.deepEqual(worker.passedOver, []);
    await assert.rejects(openWorker({ backend: 'gpu' }), /^Error: unknown backend 'gpu': use auto/);
    await assert.rejects(openWorker({ threads: 0 }), /threads 0/);
  });

  test('makes the same tokens of a text, and says how far it is', async () => {
    const shown: TextProgress[] = [];
    const made = await worker.tokenize(text, {
      tokenizer: { vocabSize: 270 },
      onProgress: (progress) => void shown.push(progress),
    });
    assert.deepEqual(made.tokenizer.toJSON(), tokenizer.toJSON());
    assert.deepEqual(made.data, data);
    const inner = { validate: 'inner', trainFraction: 0.8 } as const;
    const again = await worker.tokenize(text, { tokenizer, ...inner });
    assert.equal(again.tokenizer, tokenizer);
    assert.deepEqual(again.data, dataset(text, tokenizer, inner));
    assert.ok(shown.every(({ done, total }) => done <= total));
  });

  test('trains with the same events, and draws the same text', async () => {
    const plain = new GPT(config, { backend, seed: 7 });
    const wanted = await all(train({ ...settings, model: plain, data, tokenizer }));
    const model = await worker.create(config, tokenizer, { seed: 7 });
    assert.deepEqual(model.config, plain.config);
    assert.equal(model.parameterCount, plain.parameterCount);
    assert.deepEqual(told(await all(worker.train({ ...settings, model, data }))), told(wanted));

    const options = { prompt: 'so ', maxTokens: 90, samples: 2, topLogprobs: 2 };
    const drawn = await all(worker.generate(model, options));
    assert.deepEqual(drawn, await all(generate(plain, tokenizer, options)));
    assert.ok(drawn.length > 100);

    const [here, there] = [memoryStore(), memoryStore()];
    await saveModel(here, { model: plain, tokenizer });
    await worker.save(there, model);
    assert.deepEqual(await contents(there), await contents(here));
    const loaded = await worker.load(there);
    assert.deepEqual(await all(worker.generate(loaded, options)), drawn);
    for (const handle of [model, loaded]) handle.dispose();
    await assert.rejects(all(worker.generate(model)), /^Error: this model was disposed of/);
  });

  test('writes a run through the store of its caller, and resumes it bit for bit', async () => {
    const whole = memoryStore('runs/whole');
    const plain = new GPT(config, { backend, seed: 7 });
    const run = { dataset: data, data: record, settings };
    await all(trainInFolder({ store: whole, model: plain, tokenizer, ...run }));

    const store = memoryStore('runs/parts');
    const model = await worker.create(config, tokenizer, { seed: 7 });
    const controller = new AbortController();
    const first = worker.trainInFolder({ store, model, ...run, signal: controller.signal });
    for await (const event of first) if (event.type === 'step' && event.step === 5) controller.abort();
    assert.deepEqual([...((await store.folders?.()) ?? [])], ['best', 'last']);
    await assert.rejects(
      all(worker.trainInFolder({ store, model, from: {} as never, ...run })),
      /another checkpoint/,
    );

    const from = await worker.loadCheckpoint(store.folder('last'));
    assert.equal(from.step, 5);
    assert.deepEqual(from.record.data, record);
    await all(worker.trainInFolder({ store, model: from, from, ...run }));
    const [{ events }, { events: wanted }] = [await readHistory(store), await readHistory(whole)];
    const lasting = (some: TrainEvent[]) =>
      told(some.filter(({ type }) => type !== 'done' && type !== 'checkpoint'));
    assert.deepEqual(lasting(events), lasting(wanted));
    assert.deepEqual(await weights(store), await weights(whole));
    const { resume } = await loadCheckpoint(store.folder('last'), { backend });
    assert.equal(resume.step, 8);
  });

  test('locks the store of its caller while it trains, and no longer', async () => {
    const store = memoryStore('runs/locked');
    const model = await worker.create(config, tokenizer);
    for await (const { type } of worker.trainInFolder({
      store,
      model,
      dataset: data,
      data: record,
      settings,
    })) {
      if (type !== 'step') continue;
      await assert.rejects(async () => store.lock?.('me'), /in use \(a training run\)/);
      break;
    }
    (await store.lock?.('me'))?.release();

    const doomed = await openWorker({ backend: 'reference' });
    const lost = await doomed.create(config, tokenizer);
    const events = doomed.trainInFolder({ store, model: lost, dataset: data, data: record, settings });
    await events.next();
    doomed.close();
    await assert.rejects(all(events), /^Error: this worker was closed: open a new one/);
    (await store.lock?.('me'))?.release();
  });

  test('waits for the body of the loop while it trains, and ends when that is left', async () => {
    const model = await worker.create(config, tokenizer, { seed: 7 });
    const plain = new GPT(config, { backend, seed: 7 });
    const few = { data, steps: 8, batchSize: 4, sampleEvery: 0 };
    for await (const { step } of worker.train({ ...few, model })) if (step === 3) break;
    for await (const { step } of train({ ...few, model: plain })) if (step === 3) break;
    const [here, there] = [memoryStore(), memoryStore()];
    await saveModel(here, { model: plain, tokenizer });
    await worker.save(there, model);
    assert.deepEqual(await contents(there), await contents(here));
    for await (const _ of worker.train({ ...few, model })) break; // the model is free again
  });

  test('is aborted with the reason of the signal', async () => {
    const reason = new RangeError('enough');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(
      worker.tokenize(text, { tokenizer: { vocabSize: 270 }, signal }),
      (error) => error === reason,
    );
    const model = await worker.create(config, tokenizer);
    const controller = new AbortController();
    const drawn = worker.generate(model, { maxTokens: 5000, signal: controller.signal });
    let last = '';
    for await (const event of drawn) {
      controller.abort();
      if (event.type === 'finish') last = event.reason;
    }
    assert.equal(last, 'aborted');
  });

  test('throws what is thrown in it', async () => {
    const model = await worker.create(config, tokenizer);
    const bad = { ...settings, model, data, steps: -1 };
    await assert.rejects(all(worker.train(bad)), /^Error: .*steps -1/);
    await assert.rejects(worker.create({ ...config, nLayer: 0 }, tokenizer), /nLayer 0/);
    const cause = Object.assign(new TypeError('the disk is gone'), { code: 'EIO' });
    const broken: Store = {
      ...memoryStore('broken'),
      read: () => Promise.reject(new RangeError('cannot read', { cause })),
    };
    await assert.rejects(worker.load(broken), (error: Error) => {
      assert.ok(error instanceof RangeError && error.cause instanceof TypeError);
      assert.equal(error.message, 'cannot read');
      assert.equal((error.cause as Error & { code: string }).code, 'EIO');
      return true;
    });
    const other = await openWorker({ backend: 'reference' });
    await assert.rejects(other.save(memoryStore(), model), /this model is not in this worker/);
    other.close();
    await assert.rejects(other.load(memoryStore()), /this worker was closed/);
    // Functions cannot be sent, and nothing is left waiting.
    await assert.rejects(all(worker.generate(model, { tap: () => 1 } as never)), /could not be cloned/);
  });

  test('gives what it needs of a store that cannot do everything', async () => {
    const { folders: _, lock: __, ...plain } = memoryStore('plain');
    const model = await worker.create(config, tokenizer);
    await worker.save(plain, model);
    assert.deepEqual(await plain.list(), ['config.json', 'model.safetensors', 'tokenizer.json']);
    const { model: loaded } = await loadModel(plain, { backend });
    assert.equal(loaded.parameterCount, model.parameterCount);
  });
});

describe('an error that is sent', () => {
  const sent = (error: unknown): unknown => receivedError(structuredClone(sentError(error)));

  test('keeps its class, message, stack, cause, parts and fields', () => {
    const cause = Object.assign(new SyntaxError('inner'), { code: 'E1', lines: 3, work: () => {} });
    const outer = new AggregateError([new TypeError('one'), 'two'], 'both', { cause });
    const back = sent(outer) as AggregateError;
    assert.ok(back instanceof AggregateError && back.cause instanceof SyntaxError);
    assert.ok(back.errors[0] instanceof TypeError);
    assert.equal(back.errors[1], 'two');
    assert.equal(back.stack, outer.stack);
    const { code, lines } = back.cause as SyntaxError & { code: string; lines: number };
    assert.deepEqual([code, lines], ['E1', 3]);
    class Own extends Error {
      override name = 'Own';
    }
    assert.equal(String(sent(new Own('mine'))), 'Own: mine');
  });

  test('may be any value', () => {
    assert.deepEqual(sent({ a: [1] }), { a: [1] });
    assert.equal(sent(undefined), undefined);
    assert.match(String(sent(() => 1)), /=> 1/);
  });
});
