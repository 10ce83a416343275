// What ends a command from outside: signals while an engine computes, a terminal that goes away, an output
// that cannot be written.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createReference } from '../../src/backend/reference/index.ts';
import { flagsOf } from './cli-process.ts';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-stopping-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const text = join(folder, 'text.txt');
writeFileSync(text, 'The quick brown fox jumps over the lazy dog, and the dog sleeps on.\n'.repeat(200));

/** A run on the reference engine that never ends by itself. */
const endless = (out: string, ...more: string[]): string[] => [
  'train',
  ...flagsOf({
    data: text,
    out,
    vocabSize: 280,
    preset: 'tiny',
    steps: 1_000_000,
    sampleEvery: 0,
    probeEvery: 0,
    evalEvery: 1_000_000,
    backend: 'reference',
  }),
  ...more,
];
const small = flagsOf({ blockSize: 16, nLayer: 1, nEmbd: 16, nHead: 2, batchSize: 2 });
/** One of its steps takes many seconds. */
const slow = flagsOf({ blockSize: 64, nLayer: 6, nEmbd: 192, nHead: 6, batchSize: 64 });

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** Runs until `act`, which gets each piece of stdout, has ended it. */
async function run(
  args: string[],
  act: (child: ChildProcess, seen: string) => void,
  stdout?: number,
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', stdout ?? 'pipe', 'pipe'] });
  let [seen, stderr] = ['', ''];
  child.stdout?.on('data', (part: Buffer) => {
    seen = (seen + part).slice(-5000);
    act(child, seen);
  });
  child.stderr?.on('data', (part: Buffer) => {
    stderr += part;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stderr };
}

const saved = (out: string): { step: number } =>
  JSON.parse(readFileSync(join(out, 'last/training.json'), 'utf8')).progress;
const first = (
  act: (child: ChildProcess) => void,
  on: RegExp,
): ((child: ChildProcess, seen: string) => void) => {
  let done = false;
  return (child, seen) => {
    if (done || !on.test(seen)) return;
    done = true;
    act(child);
  };
};

describe('train saves a checkpoint', () => {
  for (const [signal, code] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const) {
    test(`on ${signal}, and exits with ${code}`, async () => {
      const out = join(folder, signal);
      const ended = await run(
        [...endless(out, ...small), '--json'],
        first((child) => child.kill(signal), /"step":3,/),
      );
      assert.equal(ended.code, code, ended.stderr);
      assert.ok(saved(out).step >= 3);
      // A look inside takes long on this engine: nobody who wants to stop waits for it.
      assert.match(ended.stderr, /no look inside the model, .* `(npx )?inkhorn report .*` makes it/);
      assert.ok(existsSync(join(out, 'report.md')) && !existsSync(join(out, 'look.json')));
    });
  }

  test('when the reader of stdout has left, and exits with 141', async () => {
    const out = join(folder, 'left');
    const ended = await run(
      [...endless(out, ...small), '--json'],
      first((child) => child.stdout?.destroy(), /"step":3,/),
    );
    assert.equal(ended.code, 141, ended.stderr);
    assert.ok(saved(out).step >= 3);
    assert.doesNotMatch(ended.stderr, /^\s+at (?!.*\.cpp:\d+\)$)/m);
  });

  test('when stdout is on a full disk, and says so', { skip: !existsSync('/dev/full') }, async () => {
    const out = join(folder, 'full');
    const ended = await run(endless(out, ...small), () => {}, openSync('/dev/full', 'w'));
    assert.equal(ended.code, 143, ended.stderr);
    assert.match(ended.stderr, /^inkhorn: cannot write to stdout: no space left on the disk$/m);
    assert.ok(existsSync(join(out, 'last/training.json')));
    assert.doesNotMatch(ended.stderr, /^\s+at (?!.*\.cpp:\d+\)$)/m);
  });

  test('in the middle of a step that takes long; the step is made again by --resume', async () => {
    const out = join(folder, 'slow');
    const ended = await run(
      endless(out, ...slow),
      first((child) => setTimeout(() => child.kill('SIGINT'), 1000), /training/),
    );
    assert.equal(ended.code, 130, ended.stderr);
    assert.equal(saved(out).step, 0);
  });

  test('a second Ctrl-C ends it at once', async () => {
    const out = join(folder, 'twice');
    const press = (child: ChildProcess): void => {
      const timer = setInterval(() => child.kill('SIGINT'), 300);
      child.on('exit', () => clearInterval(timer));
    };
    const ended = await run([...endless(out, ...small), '--json'], first(press, /"step":3,/));
    // The first command may have saved before the second begins.
    assert.ok(
      ended.signal === 'SIGINT' || ended.code === 130,
      `${ended.code} ${ended.signal} ${ended.stderr}`,
    );
  });
});

describe('a command that is stopped before it has anything to save', () => {
  const long = join(folder, 'long.txt');
  writeFileSync(
    long,
    Array.from({ length: 300_000 }, (_, i) => ((i * 2_654_435_761) >>> 0).toString(36)).join(' '),
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) {
    test(`${signal} ends it at once, and it leaves no folder`, async () => {
      const out = join(folder, 'none', signal);
      const child = spawn(
        process.execPath,
        [program, 'train', ...flagsOf({ data: long, out, vocabSize: 4000, backend: 'reference' })],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      let stderr = '';
      child.stderr.on('data', (part: Buffer) => {
        if (/training a tokenizer/.test(stderr)) return;
        stderr += part;
        if (/training a tokenizer/.test(stderr)) setTimeout(() => child.kill(signal), 200);
      });
      assert.deepEqual(await once(child, 'close'), [null, signal], stderr);
      assert.ok(!existsSync(join(folder, 'none')), stderr);
    });
  }

  test('a folder that was there stays, with what is in it', async () => {
    const out = join(folder, 'kept');
    mkdirSync(out);
    writeFileSync(join(out, 'notes.md'), 'mine');
    const child = spawn(
      process.execPath,
      [program, 'train', ...flagsOf({ data: long, out, vocabSize: 4000, backend: 'reference' })],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr.on('data', (part: Buffer) => {
      if (/training a tokenizer/.test(String(part))) child.kill('SIGINT');
    });
    assert.deepEqual(await once(child, 'close'), [null, 'SIGINT']);
    assert.deepEqual(readdirSync(out), ['notes.md']);
  });
});

describe('other commands', { skip: !existsSync('/dev/full') }, () => {
  for (const args of [
    ['--help'],
    ['generate', '--tokens', '3'],
    ['data', 'show', 'moby-dick'],
    ['doctor', '--json'],
  ]) {
    test(`${args.join(' ')}: a full disk under stdout is one line`, async () => {
      const ended = await run(args, () => {}, openSync('/dev/full', 'w'));
      assert.ok(ended.code === 1 || ended.code === 143, `${ended.code} ${ended.stderr}`);
      const errors = ended.stderr.split('\n').filter((line) => line.startsWith('inkhorn: '));
      assert.deepEqual(errors, ['inkhorn: cannot write to stdout: no space left on the disk']);
      assert.doesNotMatch(ended.stderr, /^\s+at (?!.*\.cpp:\d+\)$)/m);
    });
  }

  test('a reader that has seen enough ends them quietly', async () => {
    const ended = await run(['data', 'show', 'moby-dick'], (child) => child.stdout?.destroy());
    assert.deepEqual([ended.code, ended.stderr.includes('inkhorn:')], [0, false], ended.stderr);
  });
});

test('generate that waits for standard input ends at the first Ctrl-C', async () => {
  // Its standard input stays open.
  const child = spawn(process.execPath, [program, 'generate', '--prompt', '-']);
  child.stderr.on('data', (part: Buffer) => {
    if (/waiting for the end of standard input/.test(String(part))) child.kill('SIGINT');
  });
  assert.deepEqual(await once(child, 'close'), [null, 'SIGINT']);
});

describe('the reference engine works in turns', () => {
  const size = 160;
  const product = { m: size, n: size, k: size };

  test('timers get theirs, results are the same, and what waits can be dropped', async () => {
    const [engine, other] = [createReference(), createReference()];
    const values = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
    const work = (on: typeof engine, times: number, wait: () => void): ReturnType<typeof on.alloc> => {
      const [a, b] = [on.alloc('f32', size * size), on.alloc('f32', size * size)];
      on.write(a, values);
      on.write(b, values);
      for (let i = 0; i < times; i++) {
        on.kernels.matmul(b, a, a, product);
        on.kernels.scale(a, b, 0.01);
        wait();
      }
      return a;
    };
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const times = 240; // several slices' worth, also on a fast processor
    const read = engine.read(work(engine, times, () => {}));
    const result = await read;
    clearInterval(timer);
    const [x] = [other.alloc('f32', 1)];
    const at = work(other, times, () => other.readSync(x));
    assert.deepEqual(result, other.readSync(at));
    assert.ok(turns > 1, `${turns} turns`);
    const dropped = engine.read(work(engine, 200, () => {}));
    setTimeout(() => engine.cancel?.(new Error('not needed')), 1);
    await assert.rejects(dropped, /not needed/);
  });

  test('an error in a kernel that waited reaches whoever reads next, once', async () => {
    const engine = createReference();
    const [a, b, few] = [size * size, size * size, 3].map((length) => engine.alloc('f32', length));
    const tokens = engine.alloc('f32', 5 * 3);
    const ids = engine.alloc('i32', 1);
    engine.write(ids, Int32Array.of(7)); // sizes are checked by the call, values by the kernel
    for (let i = 0; i < 60; i++) engine.kernels.matmul(b, a, a, product);
    engine.kernels.embedding(few, ids, tokens, null, { B: 1, T: 1, C: 3, start: 0 });
    await assert.rejects(engine.read(a), /is 7: it must be from 0 to 4/);
    assert.equal((await engine.read(few)).length, 3);
  });
});
