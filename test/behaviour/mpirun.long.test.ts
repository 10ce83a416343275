// `mpirun inkhorn train`: the run of one process to the bit, in any number of ranks, also when one of them is
// killed; and one line from one rank for what cannot work.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { TrainEvent } from '../../src/train/events.ts';
import { engines } from '../support/engines.ts';
import { type MpiJob, type MpiResult, mpirun, openMpi } from '../support/mpirun.ts';
import { twoMachines } from '../support/two-machines.ts';
import { flagsOf, NO_PNG, sentences } from './cli-process.ts';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-mpirun-'));
after(() => rmSync(folder, { recursive: true }));

const [text, other] = ['text.txt', 'other.txt'].map((name) => join(folder, name));
writeFileSync(text, sentences(60));
writeFileSync(other, sentences(61));

const STEPS = 50;
const native = (await engines()).find(({ name, skip }) => name === 'native' && skip === false);

const recipe = [
  'train',
  ...flagsOf({
    backend: native ? 'native' : 'wasm',
    preset: 'tiny',
    vocabSize: 280,
    blockSize: 16,
    nLayer: 2,
    nEmbd: 32,
    nHead: 2,
    batchSize: 8,
    microBatch: 2,
    evalEvery: 20,
    checkpointEvery: 10,
    sampleEvery: 25,
    probeEvery: 15,
  }),
];
const begin = (out: string, steps = STEPS): string[] => [
  ...[...recipe, '--data', text],
  ...['--steps', String(steps), '--out', join(folder, out)],
];

/** A job of equal ranks. */
function ranks(count: number, args: readonly string[], rest: Partial<MpiJob> = {}): Promise<MpiResult> {
  return mpirun({ groups: [{ ranks: count, args }], node: NO_PNG, ...rest });
}

/** One process, without mpirun. */
async function alone(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [...NO_PNG, program, ...args], { stdio: 'ignore' });
  assert.deepEqual(await once(child, 'close'), [0, null]);
}

/** What a run has become, without what depends on the clock. */
function outcome(out: string): { files: Buffer[]; events: object[] } {
  const run = join(folder, out);
  const files = ['best/model.safetensors', 'last/model.safetensors', 'last/training.safetensors'];
  const { events } = JSON.parse(readFileSync(join(run, 'history.json'), 'utf8')) as { events: TrainEvent[] };
  return {
    files: files.map((file) => readFileSync(join(run, file))),
    events: events.map((event) => ({ ...event, seconds: 0, tokensPerSecond: 0, eta: 0, path: '' })),
  };
}

/** Kills a rank, once, when the first one has said that it made `step`. */
function killer(rank: string, step: number): NonNullable<MpiJob['watch']> {
  let dead = false;
  return (stdout, parent) => {
    if (dead || !stdout.includes(`step ${step}/${STEPS}`)) return;
    dead = true;
    process.kill(childOf(parent, rank), 'SIGKILL');
  };
}

describe('mpirun inkhorn train', { skip: openMpi.skip }, () => {
  let one: ReturnType<typeof outcome>;
  before(async () => {
    if (openMpi.skip) return;
    await alone([...begin('one'), '--summation', 'pairwise']);
    one = outcome('one');
  });

  for (const count of [1, 2, 4]) {
    test(`is the run of one process in ${count} ranks`, async () => {
      const { code, stdout, stderr } = await ranks(count, begin(`of ${count}`));
      assert.equal(code, 0, stderr);
      assert.equal(stdout.split(`done  ${STEPS} steps`).length, 2, 'one rank speaks');
      assert.deepEqual(outcome(`of ${count}`), one);
    });
  }

  test('saves when a rank is killed, and any number goes on', async () => {
    const killed = await ranks(2, begin('killed'), { watch: killer('1', 13) });
    assert.notEqual(killed.code, 0);
    assert.match(killed.stdout, /stopped at step \d+; go on with: /);
    const { progress } = JSON.parse(readFileSync(join(folder, 'killed/last/training.json'), 'utf8'));
    assert.ok(progress.step >= 13 && progress.step < STEPS, `step ${progress.step}`);
    const { code, stderr } = await ranks(4, ['train', '--resume', join(folder, 'killed')]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(outcome('killed'), one);
  });

  test('keeps the checkpoints of a first rank that is killed', async () => {
    assert.notEqual((await ranks(2, begin('beheaded'), { watch: killer('0', 23) })).code, 0);
    await alone(['train', '--resume', join(folder, 'beheaded')]);
    assert.deepEqual(outcome('beheaded'), one);
  });

  test('goes on from a model, with another one as teacher, on a text that is streamed', async () => {
    const streamed = join(folder, 'other.txt.gz');
    writeFileSync(streamed, gzipSync(readFileSync(other)));
    const [from, teacher] = [join(folder, 'one'), join(folder, 'one', 'best')];
    const tune = (out: string): string[] => [
      ...['train', '--from', from, '--distill', teacher, '--data', streamed, '--out', join(folder, out)],
      ...flagsOf({ steps: 12, batchSize: 8, microBatch: 2, evalEvery: 6, checkpointEvery: 6 }),
      ...['--summation', 'pairwise', '--backend', native ? 'native' : 'wasm'],
    ];
    await alone(tune('tuned'));
    const { code, stderr } = await ranks(2, tune('tuned by 2'));
    assert.equal(code, 0, stderr);
    assert.deepEqual(outcome('tuned by 2'), outcome('tuned'));
  });

  describe('on two machines', () => {
    const machines = openMpi.skip === false ? twoMachines() : openMpi.skip;
    const skip = typeof machines === 'string' ? machines : false;
    const { through, mpirun: how, close } = typeof machines === 'string' ? { close() {} } : machines;
    after(close);

    test('is the run of one process', { skip }, async () => {
      const { code, stderr } = await ranks(4, begin('apart'), { through, mpirun: how });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /4 ranks on 2 machines share the 4 micro-batches/);
      assert.deepEqual(outcome('apart'), one);
    });
  });

  test('trains apart with --local-steps, and goes on in as many ranks only', async () => {
    const args = [...begin('apart steps', 20), '--local-steps', '5'];
    const { code, stderr } = await ranks(2, args);
    assert.equal(code, 0, stderr);
    const run = ['train', '--resume', join(folder, 'apart steps'), '--steps', '30'];
    const { errors } = await ranks(4, run);
    assert.match(errors.join(), /--local-steps 5 with --workers 2 needs as many ranks, not 4: mpirun -n 2/);
    assert.equal((await ranks(2, run)).code, 0);
  });

  /** The job is refused in one line, with this exit code, and leaves no folder. */
  async function refused(job: Partial<MpiJob>, code: number, line: RegExp): Promise<void> {
    const result = await mpirun({ groups: [{ ranks: 2, args: begin('refused') }], ...job });
    assert.equal(result.errors.length, 1, result.stderr);
    assert.match(result.errors[0], line);
    assert.equal(result.code, code, result.stderr);
    assert.ok(!existsSync(join(folder, 'refused')), 'a folder is left');
  }

  test('refuses more ranks than micro-batches, and 3', async () => {
    const of = (count: number): Partial<MpiJob> => ({ groups: [{ ranks: count, args: begin('refused') }] });
    await refused(of(8), 2, /8 ranks are more than the 4 micro-batches of a step: .* lower --micro-batch/);
    await refused(of(3), 2, /3 ranks cannot halve .*: start 1, 2, 4, 8/);
  });

  test('refuses a sum that ranks cannot share', async () => {
    const args = [...begin('refused'), '--summation', 'sequential'];
    await refused({ groups: [{ ranks: 2, args }] }, 2, /summation sequential: use pairwise/);
    await alone(begin('in a row', 3));
    const { errors, code } = await ranks(2, ['train', '--resume', join(folder, 'in a row'), '--steps', '4']);
    assert.match(
      errors.join(),
      /in a row: this run adds .* which 2 ranks cannot share: go on in one process/,
    );
    assert.equal(code, 2);
  });

  test('refuses ranks with different texts, settings and models, and an old run is not lost', async () => {
    const first = { ranks: 1, args: begin('refused') };
    const second = (...args: string[]): Partial<MpiJob> => ({
      groups: [first, { ranks: 1, args: [...begin('refused'), ...args] }],
    });
    const withText = [...recipe, '--data', other, '--out', join(folder, 'refused')];
    await refused(
      { groups: [first, { ranks: 1, args: withText }] },
      1,
      /rank 1 has another text than rank 0, [\d,]+ bytes \(sha256 \w+\) and .*: start all ranks with the same/,
    );
    await refused(second('--lr', '0.5'), 1, /rank 1 has another lr than rank 0, 0.5 and 0.003/);
    await refused(second('--dropout', '0.2'), 1, /rank 1 has another dropout than rank 0, 0.2 and 0/);
    await refused(second('--weight-decay', '0.5'), 1, /rank 1 has another weightDecay than rank 0, 0.5 and/);
    const missing = [...recipe, '--data', 'nowhere.txt', '--out', join(folder, 'refused')];
    await refused({ groups: [first, { ranks: 1, args: missing }] }, 2, /^inkhorn: rank 1: .*nowhere\.txt/);
    await alone(begin('old', 2));
    const kept = readdirSync(join(folder, 'old'));
    const force = [...begin('old', 3), '--force'];
    const { errors } = await mpirun({
      groups: [
        { ranks: 1, args: force },
        { ranks: 1, args: [...force, '--seed', '7'] },
      ],
    });
    assert.match(errors.join(), /rank 1 has another seed than rank 0, 7 and 1337/);
    assert.deepEqual(readdirSync(join(folder, 'old')), kept);
  });

  test('says once what is missing', async () => {
    await refused(
      { env: { INKHORN_MPI: '/nowhere/libmpi.so' } },
      1,
      /the library of Open MPI, \/nowhere\/libmpi\.so, does not load .*: apt-get install openmpi-bin/,
    );
    const without = ['--import', new URL('no-koffi.js', import.meta.url).href];
    await refused(
      { node: without },
      1,
      /optional package koffi is not installed: run `npm (--prefix \S+ )?ci`/,
    );
  });

  test('is misused in one line', async () => {
    const mistaken = [...begin('refused'), '--stps', '4'];
    await refused({ groups: [{ ranks: 2, args: mistaken }] }, 2, /^inkhorn: [^r].*--stps/);
    const groups = [begin('refused'), mistaken].map((args) => ({ ranks: 1, args }));
    await refused({ groups }, 2, /^inkhorn: rank 1 \(.*\): .*--stps/);
    const sent = [...recipe, '--data', '-', '--out', join(folder, 'refused')];
    await refused(
      { groups: [{ ranks: 2, args: sent }] },
      2,
      /--data -: not all processes .* get its standard input: write/,
    );
    const { errors, code } = await ranks(2, begin('one'));
    assert.match(errors.join(), /^inkhorn: --out .* already holds a run/);
    assert.equal(code, 2);
  });
});

/** The process of a rank among those that `parent` started. */
function childOf(parent: number, rank: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8').match(/\) \S (\d+)/) ?? [];
      const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (Number(ppid) === parent && variables.includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return Number(pid);
    } catch {
      // It has ended meanwhile, or is not ours.
    }
  }
  throw new Error(`mpirun ${parent} has no process of rank ${rank}`);
}
