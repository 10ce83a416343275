// Distillation: a model learns the predictions of others beside the text. What its gradient is, that losses
// stay those on the text, that a run goes on bit for bit and with the same teachers only, and the command
// line.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { readRecord } from '../../src/runs/checkpoint.ts';
import { textRecord } from '../../src/runs/data-record.ts';
import { readRun } from '../../src/runs/read.ts';
import { resumeInFolder } from '../../src/runs/resume.ts';
import { loadTeacher, type Teacher } from '../../src/runs/teachers.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset, randomBatch } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { trainingMemory } from '../../src/train/memory.ts';
import type { TrainOptions } from '../../src/train/run.ts';
import { seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { accumulateGradients, gradientNorm } from '../../src/train/step.ts';
import { train } from '../../src/train/train.ts';
import { assertClose } from '../conformance/support.ts';
import { onEveryEngine } from '../support/engines.ts';
import { runToStep } from '../support/run-to-step.ts';
import { ON_WEBGPU } from '../support/tolerances.ts';
import { createTestWebgpu } from '../support/webgpu.ts';
import { drawNoPng, inkhornShared, sentences } from './cli-process.ts';

const text = 'the quick brown fox jumps over the lazy dog; '.repeat(20);
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const size = { nLayer: 2, nEmbd: 16, nHead: 2, blockSize: 8, dropout: 0 };
const config = makeConfig(presets.shakespeare, 270, size);
const settings: TrainSettings = {
  ...seedSettings,
  steps: 6,
  batchSize: 4,
  microBatch: 2,
  lr: 1e-2,
  evalEvery: 3,
  probeEvery: 2,
  sampleEvery: 0,
  distillWeight: 0.7,
};

/** A model; those of other seeds differ. */
const model = (backend: Backend, seed: number, changes: object = {}): GPT =>
  new GPT({ ...config, ...changes }, { backend, seed });

/** The gradients of a step, by name. */
async function gradients(backend: Backend, weight: number, seeds: readonly number[]) {
  const student = model(backend, 1);
  const teachers = seeds.map((seed) => model(backend, seed, { nLayer: 1 + (seed % 2) }));
  const batch = randomBatch(data.train, 4, config.blockSize, { seed: 1, index: 1 });
  const teaching = weight > 0 ? { teachers, weight } : null;
  const loss = await accumulateGradients(student, batch, { microBatch: 2, seed: 1, step: 1, teaching });
  const grads = new Map<string, Float32Array>();
  for (const [name, { grad }] of namedParameters(student)) if (grad) grads.set(name, await grad.data());
  assert.ok(teachers.every((one) => [...namedParameters(one).values()].every(({ grad }) => grad === null)));
  for (const one of [student, ...teachers]) one.dispose();
  return { loss, grads };
}

async function sameAsReference(backend: Backend, tolerance = 1e-4): Promise<void> {
  const reference = createReference();
  const [plain, expected, found] = [
    await gradients(reference, 0, []),
    await gradients(reference, 0.7, [2, 3]),
    await gradients(backend, 0.7, [2, 3]),
  ];
  assert.equal(expected.loss, plain.loss);
  for (const [name, grad] of found.grads)
    assertClose(grad, expected.grads.get(name) as Float32Array, name, tolerance);
  assert.notDeepEqual(expected.grads.get('tokens.weight'), plain.grads.get('tokens.weight'));
  reference.dispose();
}

await onEveryEngine('distillation', (backend) => {
  test('has the gradients of the reference, and teachers have none', () => sameAsReference(backend));

  test('of two teachers lies between that of each', async () => {
    const [a, b, both] = [
      await gradients(backend, 0.7, [2]),
      await gradients(backend, 0.7, [3]),
      await gradients(backend, 0.7, [2, 3]),
    ];
    for (const [name, grad] of both.grads) {
      const [ofA, ofB] = [a, b].map(({ grads }) => grads.get(name) as Float32Array);
      assertClose(
        grad,
        ofA.map((x, i) => (x + ofB[i]) / 2),
        name,
        1e-4,
      );
    }
  });

  test('from the model itself and from nothing else leaves nothing to learn', async () => {
    const student = model(backend, 1);
    const twin = model(backend, 1);
    const batch = randomBatch(data.train, 4, config.blockSize, { seed: 1, index: 1 });
    const how = { microBatch: 2, seed: 1, step: 1 };
    await accumulateGradients(student, batch, { ...how, teaching: { teachers: [twin], weight: 1 } });
    const nothing = await gradientNorm(namedParameters(student));
    await accumulateGradients(student, batch, how);
    const plain = await gradientNorm(namedParameters(student));
    assert.ok(nothing < 1e-5 * plain, `${nothing} of ${plain}`);
    for (const one of [student, twin]) one.dispose();
  });
});

test('distillation on webgpu has the gradients of the reference', async (t) => {
  const backend = await createTestWebgpu().catch((error: Error) => error);
  if (backend instanceof Error) return t.skip(backend.message);
  await sameAsReference(backend, Math.max(1e-4, ...Object.values(ON_WEBGPU)));
  backend.dispose();
});

describe('a run with teachers', () => {
  let backend: Backend;
  let teachers: Teacher[];
  let stores: Store[];
  const record = () => textRecord(text, { name: 'text.txt' });
  before(async () => {
    backend = createReference();
    stores = ['a', 'b'].map((name) => memoryStore(name));
    for (const [i, store] of stores.entries()) {
      const one = model(backend, 5 + i);
      await saveModel(store, { model: one, tokenizer });
      one.dispose();
    }
    teachers = [];
    for (const store of stores) teachers.push(await loadTeacher(store, tokenizer, { backend }));
  });
  after(() => backend.dispose());

  const run = async (store: Store, stop?: number, changes: { teachers?: Teacher[] } = { teachers }) =>
    runToStep(
      backend,
      () => model(backend, 1, { dropout: 0.1 }),
      { store, tokenizer, dataset: data, data: await record(), settings, ...changes },
      stop,
    );
  const files = async (store: Store) =>
    Promise.all(['model.safetensors', 'training.safetensors'].map((name) => store.folder('last').read(name)));
  const losses = (events: readonly TrainEvent[]): unknown[] =>
    events.flatMap((event) => (event.type === 'eval' || event.type === 'step' ? [event] : []));
  const lossesOnly = (events: readonly TrainEvent[]): unknown[] =>
    (losses(events) as { loss?: number; valLoss?: number }[]).map(({ loss, valLoss }) => loss ?? valLoss);

  test('goes on bit for bit, in this program and by resumeInFolder', async () => {
    const [whole, parts, library] = [memoryStore(), memoryStore(), memoryStore()];
    const all = lossesOnly(await run(whole));
    await run(parts, 2);
    const rest = lossesOnly(await run(parts));
    assert.deepEqual(rest, all.slice(-rest.length));
    assert.deepEqual(await files(parts), await files(whole));
    await run(library, 2);
    for await (const _ of resumeInFolder({ store: library, text, teachers: stores, backend }));
    assert.deepEqual(await files(library), await files(whole));
  });

  test('names them, with checksums, in its files and reports', async () => {
    const store = memoryStore();
    await run(store);
    const named = teachers.map(({ record: { path, sha256 } }) => [path, sha256]);
    assert.deepEqual(
      (await readRecord(store.folder('last'))).teachers?.map(({ path, sha256 }) => [path, sha256]),
      named,
    );
    assert.match(named[0][1], /^[0-9a-f]{64}$/);
    const { teachers: shown, command } = await readRun(store);
    assert.deepEqual(shown, ['a', 'b']);
    assert.match(command, /--distill a --distill b .*--distill-weight 0.7/);
  });

  test('goes on with the same ones only', async () => {
    const store = memoryStore('runs/c');
    await run(store, 2);
    const other = /runs\/c: the run learns from other teachers: a \(sha256 [0-9a-f]{12}\.\.\.\), b .*, not /;
    await assert.rejects(run(store, undefined, {}), other);
    await assert.rejects(run(store, undefined, { teachers: [...teachers].reverse() }), other);
    const again = resumeInFolder({ store, text, teachers: stores.slice(1), backend });
    await assert.rejects(again.next(), other);
    await assert.rejects(resumeInFolder({ store, text, backend }).next(), other);
  });

  test('learns from them: their text is unknown to it, and yet it comes to predict it', async () => {
    // The text that both read has none of what the teacher knows: only the teacher's predictions carry it.
    const teacher = model(backend, 8);
    const learn = async (student: GPT, more: Partial<TrainOptions>): Promise<number> => {
      const options = { ...settings, distillWeight: 0.5, steps: 60, evalEvery: 60, ...more };
      let last = Number.NaN;
      for await (const event of train({ ...options, model: student, data })) {
        if (event.type === 'step') last = event.loss;
      }
      return last;
    };
    await learn(teacher, {});
    const student = model(backend, 9);
    const plain = await learn(student, { teachers: [teacher], distillWeight: 1 });
    assert.ok(plain < 1, `the text's loss is ${plain} after learning from predictions alone`);
    for (const one of [teacher, student]) one.dispose();
  });

  test('may have quantised ones', async () => {
    const student = model(backend, 1);
    const quantised = quantize(teachers[0].model);
    const events: TrainEvent[] = [];
    const one = { ...settings, steps: 1, model: student, data };
    for await (const event of train({ ...one, teachers: [await quantised] })) events.push(event);
    assert.ok(lossesOnly(events).every((loss) => Number.isFinite(loss)));
    student.dispose();
  });

  test('counts them in its memory', async () => {
    const [without, with2] = [
      await trainingMemory(config, settings),
      await trainingMemory(config, settings, [config, config]),
    ];
    const weights = 4 * model(backend, 1).parameterCount;
    assert.ok(with2.bytes - without.bytes >= 2 * weights);
  });

  test('is refused in one line where they do not suit', async () => {
    const student = model(backend, 1);
    const other = createReference();
    const begin = (more: object): Promise<unknown> =>
      train({ ...settings, model: student, data, ...more }).next();
    await assert.rejects(begin({}), /^Error: distillWeight 0.7 has no effect without teachers/);
    await assert.rejects(begin({ teachers: [] }), /teachers is an empty list/);
    await assert.rejects(
      begin({ teachers: [model(backend, 2, { vocabSize: 300 })] }),
      /teachers\[0\] has 300 tokens, the model 270/,
    );
    await assert.rejects(
      begin({ teachers: [model(backend, 2, { blockSize: 4 })] }),
      /teachers\[0\] has a context of 4 tokens/,
    );
    await assert.rejects(begin({ teachers: [model(other, 2)] }), /teachers\[0\] is on another engine/);
    await assert.rejects(begin({ teachers: 'a' }), /teachers "a" is not a list of models/);
    await assert.rejects(begin({ teachers: [{}] }), /teachers .* is not a list of models/);
    await assert.rejects(begin({ distillWeight: 0 }), /distillWeight 0 is not a number from 0.001 to 1/);
    const strange = Tokenizer.train(text.toUpperCase(), { vocabSize: 270 });
    await assert.rejects(
      loadTeacher(stores[0], strange, { backend }),
      /a cannot teach: its tokenizer is another one/,
    );
    other.dispose();
  });
});

describe('train --distill', () => {
  const root = mkdtempSync(join(tmpdir(), 'inkhorn-distill-'));
  const home = join(root, 'home');
  const small = '--vocab-size 300 --preset tiny --n-layer 1 --n-embd 16 --n-head 2 --block-size 16';
  const steps = '--batch-size 2 --eval-every 4 --sample-every 0 --probe-every 2 --backend reference';
  const at = (cwd: string, line: string): ReturnType<typeof inkhornShared> =>
    inkhornShared(cwd, line.split(' '));
  const weights = (run: string): Buffer => readFileSync(join(run, 'last', 'model.safetensors'));
  before(async () => {
    mkdirSync(home);
    drawNoPng(home);
    writeFileSync(join(home, 's.txt'), sentences(60));
    for (const seed of [1, 2])
      assert.equal(
        (await at(home, `train --data s.txt --out t${seed} --seed ${seed} ${small} ${steps} --steps 4`)).code,
        0,
      );
  });
  after(() => rmSync(root, { recursive: true }));

  test('trains, says from whom, and goes on bit for bit from anywhere', async () => {
    const flags = `--data s.txt ${small} ${steps} --lr 1e-3 --schedule constant --warmup 0`;
    const begin = `train ${flags} --distill t1 --distill t2 --distill-weight 0.6`;
    const whole = await at(home, `${begin} --steps 10 --out whole`);
    assert.equal(whole.code, 0, whole.stderr);
    assert.match(whole.stdout, /^teachers t1, t2: 0.6 of each target$/m);
    assert.match(readFileSync(join(home, 'whole', 'report.md'), 'utf8'), /--distill t1 --distill t2/);
    for (const line of [`${begin} --steps 6 --out part`, `train ${flags} --steps 10 --out plain`])
      assert.equal((await at(home, line)).code, 0, line);

    const moved = join(root, 'moved');
    cpSync(home, moved, { recursive: true });
    renameSync(home, join(root, 'away'));
    const resumed = await at(root, 'train --resume moved/part --steps 10 --backend reference');
    renameSync(join(root, 'away'), home);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(Buffer.compare(weights(join(moved, 'part')), weights(join(home, 'whole'))), 0);
    assert.notEqual(Buffer.compare(weights(join(home, 'plain')), weights(join(home, 'whole'))), 0);
  });

  test('refuses in one line what cannot teach', async () => {
    const begin = `train --data s.txt ${steps} --steps 4 --out new`;
    for (const [line, code, message] of [
      [
        `${begin} ${small} --distill-weight 0.6`,
        2,
        /--distill-weight 0.6 has no effect without --distill MODEL/,
      ],
      [`${begin} ${small} --distill nowhere`, 2, /there is no model folder nowhere/],
      [`${begin} ${small} --distill t1 --distill-weight 0`, 2, /--distill-weight 0 .*from 0.001 to 1/],
      [`${begin} ${small} --distill bundled`, 2, /cannot teach: its tokenizer is another one/],
      [
        `${begin} ${small.replace(/16$/, '32')} --distill t1`,
        2,
        /--distill t1 has a context of 16 tokens: --block-size 32 is longer/,
      ],
    ] as const) {
      const { stderr, errors, code: found } = await at(home, line);
      assert.equal(found, code, stderr);
      assert.match(stderr, message);
      assert.equal(errors.length, 1);
    }
  });

  test('does not go on when a teacher has changed or is gone', async () => {
    const begin = `train --data s.txt ${small} ${steps} --steps 4 --distill t1 --out taught`;
    assert.equal((await at(home, begin)).code, 0);
    const on = 'train --resume taught --steps 8 --backend reference';
    const [best, kept] = [join(home, 't1', 'best', 'model.safetensors'), join(root, 'kept')];
    cpSync(best, kept);
    cpSync(join(home, 't2', 'best', 'model.safetensors'), best);
    const changed = await at(home, on);
    assert.equal(changed.code, 2);
    assert.match(
      changed.stderr,
      /the run learns from t1 \(sha256 [0-9a-f]{12}\.\.\.\), and .*t1 has other weights now: put that model back/,
    );
    cpSync(kept, best);
    renameSync(join(home, 't1'), join(home, 't9'));
    const gone = await at(home, on);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /the run learns from t1 .*, which is not here: put that model back/);
    renameSync(join(home, 't9'), join(home, 't1'));
    assert.equal((await at(home, on)).code, 0);
  });
});
