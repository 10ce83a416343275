// The WASM engine's machinery: its line of tasks, its memory, its threads, its end. What its kernels compute
// is in ../conformance.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Backend, DeviceBuffer } from '../../src/backend/contract.ts';
import { createWasm, type WasmHost } from '../../src/backend/wasm/index.ts';
import { nodeWasmHost } from '../../src/platform/node-wasm.ts';
import { busyWork, filled } from '../support/work.ts';

declare const WebAssembly: { compile(bytes: Uint8Array): Promise<unknown> };

const run = promisify(execFile);
const platform = new URL('../../src/platform/', import.meta.url).href;

async function withEngine(
  work: (engine: Backend) => Promise<void> | void,
  host: Partial<WasmHost> = {},
  threads = 2,
): Promise<void> {
  const engine = await createWasm({ ...nodeWasmHost(), ...host }, { threads });
  try {
    await work(engine);
  } finally {
    engine.dispose();
  }
}

describe('the wasm engine', () => {
  test('says what it computes with', async () => {
    await withEngine(
      ({ description }) => assert.match(description, /^wasm \((relaxed SIMD|SIMD128), 3 threads\)$/),
      {},
      3,
    );
    await withEngine(({ description }) => assert.equal(description, 'wasm (SIMD128, 1 thread: alone)'), {
      wanted: 'simd128',
      alone: 'alone',
    });
  });

  test('reads give what was there when they were asked for', () =>
    withEngine(async (engine) => {
      const x = filled(engine, 2, 0);
      const work = busyWork(engine);
      const reads = [];
      for (let i = 1; i <= 5; i++) {
        work(3);
        engine.kernels.fill(x, i);
        reads.push(engine.read(x));
      }
      engine.kernels.fill(x, 9);
      assert.deepEqual(
        (await Promise.all(reads)).map(([first]) => first),
        [1, 2, 3, 4, 5],
      );
    }));

  test('memory that was given back is used again: it does not grow', () =>
    withEngine(async (engine) => {
      const sizes = [5_000_000, 1_000_000, 3_000_000];
      for (let round = 0; round < 300; round++) {
        const buffers = sizes.map((size) => engine.alloc('f32', size));
        for (const buffer of buffers) engine.free(buffer);
        engine.trim();
        await engine.sync();
      }
    }));

  test('what does not fit in memory is refused in one line, and the engine goes on', () =>
    withEngine(async (engine) => {
      assert.throws(
        () => engine.alloc('f32', 2 ** 29),
        /^Error: out of memory: 2048\.0 MB more than the \d+ MB/,
      );
      const large: DeviceBuffer[] = [];
      assert.throws(() => {
        for (;;) large.push(engine.alloc('f32', 400_000_000));
      }, /^Error: out of memory: 1525\.9 MB more than the 3\d{3} MB that WebAssembly has here: use a smaller batch or model$/);
      assert.equal(large.length, 2);
      for (const buffer of large) engine.free(buffer);
      engine.trim();
      await engine.sync();
      engine.alloc('f32', 400_000_000);
      assert.deepEqual([...(await engine.read(filled(engine, 1, 7)))], [7]);
    }));

  for (const alone of [null, 'alone'])
    test(`a kernel that finds no working memory ends the engine in one line, ${alone ?? 'with threads'}`, () =>
      withEngine(
        async (engine) => {
          const n = 2000; // a weight that takes 8 MB packed
          const [a, b, c] = [16 * n, n * n, 16 * n].map((length) => engine.alloc('f32', length));
          for (const size of [60_000_000, 250_000])
            assert.throws(() => {
              for (;;) engine.alloc('f32', size);
            }, /out of memory/);
          const works = async (): Promise<void> => {
            engine.kernels.matmul(c, a, b, { m: 16, n, k: n });
            await engine.read(c, 0, 1);
          };
          await assert.rejects(works, /^Error: out of memory: .* MB more than the/);
          if (alone === null) await assert.rejects(async () => engine.readSync(c, 0, 1), /out of memory/);
        },
        { alone },
      ));

  test('what was disposed of says so', async () => {
    const engine = await createWasm(nodeWasmHost(), { threads: 2 });
    const x = filled(engine, 100, 1);
    const program = engine.record(() => engine.kernels.scale(x, x, 2));
    busyWork(engine)(50);
    const pending = assert.rejects(engine.sync(), /was disposed/);
    engine.dispose();
    engine.dispose();
    await pending;
    assert.throws(() => engine.alloc('f32', 1), /was disposed/);
    program.dispose();
  });

  test('a process ends by itself, with an engine that is still there, and with one that is not', async () => {
    for (const end of ['', 'backend.dispose();']) {
      const code = `import { createBackend } from '${platform}node.js';
        const { backend } = await createBackend('wasm', { threads: 3 });
        const x = backend.alloc('f32', 4);
        backend.kernels.fill(x, 2);
        console.log((await backend.read(x))[0]);
        ${end}`;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], {
        timeout: 60_000,
      });
      assert.equal(stdout, '2\n');
    }
  });
});

describe('where the wasm engine does not work, one line says why', () => {
  const refused = async (host: Partial<WasmHost>, reason: RegExp): Promise<void> => {
    await assert.rejects(createWasm({ ...nodeWasmHost(), ...host }, { threads: 2 }), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  };

  test('its file is missing, cut off, or something else', async () => {
    const load = async (): Promise<Uint8Array> => {
      throw new Error('no such file');
    };
    await refused({ load }, /^\w+\.wasm cannot be read: no such file$/);
    for (const share of [0, 0.3, 0.999]) {
      const cut = async (build: 'simd128' | 'relaxed'): Promise<Uint8Array> => {
        const bytes = await nodeWasmHost().load(build);
        return bytes.subarray(0, Math.floor(bytes.length * share));
      };
      await refused({ load: cut }, /^\w+\.wasm does not compile: .*install inkhorn again if it is damaged/);
    }
    // An empty module has none of the functions.
    await refused({ load: async () => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0) }, /is not a function/);
  });

  test("a page's content security policy forbids to compile", async (t) => {
    for (const reason of ["'unsafe-eval' is not an allowed source of script", 'blocked by CSP']) {
      const { mock } = t.mock.method(WebAssembly, 'compile', async () => Promise.reject(new Error(reason)));
      await refused(
        {},
        /^\w+\.wasm does not compile: .*; add 'wasm-unsafe-eval' to script-src in the page's/,
      );
      mock.restore();
    }
  });

  test('a build that is not known, or not supported', async () => {
    await refused({ wanted: 'AVX2' }, /^INKHORN_WASM is 'AVX2': use relaxed or simd128, or unset it$/);
    const engine = await createWasm({ ...nodeWasmHost(), wanted: ' SIMD128' }, { threads: 1 });
    assert.match(engine.description, /SIMD128/);
    engine.dispose();
  });

  test('a thread that does not start, or is blocked', async () => {
    const blocked = (): never => {
      throw new Error('blocked by the content security policy');
    };
    await refused(
      { startThread: blocked },
      /^its threads do not start: blocked by the content security policy$/,
    );
    const broken = (): ReturnType<WasmHost['startThread']> => {
      const thread = nodeWasmHost().startThread();
      return { ...thread, send: (orders) => thread.send({ ...orders, stack: 2n as unknown as number }) };
    };
    await refused({ startThread: broken }, /^its threads do not start: /);
  });

  test('no SharedArrayBuffer, and no memory that can be shared', async () => {
    const code = `
      const { Memory } = WebAssembly;
      WebAssembly.Memory = class { constructor() { throw new RangeError('could not allocate memory'); } };
      const { createBackend, useBackend } = await import('${platform}node.js');
      await createBackend('wasm').catch((error) => console.log(error.message));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
    assert.match(
      stdout,
      /^there is no shared WebAssembly memory here: could not allocate memory; close other tabs or programs, or .*\n$/,
    );
  });

  test('auto takes the next engine and says why; an engine asked for by name does not change', async () => {
    const code = `
      const { createBackend } = await import('${platform}node.js');
      const { backend, passedOver } = await createBackend('auto');
      console.log(JSON.stringify([backend.name, passedOver.map(({ name, detail }) => [name, detail])]));
      await createBackend('native').catch((error) => console.log(error.message.startsWith('not built')));
      backend.dispose();`;
    const auto = async (env: Record<string, string>): Promise<string> => {
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], {
        env: { ...process.env, INKHORN_ADDON: '/nowhere.node', ...env },
      });
      return stdout;
    };
    assert.match(await auto({}), /^\["wasm",\[\["native","not built.*\]\]\]\ntrue\n$/);
    assert.match(
      await auto({ INKHORN_WASM: 'none' }),
      /^\["reference",\[\["native",".*"\],\["wasm","INKHORN_WASM is 'none'.*\]\]\]\ntrue\n$/,
    );
  });
});
