// The machinery of the native engine: its queue, its errors, its end. Its kernels are tested in
// ../conformance.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Backend, DeviceBuffer } from '../../src/backend/contract.ts';
import { createNative, loadAddon } from '../../src/backend/native/index.ts';
import { busyWork, filled } from '../support/work.ts';

const modulePath = new URL('../../src/backend/native/index.js', import.meta.url).href;
const skip = await createNative({ threads: 1 }).then(
  (engine) => {
    engine.dispose();
    return false;
  },
  (error: Error) => error.message,
);

describe('native engine', { skip }, () => {
  test('has the instruction sets that the system lists', {
    skip: !existsSync('/proc/cpuinfo') && 'no /proc/cpuinfo here',
  }, () => {
    const [, line = ''] = readFileSync('/proc/cpuinfo', 'utf8').match(/^flags\s*:(.*)$/m) ?? [];
    const flags = new Set(line.trim().split(' '));
    const has = (...names: string[]): boolean => names.every((name) => flags.has(name));
    const avx2 = has('avx2', 'fma', 'f16c', 'bmi2');
    const avx512 = avx2 && has('avx512f', 'avx512bw', 'avx512vl', 'avx512dq', 'avx512cd');
    const amx = avx512 && has('avx512_bf16', 'amx_tile', 'amx_bf16'); // Linux grants a process its tiles
    const isas = loadAddon().isas();
    assert.deepEqual(
      isas.map(({ name }) => name),
      [
        ...(amx ? ['amx'] : []),
        ...(avx512 ? ['avx512'] : []),
        ...(avx2 ? ['avx2'] : []),
        ...(process.arch === 'arm64' ? ['neon'] : []),
        'portable',
      ],
    );
    if (amx) assert.ok(isas[0].bf16);
    if (isas[0].bf16) assert.ok(has('avx512_bf16')); // which not every processor multiplies fast
  });

  test('reads resolve in any order of asking', () =>
    withEngine(2, async (engine) => {
      busyWork(engine)(5);
      const buffers = [1, 2, 3, 4].map((value) => filled(engine, 2, value));
      const results = await Promise.all(buffers.map((buffer) => engine.read(buffer)));
      assert.deepEqual(
        results.map((result) => result[1]),
        [1, 2, 3, 4],
      );
    }));

  test('a long product gives the same bits with 1 to 4 threads', async () => {
    const [m, n, k] = [61, 70, 3000];
    const results: Float32Array[] = [];
    for (const threads of [1, 2, 3, 4]) {
      await withEngine(threads, async (engine) => {
        const [a, b] = [pattern(engine, m * k), pattern(engine, k * n)];
        const out = engine.alloc('f32', m * n);
        engine.kernels.matmul(out, a, b, { m, n, k, transA: true });
        results.push((await engine.read(out)) as Float32Array);
      });
    }
    for (const result of results) assert.deepEqual(result, results[0]);
  });

  for (const threads of [1, 3]) {
    test(`takes denormals for zero, in all of ${threads} threads, and leaves those of JavaScript`, () =>
      withEngine(threads, async (engine) => {
        const denormal = 2 ** -130;
        const x = filled(engine, 2 ** 20, denormal);
        const out = filled(engine, 2 ** 20, 1);
        engine.kernels.add(out, x, x);
        const few = filled(engine, 4, denormal); // a program so short that JavaScript's thread runs it
        const program = engine.record(() => engine.kernels.scale(few, few, 2));
        await engine.sync();
        program.replay(0);
        assert.notEqual(Number.MIN_VALUE * threads, 0);
        assert.ok(((await engine.read(out)) as Float32Array).every((sum) => sum === 0));
        assert.deepEqual([...(await engine.read(few))], [0, 0, 0, 0]);
        assert.equal((await engine.read(x))[0], denormal);
      }));
  }

  test('wrong arguments are named, and nothing is queued', () =>
    withEngine(1, async (engine) => {
      const { kernels } = engine;
      const out = filled(engine, 6, 9);
      const a = filled(engine, 6, 1);
      const ints = engine.alloc('i32', 6);
      const shape = { m: 2, n: 3, k: 3 };
      assert.throws(() => kernels.matmul(out, a, a, shape), /matmul: b has 6 elements, \[3, 3\] needs 9/);
      assert.throws(() => kernels.matmul(out, a, ints, { ...shape, k: 2 }), /matmul: b is i32, not f32/);
      assert.throws(
        () => kernels.matmul(out, a, a, { ...shape, m: -2 }),
        /matmul: m -2 is not a whole number/,
      );
      assert.throws(() => kernels.matmul(out, a, a, { ...shape, k: 1.5 }), /k 1.5 is not a whole number/);
      assert.throws(() => kernels.matmul(out, a, a, { m: 2 ** 40, n: 2 ** 40, k: 0 }), /out has 6 elements/);
      assert.throws(() => kernels.add(out, a, filled(engine, 7, 0)), /add: b has 7 elements, not 6/);
      assert.throws(() => kernels.fill(ints, 0.5), /fill: value 0.5 does not fit i32/);
      assert.throws(() => kernels.copy(out, a, 4), /copy: out has 6 elements, 6 from 4 on do not fit/);
      const freed = engine.alloc('f32', 6);
      engine.free(freed);
      assert.throws(() => kernels.add(out, a, freed), /was freed or belongs to another engine/);
      assert.throws(() => engine.alloc('f32', 2 ** 52), /no memory for 4503599627370496 elements/);
      assert.deepEqual([...(await engine.read(out))], [9, 9, 9, 9, 9, 9]);
    }));

  test('buffers of another engine are refused', () =>
    withEngine(1, (one) =>
      withEngine(1, async (other) => {
        assert.throws(() => one.kernels.fill(other.alloc('f32', 3), 0), /belongs to another engine/);
      }),
    ));

  const noTasks = process.platform === 'linux' ? false : 'reads of threads in /proc';
  test('the threads of an idle engine sleep, and nothing wakes them', { skip: noTasks }, async () => {
    const others = new Set(readdirSync('/proc/self/task'));
    await withEngine(4, async (engine) => {
      busyWork(engine)(1);
      await engine.sync();
      const threads = readdirSync('/proc/self/task').filter((thread) => !others.has(thread));
      assert.ok(threads.length >= 3, `${threads.length} threads`);
      while (threads.some((thread) => !standing(thread).includes('sleeping'))) await pause(5);
      const before = threads.map(standing);
      await pause(300);
      assert.deepEqual(threads.map(standing), before);
    });
  });

  test('dispose rejects what is still awaited, and ends the engine', async () => {
    const engine = await createNative({ threads: 2 });
    const x = filled(engine, 3, 1);
    busyWork(engine)(50);
    const pending = engine.read(x);
    engine.dispose();
    await assert.rejects(pending, /the engine was disposed/);
    assert.throws(() => engine.alloc('f32', 3), /this engine was disposed: make a new one/);
    assert.equal(engine.memory().live, 0);
  });

  test('two addons in one process have their own threads', async () => {
    const copy = join(mkdtempSync(join(tmpdir(), 'inkhorn-addon-')), 'inkhorn.node');
    const code = `
      import { copyFileSync } from 'node:fs';
      import { findAddon } from '${new URL('../../src/backend/native/addon-file.js', import.meta.url).href}';
      import { share } from '${new URL('../../src/backend/native/threads.js', import.meta.url).href}';
      const settings = { threads: 1, precision: 'f32' };
      const first = loadAddon();
      copyFileSync(findAddon().file, process.env.INKHORN_ADDON = ${JSON.stringify(copy)});
      const leases = [first, first, loadAddon()].map((addon) => share(addon, 'portable', settings));
      const [a, b, c] = leases.map(({ team }) => team.engine);
      console.log(a === b, a === c);
      for (const { end } of leases) end();`;
    try {
      assert.equal((await node(code)).stdout, 'true false\n');
    } finally {
      rmSync(join(copy, '..'), { recursive: true });
    }
  });

  test('INKHORN_ADDON may be relative to the working directory', async () => {
    const code = `import { findAddon } from '${new URL('../../src/backend/native/addon-file.js', import.meta.url).href}';
      const here = process.env.INKHORN_ADDON;
      delete process.env.INKHORN_ADDON;
      const [{ file }, { relative }] = [findAddon(), await import('node:path')];
      process.env.INKHORN_ADDON = here ?? relative('', file);
      console.log(loadAddon().version > 0);`;
    assert.equal((await node(code)).stdout, 'true\n');
  });

  test('an unknown instruction set is refused, with those there are', async () => {
    const { stderr } = await node(`await createNative({}).catch((error) => console.error(error.message));`, {
      INKHORN_ISA: 'mmx',
    });
    assert.match(stderr, /INKHORN_ISA is 'mmx', this build and processor have .*portable: use one of these/);
    const code = `console.log((await createNative({ threads: 1 })).description);`;
    assert.match((await node(code, { INKHORN_ISA: 'Portable' })).stdout, /^native \(portable, 1 thread\)$/m);
  });

  test('names of features to hide may have any case, and are refused when they are none', async () => {
    const code = `console.log(loadAddon().isas().map(({ name }) => name).join(' '));`;
    const hidden = { INKHORN_WITHOUT: 'AVX2, neon' };
    assert.equal((await node(code, hidden)).stdout, 'portable\n');
    const line = 'console.log(await createNative().catch((error) => error.message));';
    const { stdout } = await node(line, { INKHORN_WITHOUT: 'amx,AVX-512' });
    assert.match(stdout, /^INKHORN_WITHOUT has 'avx-512': use names of avx2, .*, i8mm, or unset it\n$/);
    const inWorker = JSON.stringify(`import { loadAddon } from '${modulePath}'; ${code}`);
    const worker = `import { Worker } from 'node:worker_threads';
      const url = new URL('data:text/javascript,' + encodeURIComponent(${inWorker}));
      new Worker(url, { env: { INKHORN_WITHOUT: 'AVX2' } }).on('error', ({ message }) => console.log(message));`;
    const refused = /^INKHORN_WITHOUT is 'AVX2': write avx2 for an engine in a worker, or unset it\n$/;
    assert.match((await node(worker)).stdout, refused);
  });

  test('a file that is no addon is refused, and not run', async () => {
    const { stderr } = await node(`await createNative().catch((error) => console.error(error.message));`, {
      INKHORN_ADDON: fileURLToPath(import.meta.url),
    });
    assert.match(stderr, /^not built: .*native\.test\.js is no addon, a file \*\.node: name another one/);
  });

  for (const [version, age] of [
    ['undefined', 'older'],
    ['1e6', 'newer'],
  ]) {
    test(`an addon ${age} than the code is refused in one line`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'inkhorn-addon-'));
      try {
        const file = join(folder, 'addon.node');
        writeFileSync(file, `exports.version = ${version};`);
        const { stderr } = await node(
          `const { default: Module } = await import('node:module');
           Module._extensions['.node'] = Module._extensions['.js'];
           await createNative().catch((error) => console.error(error.message));`,
          { INKHORN_ADDON: file },
        );
        assert.match(
          stderr,
          new RegExp(
            `^the native addon \\(INKHORN_ADDON\\) is ${age} than the code .*: name another one .*, or unset it\n$`,
          ),
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  // The process must end by itself, whatever the engine is doing.
  const ends = {
    'left alone': '',
    disposed: 'engine.dispose();',
    'awaited, then left alone': 'await engine.sync();',
    'awaited by nobody': 'engine.sync(); engine.read(x);',
  };
  for (const [name, code] of Object.entries(ends)) {
    test(`the process ends with an engine ${name}`, async () => {
      const { stdout } = await node(`${busy} ${code} console.log('end');`);
      assert.equal(stdout, 'end\n');
    });
  }

  test('engines in workers end with them, and with terminate', async () => {
    const inWorker = JSON.stringify(`import { createNative, loadAddon } from '${modulePath}';
      import { parentPort } from 'node:worker_threads';
      ${busy}
      engine.sync().catch(() => {});
      parentPort.postMessage('queued');`);
    const { stdout } = await node(`
      const { Worker } = await import('node:worker_threads');
      const url = new URL('data:text/javascript,' + encodeURIComponent(${inWorker}));
      for (const stop of [true, false]) {
        const worker = new Worker(url);
        const exit = new Promise((resolve) => worker.once('exit', resolve));
        await new Promise((resolve) => worker.once('message', resolve));
        if (stop) await worker.terminate();
        await exit;
      }
      console.log('end');`);
    assert.equal(stdout, 'end\n');
  });
});

/** Code that makes an `engine` and keeps it busy for a moment. */
const busy = `const engine = await createNative({ threads: 2 });
  const [x, out] = [engine.alloc('f32', 512 * 512), engine.alloc('f32', 512 * 512)];
  engine.kernels.fill(x, 0);
  for (let i = 0; i < 20; i++) engine.kernels.matmul(out, x, x, { m: 512, n: 512, k: 512 });`;

/** Runs a module in a process of its own. Rejects when it fails or does not end. */
function node(code: string, env: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> {
  const source = `import { createNative, loadAddon } from '${modulePath}';\n${code}`;
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
}

async function withEngine(threads: number, body: (engine: Backend) => Promise<void>): Promise<void> {
  const engine = await createNative({ threads });
  try {
    await body(engine);
  } finally {
    engine.dispose();
  }
}

/** Whether a thread of this process sleeps, and how often it has gone to sleep. */
function standing(thread: string): string {
  const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
  return status.match(/^(State|voluntary_ctxt_switches):.*$/gm)?.join(', ') ?? '';
}

/** Numbers between -1 and 1 without a short period. */
function pattern(engine: Backend, length: number): DeviceBuffer {
  const buffer = engine.alloc('f32', length);
  engine.write(
    buffer,
    Float32Array.from({ length }, (_, i) => Math.sin(i * i)),
  );
  return buffer;
}
