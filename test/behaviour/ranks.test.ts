// Several ranks train as one process does: every loss, probe, evaluation and warning to the bit, also through
// a kill and with another number of ranks afterwards.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { trainingMemory } from '../../src/train/memory.ts';
import type { Progress, Resume, TrainOptions } from '../../src/train/run.ts';
import { seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { engines } from '../support/engines.ts';
import { fakeRanks } from '../support/ranks.ts';

const text = 'so it goes and goes, and so on it goes.\n'.repeat(40);
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const config = makeConfig(presets.tiny, 270, { blockSize: 8, nLayer: 2, nEmbd: 16, nHead: 2, dropout: 0.1 });
const settings: TrainSettings = {
  ...seedSettings,
  summation: 'pairwise',
  steps: 50,
  batchSize: 11,
  microBatch: 2,
  lr: 0.01,
  evalEvery: 20,
  probeEvery: 10,
  sampleEvery: 50,
  sampleTokens: 4,
};

/** A checkpoint, with the weights. */
interface Saved {
  resume: Resume;
  weights: Map<string, Float32Array>;
}

interface Part {
  /** Number of processes. */
  size: number;
  changes?: Partial<TrainSettings>;
  from?: Saved;
  /** All processes are killed after this step. */
  until?: number;
}

/** One job. Resolves to the events of rank 0, the last checkpoint, and the weights of every rank. */
async function job(backend: Backend, { size, changes, from, until = 1e9 }: Part) {
  let last: Saved | undefined;
  const ends = await Promise.all(
    fakeRanks(size).map(async (ranks) => {
      const model = new GPT(config, { backend, seed: 1 });
      if (from)
        for (const [name, weight] of namedParameters(model))
          weight.write(from.weights.get(name) as Float32Array);
      const save = async (kind: string, progress: Progress): Promise<string> => {
        if (kind === 'last')
          last = { resume: await stored(progress), weights: await values(namedParameters(model)) };
        return kind;
      };
      const options: TrainOptions = {
        ...{ model, data, tokenizer, ...settings, checkpointEvery: 5, ...changes },
        resume: from?.resume,
        ...(size > 1 && { ranks }),
        ...(ranks.rank === 0 && { save }),
      };
      const events: TrainEvent[] = [];
      for await (const event of train(options)) {
        events.push(untimed(event));
        if (event.type === 'step' && event.step === until) break;
      }
      const weights = await values(namedParameters(model));
      model.dispose();
      return { events, weights };
    }),
  );
  return { events: ends[0].events, last, ends };
}

async function stored({ average: _, adapter: __, optimizer, ...rest }: Progress): Promise<Resume> {
  return structuredClone({ ...rest, average: null, optimizer: await values(optimizer) });
}

async function values(tensors: ReadonlyMap<string, { data(): Promise<Float32Array> }>) {
  return new Map(
    await Promise.all([...tensors].map(async ([name, t]) => [name, (await t.data()).slice()] as const)),
  );
}

/** An event without what depends on the clock. */
function untimed(event: TrainEvent): TrainEvent {
  const { seconds: _, tokensPerSecond: __, eta: ___, ...rest } = event as unknown as Record<string, unknown>;
  return rest as unknown as TrainEvent;
}

for (const { name, create, skip } of await engines()) {
  describe(`ranks on ${name}`, { skip }, () => {
    let backend: Backend;
    before(async () => {
      if (skip) return;
      backend = await create();
    });
    after(() => backend?.dispose());

    // The definition takes long: it makes fewer steps.
    const steps = name === 'reference' ? 12 : 50;
    const changes = { steps, evalEvery: steps - 2 };

    test('make the run of one process, and end with the same weights', async () => {
      const one = await job(backend, { size: 1, changes });
      assert.ok(one.events.some(({ type }) => type === 'probe'));
      for (const size of [2, 4]) {
        const many = await job(backend, { size, changes });
        assert.deepEqual(many.events, one.events);
        for (const { weights } of many.ends) assert.deepEqual(weights, one.ends[0].weights);
        assert.deepEqual(many.last, one.last);
      }
    });

    test('go on after a kill, in any number', async () => {
      const whole = await job(backend, { size: 1, changes });
      const killed = await job(backend, { size: 4, changes, until: 8 });
      assert.equal(killed.last?.resume.step, 5);
      for (const size of [1, 2]) {
        const resumed = await job(backend, { size, changes, from: killed.last });
        assert.deepEqual(resumed.last, whole.last, `${size} ranks`);
        const past = whole.events.findIndex(({ type, step }) => type === 'step' && step === 6);
        assert.deepEqual(resumed.events, whole.events.slice(past));
      }
    });
  });
}

describe('ranks share runs of every kind', () => {
  const kinds: Partial<TrainSettings>[] = [
    { optimizer: 'muon', evalMethod: 'sampled', evalBatches: 3, labelSmoothing: 0.1 },
    { lora: 2, keepAdapter: true },
    { freeze: 'embeddings', emaDecay: 0.9, checkpointActivations: true },
    { accumulate: 3, batchSize: 3, microBatch: 1, clip: 0.1, sampling: 'epochs' },
  ];
  for (const kind of kinds) {
    test(JSON.stringify(kind), async () => {
      const backend = createReference();
      const changes = { steps: 3, evalEvery: 2, probeEvery: 2, sampleTokens: 100, sampleEvery: 0, ...kind };
      const [one, two] = [await job(backend, { size: 1, changes }), await job(backend, { size: 2, changes })];
      assert.deepEqual(two.events, one.events);
      assert.deepEqual(two.ends[1].weights, one.ends[0].weights);
      backend.dispose();
    });
  }
});

describe('ranks that train apart', () => {
  const apart: Partial<TrainSettings> = {
    ...{ localSteps: 4, workers: 2, steps: 16, evalEvery: 8, checkpointEvery: 8, probeEvery: 5 },
    ...{ sampleTokens: 100, sampleEvery: 0 },
  };

  test('have the same weights in the end, and learn', async () => {
    const backend = createReference();
    const { ends, events } = await job(backend, { size: 2, changes: apart });
    assert.deepEqual(ends[1].weights, ends[0].weights);
    const losses = events.flatMap((event) => (event.type === 'eval' ? event.valLoss : []));
    assert.equal(losses.length, 3);
    assert.ok(losses[2] < losses[0] - 0.5, String(losses));
    backend.dispose();
  });

  test('go on after a kill as if there had been none', async () => {
    const backend = createReference();
    for (const kind of [{}, { lora: 2 }, { optimizer: 'muon' as const }]) {
      const changes = { ...apart, ...kind };
      const whole = await job(backend, { size: 2, changes });
      const killed = await job(backend, { size: 2, changes, until: 11 });
      assert.equal(killed.last?.resume.step, 8);
      const resumed = await job(backend, { size: 2, changes, from: killed.last });
      assert.deepEqual(resumed.last, whole.last, JSON.stringify(kind));
    }
    backend.dispose();
  });

  test('are refused in another number, and where milestones would find them apart', async () => {
    const backend = createReference();
    const refused = (size: number, changes: Partial<TrainSettings>): Promise<string> =>
      job(backend, { size, changes: { ...apart, ...changes } }).then(
        () => 'not refused',
        ({ message }: Error) => message,
      );
    assert.match(
      await refused(4, {}),
      /^localSteps 4 with workers 2 needs as many ranks, not 4: mpirun -n 2/,
    );
    assert.match(await refused(1, {}), /^localSteps 4 needs ranks that train apart: start 2 by mpirun/);
    assert.match(await refused(1, { workers: 1 }), /train apart: start 2 or more by mpirun/);
    assert.match(await refused(2, { steps: 18 }), /^steps 18 is no multiple of localSteps 4, .*: use 20/);
    assert.match(
      await refused(2, { evalEvery: 2 }),
      /^evalEvery 2 is no multiple of localSteps 4, .*: use 4/,
    );
    assert.match(await refused(2, { localSteps: 1 }), /^localSteps 1 would be a sum in every step/);
    assert.match(await refused(2, { emaDecay: 0.9 }), /^emaDecay 0.9 cannot go with localSteps 4/);
    backend.dispose();
  });
});

describe('ranks are refused', () => {
  const refused = async (size: number, changes: Partial<TrainSettings>): Promise<string> => {
    const backend = createReference();
    try {
      return await job(backend, { size, changes }).then(
        () => 'not refused',
        ({ message }: Error) => message,
      );
    } finally {
      backend.dispose();
    }
  };

  test('that are more than the micro-batches', async () => {
    assert.match(await refused(8, {}), /^8 ranks are more than the 6 micro-batches of a step: .* at most 4/);
  });

  test('whose gradients would be added one after the other', async () => {
    assert.match(
      await refused(2, { summation: 'sequential' }),
      /^2 ranks cannot share a run with summation sequential: use pairwise/,
    );
  });
});

test('a sum in pairs takes the memory that trainingMemory says, and leaves none behind', async () => {
  const backend = createReference();
  const model = new GPT(config, { backend, seed: 1 });
  const plain = { ...settings, sampleTokens: 100, steps: 2, evalEvery: 0, probeEvery: 0, sampleEvery: 0 };
  for await (const _ of train({ ...plain, model, data })) {
    // Only the memory is of interest.
  }
  const more = backend.memory().peakBytes - (await trainingMemory(config, plain)).bytes;
  // On a busy machine the event loop turns before the losses of a micro-batch are freed.
  const losses = 4 * plain.microBatch * config.blockSize;
  assert.ok(more === 0 || more === losses, `${more} bytes more`);
  model.dispose();
  assert.equal(backend.memory().live, 0);
  backend.dispose();
});
