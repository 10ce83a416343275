// A run that is interrupted or killed at any event and then resumed has the history of one that never
// stopped: every event, except for times. Work that is due after the last step belongs to the run, which is
// not finished before.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { openStream } from '../../src/corpora/stream.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { hasCheckpoint, loadCheckpoint } from '../../src/runs/checkpoint.ts';
import { textRecord } from '../../src/runs/data-record.ts';
import { modelStore, readHistory, runModel } from '../../src/runs/open.ts';
import { loadRun, type ResumeOptions, resumeInFolder } from '../../src/runs/resume.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { encodeFile } from '../../src/tokens/encode.ts';
import { openTokens, type TokensFile } from '../../src/tokens/read.ts';
import { dataset } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import type { MilestoneProgress } from '../../src/train/run.ts';
import { seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { engines } from '../support/engines.ts';

const numbers = Array.from({ length: 12 }, (_, i) => (i * 7919) % 97).join('#');
const text = 'so it goes and goes, and so on it goes.\n'.repeat(9) + numbers;
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const config = makeConfig(presets.tiny, 270, { blockSize: 8, nLayer: 2, nEmbd: 16, nHead: 2, dropout: 0.1 });
const record = await textRecord(text, { name: 'text.txt' });
/** A learning rate that is too high, so that there are warnings. */
const settings: TrainSettings = {
  ...seedSettings,
  steps: 12,
  batchSize: 4,
  microBatch: 2,
  lr: 0.1,
  evalEvery: 2,
  checkpointEvery: 3,
  probeEvery: 2,
  sampleEvery: 6,
  sampleTokens: 4,
  samplePrompt: 'so',
};

/**
 * How a process ends at an event: asked to stop (Ctrl-C), or killed; or asked to save there, and killed as
 * soon as it has.
 */
type Stop = { at: (event: TrainEvent, index: number) => boolean; how: 'aborted' | 'killed' | 'saved' };

/** One process: begins the run in `store` or resumes it. Resolves to the events that it saw. */
async function go(
  backend: Backend,
  store: Store,
  changes: Partial<TrainSettings> = {},
  stop?: Stop,
  onProgress?: (progress: MilestoneProgress) => void,
): Promise<TrainEvent[]> {
  const last = store.folder('last');
  const from = (await hasCheckpoint(last)) ? await loadCheckpoint(last, { backend }) : undefined;
  const model = from?.model ?? new GPT(config, { backend, seed: 1 });
  const controller = new AbortController();
  const options = { settings: { ...settings, ...changes }, signal: controller.signal, probeTaps: ['logits'] };
  const seen: TrainEvent[] = [];
  let asked = false;
  try {
    for await (const event of trainInFolder({
      saveNow: () => asked,
      store,
      model,
      tokenizer,
      dataset: data,
      data: record,
      from,
      onProgress,
      ...options,
    })) {
      seen.push(event);
      if (asked && event.type === 'checkpoint' && event.kind === 'last') break;
      if (!stop?.at(event, seen.length - 1)) continue;
      asked = stop.how === 'saved';
      if (asked) continue;
      if (stop.how === 'killed') break;
      controller.abort();
    }
  } finally {
    model.dispose();
  }
  return seen;
}

/** Every n-th event, and all after the last step. */
function stops(events: readonly TrainEvent[], every: number): number[] {
  const last = events.findIndex(({ type, step }) => type === 'step' && step === settings.steps);
  return [...events.keys()].filter((index) => index % every === 0 || index >= last);
}

/** The events without times, and without the endings of single processes. */
function told(events: readonly TrainEvent[]): unknown[] {
  const timeless = events.map((event) => ({ ...event, tokensPerSecond: 0, eta: 0, seconds: 0 }));
  return timeless.filter(({ type }) => type !== 'done');
}

/** Before the first checkpoint. */
const NONE = { resume: { step: 0 } };

const reason = (events: readonly TrainEvent[]): string | undefined =>
  events.flatMap((event) => (event.type === 'done' ? [event.reason] : [])).at(-1);

for (const { name, create, skip } of await engines()) {
  describe(`a run on ${name}`, { skip }, () => {
    let backend: Backend;
    let whole: TrainEvent[];
    before(async () => {
      if (skip) return;
      backend = await create();
      const store = memoryStore('run');
      await go(backend, store);
      whole = (await readHistory(store)).events;
    });
    after(() => backend?.dispose());

    test('has something of everything to tell', () => {
      const types = new Set(whole.map(({ type }) => type));
      assert.deepEqual([...types].sort(), [
        'checkpoint',
        'done',
        'eval',
        'probe',
        'sample',
        'step',
        'warning',
      ]);
      const dead = whole.flatMap((event) =>
        event.type === 'probe' ? event.taps.map((tap) => tap.deadUnits.length) : [],
      );
      assert.ok(dead.some((units) => units > 0));
    });

    for (const how of ['aborted', 'killed', 'saved'] as const) {
      test(`${how} at any event, it goes on as if nothing had happened`, async () => {
        for (const index of stops(whole, name === 'native' ? 7 : 13)) {
          const store = memoryStore('run');
          await go(backend, store, {}, { at: (_, i) => i === index, how });
          const seen = await go(backend, store);
          const { events } = await readHistory(store);
          const where = `${how} at ${whole[index].type} ${whole[index].step}`;
          assert.deepEqual(told(events), told(whole), where);
          const rest = told(seen);
          assert.deepEqual(rest, told(whole).slice(whole.length - 1 - rest.length), where);
          assert.equal(reason(events), 'finished', where);
        }
      });
    }

    test('killed during the last evaluation, it has lost no step', async () => {
      const store = memoryStore('run');
      const kill = ({ what, step }: MilestoneProgress): void => {
        if (what === 'evaluation' && step === settings.steps) throw new Error('killed');
      };
      await assert.rejects(go(backend, store, {}, undefined, kill), /killed/);
      const { resume } = await loadCheckpoint(store.folder('last'), { backend });
      assert.deepEqual([resume.step, resume.evaluated, resume.settled], [settings.steps, false, false]);
      const seen = await go(backend, store);
      assert.ok(seen.every(({ type }) => type !== 'step'));
      assert.deepEqual(told((await readHistory(store)).events), told(whole));
    });

    test('saved on demand, it goes on, loses no step to a kill, and has the history of one never asked', async () => {
      const store = memoryStore('run');
      let asked = 0;
      const events = trainInFolder({
        ...{ store, tokenizer, dataset: data, data: record, settings, probeTaps: ['logits'] },
        model: new GPT(config, { backend, seed: 1 }),
        saveNow: () => ++asked > 0,
      });
      let step = 0;
      for await (const event of events) {
        if (event.type === 'step') {
          const { resume } = step > 0 ? await loadCheckpoint(store.folder('last'), { backend }) : NONE;
          assert.equal(resume.step, step);
          step = event.step;
        }
      }
      assert.equal(asked, settings.steps);
      assert.deepEqual(told((await readHistory(store)).events), told(whole));
    });

    test('is read whole while another process writes its next checkpoint', async () => {
      const store = memoryStore('run');
      const older = memoryStore('run/last');
      const newer = store.folder('last');
      await go(backend, store, { steps: 3 });
      for (const file of await newer.list()) await older.write(file, await newer.read(file));
      await go(backend, store, { steps: 6 });
      let reads = 0;
      const moving = (at: number): Store => ({
        ...newer,
        read: (file, atMost) => (reads++ < at ? older : newer).read(file, atMost),
      });
      const all = Number.POSITIVE_INFINITY;
      await loadCheckpoint(moving(all), { backend });
      for (let at = 0, total = reads; at <= total; at++) {
        reads = 0;
        const { model, resume } = await loadCheckpoint(moving(at), { backend });
        assert.equal(resume.step, at < total ? 6 : 3, `after ${at} files`);
        model.dispose();
      }
    });

    test('is unfinished until all that is due after the last step is done', async () => {
      const last = whole.findIndex(({ type, step }) => type === 'step' && step === settings.steps);
      for (let index = last; index < whole.length; index++) {
        const { type } = whole[index];
        const store = memoryStore('run');
        const seen = await go(backend, store, {}, { at: (_, i) => i === index, how: 'aborted' });
        const sampled = seen.some((event) => event.type === 'sample' && event.step === settings.steps);
        assert.equal(reason(seen), sampled ? 'finished' : 'aborted', type);
        const { resume } = await loadCheckpoint(store.folder('last'), { backend });
        assert.equal(resume.settled, sampled, type);
        assert.equal((await runModel(store))?.unevaluated, resume.evaluated ? null : settings.steps, type);
      }
    });

    test('takes its model from last/ while best/ is untrained for want of an evaluation', async () => {
      const store = memoryStore('run');
      const rare = { evalEvery: 100 };
      const aborted: Stop = { at: ({ type, step }) => type === 'step' && step === 12, how: 'aborted' };
      await go(backend, store, rare, aborted);
      assert.equal((await modelStore(store)).location, 'run/last');
      assert.deepEqual(await runModel(store), {
        store: store.folder('last'),
        step: 12,
        bestStep: 0,
        unevaluated: 12,
      });
      await go(backend, store, rare);
      assert.deepEqual(await runModel(store), {
        store: store.folder('best'),
        step: 12,
        bestStep: 12,
        unevaluated: null,
      });
    });

    test('says when best/ is older than what was learnt since', async () => {
      const store = memoryStore('run');
      const seldom = { evalEvery: 4, lr: 1e-3 };
      await go(backend, store, seldom, {
        at: ({ type, step }) => type === 'step' && step === 11,
        how: 'aborted',
      });
      assert.deepEqual(await runModel(store), {
        store: store.folder('best'),
        step: 8,
        bestStep: 8,
        unevaluated: 11,
      });
    });

    test('knows of which step best/ is when it is killed before last/ is written', async () => {
      const store = memoryStore('run');
      const killed: Stop = { at: ({ type, step }) => type === 'checkpoint' && step === 8, how: 'killed' };
      await go(backend, store, { lr: 1e-3 }, killed);
      assert.deepEqual(await runModel(store), {
        store: store.folder('best'),
        step: 8,
        bestStep: 8,
        unevaluated: null,
      });
    });

    test('can be made longer when it is finished', async () => {
      const store = memoryStore('run');
      await go(backend, store, { steps: 7 });
      assert.equal(reason(await go(backend, store)), 'finished');
      const { events } = await readHistory(store);
      assert.deepEqual(
        events.filter(({ type }) => type === 'step').map(({ step }) => step),
        Array.from({ length: 12 }, (_, i) => i + 1),
      );
    });

    test('goes on from a checkpoint of the first versions', async () => {
      const store = memoryStore('run');
      const aborted: Stop = { at: ({ type, step }) => type === 'step' && step === 7, how: 'aborted' };
      await go(backend, store, {}, aborted);
      const last = store.folder('last');
      const saved = JSON.parse(new TextDecoder().decode(await last.read('training.json')));
      const { step, settled, best } = saved.progress;
      const old = { ...saved, progress: { step, settled, best }, engines: undefined };
      await last.write('training.json', new TextEncoder().encode(JSON.stringify(old)));
      const losses = (events: readonly TrainEvent[]): number[] =>
        events.flatMap((event) =>
          event.type === 'step' ? [event.loss] : event.type === 'eval' ? [event.valLoss] : [],
        );
      await go(backend, store);
      assert.deepEqual(losses((await readHistory(store)).events), losses(whole));
    });
  });
}

test('the history names every engine and what it computed', async (t) => {
  const [reference, native] = await Promise.all(
    ['reference', 'native'].map(async (name) => (await engines()).find((engine) => engine.name === name)),
  );
  if (!reference || !native || native.skip) return t.skip('there is one engine only');
  const [a, b] = [await reference.create(), await native.create({ threads: 1 })];
  const store = memoryStore('run');
  const at = (n: number): Stop => ({ at: ({ type, step }) => type === 'step' && step === n, how: 'aborted' });
  await go(a, store, {}, at(5));
  await go(a, store, {}, at(7));
  await go(b, store, {}, at(9));
  await go(a, store);
  assert.deepEqual((await readHistory(store)).engines, [
    { engine: a.description, after: 0 },
    { engine: b.description, after: 7 },
    { engine: a.description, after: 9 },
  ]);
  a.dispose();
  b.dispose();
});

describe('a run that is resumed from its folder and its text', () => {
  const backend = createReference();
  const stopAt = (n: number): Stop => ({
    at: ({ type, step }) => type === 'step' && step === n,
    how: 'aborted',
  });
  const interrupted = async (): Promise<Store> => {
    const store = memoryStore('run');
    await go(backend, store, {}, stopAt(5));
    return store;
  };
  const resumed = async (options: ResumeOptions): Promise<TrainEvent[]> => {
    const seen: TrainEvent[] = [];
    for await (const event of resumeInFolder(options)) seen.push(event);
    return seen;
  };

  test('has the events of one that never stopped', async () => {
    const [store, other] = [await interrupted(), memoryStore('run')];
    await go(backend, other);
    const whole = await readHistory(other);
    await resumed({ store, text, backend });
    const history = await readHistory(store);
    assert.deepEqual(told(history.events), told(whole.events));
    assert.deepEqual(history.probeTaps, ['logits']);
    (await store.lock?.('another'))?.release();
  });

  test('goes on for more steps than it had set', async () => {
    const store = await interrupted();
    const seen = await resumed({ store, text: new TextEncoder().encode(text), backend, steps: 14 });
    assert.equal(seen.at(-1)?.step, 14);
    assert.equal((await readHistory(store)).settings.steps, 14);
    await assert.rejects(
      resumed({ store, text, backend }),
      /^Error: run: 14 steps are done, all of them: steps 28/,
    );
    await assert.rejects(
      resumed({ store, text, backend, steps: 13 }),
      /14 steps are done: steps 13 is less$/,
    );
  });

  test('says that another engine goes on', async () => {
    const store = await interrupted();
    const other = { ...backend, description: 'another' };
    const notes: string[] = [];
    const options = { backend: other, onNote: (note: string) => notes.push(note) };
    (await loadRun(store, { ...options, backend })).model.dispose();
    const said = `the run was computed by ${backend.description} up to step 5: another rounds otherwise`;
    for await (const event of resumeInFolder({ ...options, store, text })) if (event.step === 6) break;
    assert.deepEqual(
      notes.map((note) => note.split(', so that')[0]),
      [said],
    );
  });

  test('is refused with another text, without a checkpoint, and while another run writes', async () => {
    const store = await interrupted();
    await assert.rejects(
      resumed({ store, text: `${text}!`, backend }),
      /^Error: run: the run is trained on text.txt \(393 bytes, sha256 \w{12}\.\.\.\), and the text given has 394 bytes/,
    );
    await assert.rejects(
      resumed({ store: memoryStore('empty'), text }),
      /^Error: empty: no run to go on with/,
    );
    const lock = await store.lock?.('a test');
    await assert.rejects(resumed({ store, text, backend }), /in use \(a test\)/);
    lock?.release();
    await assert.rejects(resumed({ store, text, backend, steps: 0 }), /steps 0/);
  });

  test('keeps the separator of its documents', async () => {
    const special = Tokenizer.train(text, { vocabSize: 270, specialTokens: ['<end>'] });
    const documents = [text, text].map((part) => new TextEncoder().encode(part));
    const bytes = new TextEncoder().encode(`${text}\n${text}`);
    const store = memoryStore('run');
    const data = { ...(await textRecord(bytes, { name: 'two' })), separator: '<end>' };
    const parts = dataset({ documents, separator: '<end>' }, special);
    const model = new GPT(config, { backend, seed: 1 });
    const controller = new AbortController();
    const begun = { store, model, tokenizer: special, data, dataset: parts, settings };
    for await (const event of trainInFolder({ ...begun, signal: controller.signal }))
      if (event.step === 3) controller.abort();
    await assert.rejects(
      resumed({ store, text: bytes, backend }),
      /<end> separates the documents of two: give/,
    );
    const seen = await resumed({ store, text: { bytes, documents }, backend, steps: 4 });
    assert.equal(seen.at(-1)?.step, 4);
  });

  test('reads the tokens of its text from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inkhorn-resume-'));
    const inputs = [join(folder, 'text.txt')];
    await writeFile(inputs[0], text);
    const encode = async (
      name: string,
      tokenizer: Tokenizer,
      separator: string | null,
    ): Promise<TokensFile> => {
      const path = join(folder, name);
      const options = { inputs, asBytes: false, separator, threads: 1 };
      await encodeFile(await openStream(inputs), tokenizer, path, options);
      return openTokens(path);
    };
    const special = Tokenizer.train(text, { vocabSize: 270, specialTokens: ['<end>'] });
    const [whole, store] = [await interrupted(), await interrupted()];
    const file = await encode('tokens.bin', tokenizer, null);
    const wanted = await resumed({ store: whole, text, backend });
    assert.deepEqual(told(await resumed({ store, text: file, backend })), told(wanted));

    const again = await interrupted();
    const others = await encode('other.bin', special, null);
    await assert.rejects(resumed({ store: again, text: others, backend }), /by another tokenizer/);
    const apart = await encode('apart.bin', special, '<end>');
    await assert.rejects(
      resumed({ store: again, text: apart, backend }),
      /^Error: run: a line feed separates the documents of text.txt, and <end> those of the tokens given$/,
    );
    for (const open of [file, others, apart]) open.close();
    await rm(folder, { recursive: true });
  });
});
