// The library in a worker does what it does without: the same events, bits and errors.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
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
import { createRandom } from '../../src/tensor/random.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { seedSettings } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { connect, type LibraryWorker } from '../../src/worker/client.ts';
import { receivedError, sentError } from '../../src/worker/errors.ts';
import type { Channel, FromWorker, ToWorker } from '../../src/worker/messages.ts';
import type { TextProgress } from '../../src/worker/options.ts';
import { serve } from '../../src/worker/serve.ts';
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

/** Two ends of a connection in one thread, and what the worker's end has sent. */
function joined(): {
  page: Channel<ToWorker, FromWorker>;
  inWorker: Channel<FromWorker, ToWorker>;
  sent: FromWorker[];
} {
  const { port1, port2 } = new MessageChannel();
  const sent: FromWorker[] = [];
  const end = (): void => port1.close();
  return {
    sent,
    page: {
      send: (message, transfer = []) => port1.postMessage(message, [...transfer]),
      listen: (receive) => void port1.on('message', receive),
      end,
    },
    inWorker: {
      send(message, transfer = []) {
        sent.push(message);
        port2.postMessage(message, [...transfer]);
      },
      listen: (receive) => void port2.on('message', receive),
      end,
    },
  };
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

  test('trains a tokenizer as a stream of merges', async () => {
    const shown: unknown[] = [];
    const options = { vocabSize: 270, onProgress: (...progress: unknown[]) => void shown.push(progress) };
    const [events, wanted] = await Promise.all([
      all(worker.trainTokenizer(text, options)),
      all(Tokenizer.trainEvents(text, { vocabSize: 270 })),
    ]);
    assert.deepEqual(events.slice(0, -1), wanted.slice(0, -1));
    assert.equal(events.length, 15);
    const last = events[14];
    assert.ok(last.type === 'done' && last.tokenizer instanceof Tokenizer);
    assert.deepEqual(last.tokenizer.toJSON(), tokenizer.toJSON());
    const { data: encoded } = await worker.tokenize(text, { tokenizer: last.tokenizer });
    assert.deepEqual(encoded, data);

    for await (const _ of worker.trainTokenizer(text, { vocabSize: 270 })) break;
    let merges = 0; // those that the text gives come before the error
    await assert.rejects(
      async () => {
        for await (const _ of worker.trainTokenizer(text, { vocabSize: 400 })) merges++;
      },
      {
        name: 'RangeError',
        message: /^vocabSize 400 is more than 1,200 bytes of text give: use 287 or less/,
      },
    );
    assert.equal(merges, 287 - 256);
    const reason = new RangeError('enough');
    const aborted = { vocabSize: 400, signal: AbortSignal.abort(reason) };
    await assert.rejects(all(worker.trainTokenizer(text, aborted)), (error) => error === reason);
    await assert.rejects(
      all(worker.trainTokenizer('', options)),
      /^RangeError: the text to train on is empty/,
    );
  });

  test('makes merges in groups, at most two ahead of a loop that waits', async () => {
    const { page, inWorker, sent } = joined();
    serve(inWorker, createBackend);
    const here = await connect(() => page, { backend: 'reference' });
    const random = createRandom({ seed: 1 });
    const letters = Array.from({ length: 200_000 }, () => 'abcdefghij'[random.int(10)]).join('');
    const groups = (): number => sent.filter(({ type }) => type === 'events').length;
    let merges = 0;
    for await (const event of here.trainTokenizer(letters, { vocabSize: 700 })) {
      if (event.type === 'merge' && ++merges === 1) {
        await new Promise((done) => setTimeout(done, 300));
        assert.ok(groups() <= 2, `${groups()} groups`);
      }
    }
    assert.equal(merges, 444);
    assert.ok(groups() < 200, `${groups()} groups`);
    here.close();
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

  test('saves a run where the body of the loop asks for it, and goes on', async () => {
    const store = memoryStore('runs/saved');
    const model = await worker.create(config, tokenizer, { seed: 7 });
    let asked = false;
    const run = {
      store,
      model,
      dataset: data,
      data: record,
      settings: { ...settings, evalEvery: 0, checkpointEvery: 0 },
    };
    const saved: number[] = [];
    for await (const event of worker.trainInFolder({ ...run, saveNow: () => asked })) {
      asked = event.type === 'step' && event.step === 3;
      if (event.type === 'checkpoint') saved.push(event.step);
      if (event.type === 'checkpoint' && event.step === 3) {
        const { step, dispose } = await worker.loadCheckpoint(store.folder('last'));
        assert.equal(step, 3);
        dispose();
      }
    }
    assert.deepEqual(saved, [3, settings.steps]);
    const { events } = await readHistory(store);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'checkpoint' ? [event.step] : [])),
      [settings.steps],
    );
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
    const prompt = [() => 1] as never;
    await assert.rejects(
      all(worker.generate(model, { prompt })),
      /^Error: generate takes only data, which can be sent to a worker: .* could not be cloned$/,
    );
  });

  test('refuses wrong arguments in one line, in the words of the library', async () => {
    const model = await worker.create(config, tokenizer);
    const store = memoryStore();
    const refusals: [call: (...args: never[]) => unknown, args: unknown[], words: string][] = [
      [openWorker, [null], 'null is not an object, which the options for a worker are in'],
      [openWorker, [5], '5 is not an object, which the options for a worker are in'],
      [openWorker, ['wasm'], '"wasm" is not an object, which the options for a worker are in'],
      [
        openWorker,
        [{ bakend: 'wasm' }],
        "unknown option 'bakend' for a worker: known are backend, threads, precision; did you mean 'backend'?",
      ],
      [
        openWorker,
        [{ backend: ['wasm'] }],
        'backend a list of 1 is not a text: openWorker() takes the best one',
      ],
      [
        openWorker,
        [{ backend: 'gpu' }],
        "unknown backend 'gpu': use auto, native, webgpu, wasm or reference",
      ],

      [worker.tokenize, [], 'tokenize needs text: the text, or its bytes'],
      [
        worker.tokenize,
        ['...'],
        'tokenize needs tokenizer: the tokenizer to use, or how to train one, such as { vocabSize: 500 }',
      ],
      [worker.tokenize, [5, { tokenizer }], 'text 5 is not a text or its bytes'],
      [worker.tokenize, [text, null], 'null is not an object, which the options for tokenize are in'],
      [
        worker.tokenize,
        [text, { tokeniser: { vocabSize: 270 } }],
        "unknown option 'tokeniser' for tokenize: known are tokenizer, trainFraction, validate, onProgress, signal; did you mean 'tokenizer'?",
      ],
      [
        worker.tokenize,
        [text, { tokenizer: {} }],
        'training a tokenizer in a worker needs vocabSize: tokens in all',
      ],
      [
        worker.tokenize,
        [text, { tokenizer: { vocabSize: 270, onMerge() {} } }],
        "unknown option 'onMerge' for training a tokenizer in a worker: known are vocabSize, pattern, specialTokens, atMost",
      ],
      [
        worker.tokenize,
        [text, { tokenizer, trainFraction: 0 }],
        'trainFraction 0 is not a number > 0 and < 1: 0.9 trains on the first 90 % of the tokens',
      ],
      [worker.tokenize, [text, { tokenizer, onProgress: 5 }], 'onProgress 5 is not a function'],

      [worker.trainTokenizer, [], 'trainTokenizer needs text: the text, or its bytes'],
      [worker.trainTokenizer, [text], 'trainTokenizer needs vocabSize: tokens in all'],
      [
        worker.trainTokenizer,
        [text, { vocabSize: 300, onMerge() {} }],
        "unknown option 'onMerge' for trainTokenizer: known are vocabSize, pattern, specialTokens, atMost, onProgress, signal",
      ],

      [worker.create, [], 'create needs config: every choice that shapes the model'],
      [worker.create, [config], 'create needs tokenizer: the tokenizer of the model'],
      [worker.create, [config, 5], 'tokenizer 5 is not a Tokenizer'],
      [
        worker.create,
        [config, tokenizer, { sed: 1 }],
        "unknown option 'sed' for create: known are seed; did you mean 'seed'?",
      ],
      [worker.load, [], 'load needs store: the place of the files'],
      [worker.load, [5], 'store 5 is not a store'],
      [worker.load, [store, null], 'null is not an object, which the options for load are in'],
      [worker.loadCheckpoint, [store, { onNote: 5 }], 'onNote 5 is not a function'],
      [worker.save, [store], 'save needs model: a model of this worker'],
      [
        worker.save,
        [store, model, { matrice: 'f32' }],
        "unknown option 'matrice' for save: known are matrices; did you mean 'matrices'?",
      ],

      [worker.train, [], 'train needs model: a model of this worker'],
      [worker.train, [null], 'null is not an object, which the options for train are in'],
      [worker.train, [{ model }], 'train needs data: tokens for training and validation'],
      [
        worker.train,
        [{ model: 5, data }],
        'model 5 is not a model of a worker: create, load, loadCheckpoint and quantize make one',
      ],
      [worker.train, [{ model, data, stps: 5 }], "unknown setting 'stps': did you mean 'steps'?"],
      [worker.train, [{ model, data, steps() {} }], 'steps steps() { } is not a whole number >= 1'],
      [worker.train, [{ model, data, signal: 5 }], 'signal 5 is not an AbortSignal'],
      [worker.trainInFolder, [], 'trainInFolder needs model: a model of this worker'],
      [worker.trainInFolder, [{ model, store: 5 }], 'store 5 is not a store'],
      [
        worker.trainInFolder,
        [{ store, model, dataset: data, data: record, settings: { ...settings, stps() {} } }],
        "unknown setting 'stps': did you mean 'steps'?",
      ],
      [worker.generate, [], 'generate needs model: a model of this worker'],
      [worker.generate, [model, 5], '5 is not an object, which the options for generate are in'],
      [worker.generate, [model, { prompt: 'a', signal: 5 }], 'signal 5 is not an AbortSignal'],
    ];
    const done = async (call: (...args: never[]) => unknown, args: unknown[]): Promise<void> => {
      const result = call(...(args as never[]));
      if (result instanceof Promise) await result;
      else await all(result as AsyncIterable<unknown>);
    };
    for (const [call, args, message] of refusals)
      await assert.rejects(done(call, args), { name: 'Error', message });
    await assert.rejects(
      done(worker.train, [{ model, data, onStep() {} }]),
      /^Error: unknown setting 'onStep': known are model, data, /,
    );

    const closed = await openWorker({ backend: 'reference' });
    closed.close();
    for (const call of [
      closed.tokenize,
      closed.create,
      closed.load,
      closed.save,
      closed.train,
      closed.generate,
    ])
      await assert.rejects(done(call, []), /^Error: this worker was closed: open a new one$/);
  });

  test('gives what it needs of a store that cannot do everything', async () => {
    const { folders: _, lock: __, ...plain } = memoryStore('plain');
    const model = await worker.create(config, tokenizer);
    await worker.save(plain, model);
    assert.deepEqual(await plain.list(), [
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
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
