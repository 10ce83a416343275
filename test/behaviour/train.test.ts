// Training learns, repeats bit for bit, resumes bit for bit, does not leak, and is not changed by probes. On
// every engine of this machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { type Dataset, dataset } from '../../src/train/data.ts';
import type { EvalEvent, StepEvent, TrainEvent } from '../../src/train/events.ts';
import type { MilestoneProgress, Resume, TrainOptions } from '../../src/train/run.ts';
import { accumulateGradients } from '../../src/train/step.ts';
import { train } from '../../src/train/train.ts';
import { engines, onEveryEngine } from '../support/engines.ts';

const V = 48;
const config: GPTConfig = makeConfig(presets.tiny, V, {
  blockSize: 16,
  nLayer: 2,
  nEmbd: 24,
  nHead: 2,
  dropout: 0.1,
});
const data = pattern(2000);
const settings = {
  steps: 12,
  batchSize: 6,
  microBatch: 4,
  lr: 3e-3,
  evalEvery: 5,
  probeEvery: 0,
  sampleEvery: 0,
};

/** The state that must continue after an interruption as if there had been none. */
const recipes: Record<string, Partial<TrainOptions>> = {
  adamw: { optimizer: 'adamw', clip: 0.5 },
  averaged: { emaDecay: 0.9 },
  'wsd, smoothed labels, rising dropout': {
    schedule: 'wsd',
    warmup: 2,
    decayFraction: 0.5,
    labelSmoothing: 0.1,
    dropoutRise: 0.3,
  },
  muon: { optimizer: 'muon', clip: 0.5, schedule: 'cosine', warmup: 3, layerDecay: 0.8, embedRate: 2 },
};

await onEveryEngine('training', (backend, { create }) => {
  const run = (options: Watched): Promise<TrainEvent[]> => runAll(backend, options);

  for (const optimizer of ['adamw', 'muon'] as const) {
    test(`learns one batch by heart with ${optimizer}`, async () => {
      const one = { ...data, train: data.train.subarray(0, 17), val: data.train.subarray(0, 17) };
      const long = { ...settings, data: one, steps: 150, batchSize: 2, evalEvery: 150 };
      const [first, last] = evals(await run({ ...long, optimizer }));
      assert.ok(first.valLoss > 3, `starts near ln ${V}: ${first.valLoss}`);
      assert.ok(last.valLoss < 0.2, `knows it: ${last.valLoss}`);
    });
  }

  test('200 steps: the pool stops growing, and bf16 learns as float32 does', async () => {
    const inBf16 = await create({ precision: 'bf16' });
    const long = { ...settings, batchSize: 2, steps: 200, evalEvery: 200, probeEvery: 10 };
    const bytes: number[] = [];
    const onEvent = (e: TrainEvent): void => {
      if (e.type === 'step') bytes.push(held(backend));
    };
    const events = await run({ ...long, onEvent });
    assert.equal(steps(events).length, 200);
    assert.equal(bytes[199], bytes[20], `${bytes[20]} bytes after 20 steps, ${bytes[199]} after 200`);
    const [f32, bf16] = [evals(events), evals(await runAll(inBf16, long))];
    assert.notEqual(bf16[0].valLoss, f32[0].valLoss);
    for (const [i, { valLoss }] of f32.entries()) {
      assert.ok(Math.abs(bf16[i].valLoss - valLoss) < 0.02, `${bf16[i].valLoss}, float32 ${valLoss}`);
    }
    inBf16.dispose();
  });

  test('repeats itself bit for bit, whatever is watched', async () => {
    const plain = await run({ ...settings });
    const watched = await run({ ...settings, probeEvery: 3 });
    assert.deepEqual(losses(watched), losses(plain));
    assert.equal(watched.filter((e) => e.type === 'probe').length, 4);
    assert.notDeepEqual(losses(await run({ ...settings, seed: 2 })), losses(plain));
  });

  for (const [what, changes] of Object.entries(recipes)) {
    test(`${what}: stopped and resumed is the same as never stopped, bit for bit`, async () => {
      const options = { ...settings, ...changes };
      const whole = await run(options);
      const { events, resume, weights } = await interrupted(backend, options, 7);
      assert.equal(steps(events).at(-1)?.step, 7);
      const model = new GPT(config, { backend, seed: 99 });
      for (const [key, tensor] of namedParameters(model)) tensor.write(weights.get(key) as Float32Array);
      const rest = await run({ ...options, model, resume });
      assert.deepEqual([...losses(events), ...losses(rest)], losses(whole));
      assert.deepEqual(
        evals([...events, ...rest]).map((e) => e.valLoss),
        evals(whole).map((e) => e.valLoss),
      );
    });
  }

  test('resumes bit for bit between encodings with BPE dropout', async () => {
    const text = Array.from({ length: 60 }, (_, i) => `the ${i} things that men think\n`).join('');
    const tokenizer = Tokenizer.train(text, { vocabSize: 280 });
    const options = { ...settings, tokenizer, data: dataset(text, tokenizer), bpeDropout: 0.2 };
    const fresh = (seed: number): GPT => new GPT({ ...config, vocabSize: 280 }, { backend, seed });
    const whole = await run({ ...options, model: fresh(1) });
    const { events, resume, weights } = await interrupted(backend, { ...options, model: fresh(1) }, 7);
    const model = fresh(99);
    for (const [key, tensor] of namedParameters(model)) tensor.write(weights.get(key) as Float32Array);
    const rest = await run({ ...options, model, resume });
    assert.deepEqual([...losses(events), ...losses(rest)], losses(whole));
    assert.notDeepEqual(losses(await run({ ...options, model: fresh(1), bpeDropout: 0 })), losses(whole));
  });

  test('Muon with averaged weights: the same bits on one thread and on three', async () => {
    const options: Partial<TrainOptions> = { ...settings, optimizer: 'muon', emaDecay: 0.9 };
    const told = async (threads: number): Promise<number[]> => {
      const own = await create({ threads });
      const events = await runAll(own, options);
      own.dispose();
      return [...losses(events), ...evals(events).map((e) => e.valLoss)];
    };
    assert.deepEqual(await told(3), await told(1));
  });

  test('the gradient does not depend on the size of the micro-batches', async () => {
    const batch = { ids: data.train.slice(0, 96), targets: data.train.slice(1, 97), B: 6, T: 16 };
    const grads: Float32Array[] = [];
    for (const microBatch of [6, 4, 1]) {
      const model = new GPT(config, { backend, seed: 3 });
      await accumulateGradients(model, batch, { microBatch, seed: 5, step: 1 });
      grads.push(
        (await namedParameters(model).get('blocks.0.attn.qkv.weight')?.grad?.data()) as Float32Array,
      );
      model.dispose();
    }
    for (const grad of grads.slice(1))
      assert.ok(distance(grad, grads[0]) < 1e-5, `${distance(grad, grads[0])}`);
  });

  test('evalEvery 0: trains the same without evaluations, with finite times left, and saves the last model', async () => {
    const plain = await run(settings);
    const saved: string[] = [];
    const save = async (kind: 'best' | 'last'): Promise<string> => `${saved.push(kind)}`;
    const events = await run({ ...settings, evalEvery: 0, save });
    assert.deepEqual(losses(events), losses(plain));
    assert.deepEqual(evals(events), []);
    assert.ok(steps(events).every(({ eta }) => Number.isFinite(eta)));
    assert.deepEqual(saved, ['last']);
  });

  test('evaluations and samples tell how far they are, and change nothing', async () => {
    const told: MilestoneProgress[] = [];
    const onProgress = (progress: MilestoneProgress): number => told.push(progress);
    const text = Array.from({ length: 60 }, (_, i) => `the ${i} things that men think\n`).join('');
    const tokenizer = new Tokenizer({ merges: [] });
    const watched = { ...settings, tokenizer, data: dataset(text, tokenizer) };
    const fresh = (): GPT => new GPT({ ...config, vocabSize: 256 }, { backend, seed: 1 });
    for (const method of [{ evalMethod: 'whole' }, { evalMethod: 'sampled', evalBatches: 2 }] as const) {
      told.length = 0;
      const options = { ...watched, ...method, sampleEvery: 10, sampleTokens: 7 };
      const events = await run({ ...options, onProgress, model: fresh() });
      assert.deepEqual(losses(events), losses(await run({ ...options, model: fresh() })));
      const milestones = new Map<string, number>();
      for (const { what, step, done, total } of told) {
        const key = `${what} ${step}`;
        assert.ok(done <= total && done >= (milestones.get(key) ?? 0), `${key}: ${done} of ${total}`);
        milestones.set(key, done);
      }
      const made = events.flatMap(({ type, step }) =>
        type === 'eval' ? [`evaluation ${step}`] : type === 'sample' ? [`sample ${step}`] : [],
      );
      assert.deepEqual([...milestones.keys()], made);
      for (const [key, done] of milestones) assert.ok(done > 0, key);
    }
  });

  test('everything is given back at the end', async () => {
    const before = backend.memory().live;
    await run({ ...settings, probeEvery: 4 });
    assert.equal(backend.memory().live, before);
  });

  test('the event loop turns while it trains', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await run({ ...settings, steps: 40, evalEvery: 100 });
    clearInterval(timer);
    assert.ok(ticks > 10, `${ticks} ticks`);
  });
});

test('settings, data and model that do not fit together are refused before the first step', async () => {
  const [{ create }] = (await engines()).filter((e) => e.name === 'reference');
  const backend = await create();
  const refuse = (options: Partial<TrainOptions>, message: RegExp): Promise<void> =>
    assert.rejects(runAll(backend, { ...settings, ...options }), message);
  await refuse({ steps: 0 }, /steps 0 is not a whole number >= 1/);
  await refuse({ lr: Number.NaN }, /lr NaN is not a number >= 0/);
  await refuse({ warmup: 50 }, /warmup 50 is longer than the run: steps is 12/);
  await refuse({ data: pattern(10) }, /the training part has 9 tokens, a window needs 17/);
  await refuse({ data: { ...data, vocabSize: 50 } }, /the tokenizer has 50 tokens, the model 48/);
  await refuse({ sampleEvery: 5 }, /sampleEvery 5 needs a tokenizer/);
  await refuse({ bpeDropout: 0.1 }, /bpeDropout 0.1 needs a tokenizer/);
  await refuse({ bpeDropout: 2 }, /bpeDropout 2 is not a number from 0 to 1/);
  await refuse({ evalEvery: -1 }, /evalEvery -1 is not a whole number >= 0/);
  await refuse({ evalBatches: 50 }, /evalBatches 50 has no effect without evalMethod sampled/);
  await refuse({ probeTaps: ['logits'] }, /probeTaps has no effect without probeEvery above 0/);
  await refuse({ stpes: 5 } as Partial<TrainOptions>, /unknown setting 'stpes': did you mean 'steps'\?$/);
});

/** Tokens with a structure that a small model can find. */
function pattern(length: number): Dataset {
  const ids = Int32Array.from({ length }, (_, i) => (i * 7 + (i % 5) * 3) % V);
  const cut = Math.floor(0.9 * length);
  return { train: ids.subarray(0, cut), val: ids.subarray(cut), valBytesPerToken: 2, vocabSize: V };
}

type Watched = Partial<TrainOptions> & { onEvent?: (event: TrainEvent) => void };

async function runAll(backend: Backend, { onEvent, ...options }: Watched): Promise<TrainEvent[]> {
  const model = options.model ?? new GPT(config, { backend, seed: 1 });
  const events: TrainEvent[] = [];
  try {
    for await (const event of train({ data, ...options, model })) {
      events.push(event);
      onEvent?.(event);
    }
  } finally {
    model.dispose();
  }
  return events;
}

/** Trains until `stop`, aborts, and returns what a checkpoint would contain. */
async function interrupted(
  backend: Backend,
  options: Partial<TrainOptions>,
  stop: number,
): Promise<{ events: TrainEvent[]; resume: Resume; weights: Map<string, Float32Array> }> {
  const controller = new AbortController();
  const model = options.model ?? new GPT(config, { backend, seed: 1 });
  const copy = async (
    tensors: ReadonlyMap<string, { data(): Promise<Float32Array> }>,
  ): Promise<Map<string, Float32Array>> =>
    new Map(await Promise.all([...tensors].map(async ([key, t]) => [key, await t.data()] as const)));
  let resume: Resume | undefined;
  let weights = new Map<string, Float32Array>();
  const events = await runAll(backend, {
    ...options,
    model,
    signal: controller.signal,
    async save(kind, progress) {
      if (kind === 'last') {
        const { optimizer, average } = progress;
        resume = {
          ...progress,
          optimizer: await copy(optimizer),
          average: average && (await copy(namedParameters(average))),
        };
        weights = await copy(namedParameters(model));
      }
      return 'memory';
    },
    onEvent(event) {
      if (event.type === 'step' && event.step === stop) controller.abort();
    },
  });
  return { events, resume: resume as Resume, weights };
}

const steps = (events: readonly TrainEvent[]): StepEvent[] => events.filter((e) => e.type === 'step');
const evals = (events: readonly TrainEvent[]): EvalEvent[] => events.filter((e) => e.type === 'eval');
const losses = (events: readonly TrainEvent[]): number[] => steps(events).map((e) => e.loss);

function held(backend: Backend): number {
  const { liveBytes, pooledBytes } = backend.memory();
  return liveBytes + pooledBytes;
}

/** Largest difference relative to the largest element. */
function distance(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return a.reduce((m, x, i) => Math.max(m, Math.abs(x - b[i])), 0) / largest;
}
