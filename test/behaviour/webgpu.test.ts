// The WebGPU engine as a whole: dispatches and memory of a step, bits, a lost GPU, reasons why there is none.
// (Its kernels: conformance/webgpu.test.ts.)
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../../src/backend/contract.ts';
import { referenceFactory } from '../../src/backend/reference/index.ts';
import { enginesOf } from '../../src/backend/registry.ts';
import { createWebgpu, type WebgpuBackend, type WebgpuHost } from '../../src/backend/webgpu/index.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { nodeWebgpuHost } from '../../src/platform/node-webgpu.ts';
import { hasCheckpoint, loadCheckpoint } from '../../src/runs/checkpoint.ts';
import { textRecord } from '../../src/runs/data-record.ts';
import { readHistory } from '../../src/runs/open.ts';
import { trainInFolder } from '../../src/runs/train-in-folder.ts';
import { keep } from '../../src/tensor/scope.ts';
import { zeros } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { createOptimizer } from '../../src/train/optimizers.ts';
import { seedSettings } from '../../src/train/settings.ts';
import { accumulateGradients, clipFactor, gradientNorm } from '../../src/train/step.ts';
import { webgpu } from '../support/engines.ts';
import { idleGpu } from '../support/idle-gpu.ts';
import { createTestWebgpu } from '../support/webgpu.ts';

const { skip } = await webgpu();

/** Optimizer steps of a model on random tokens, B sequences of T each. Yields the loss of each. */
async function* steps(model: GPT, B: number, T: number): AsyncGenerator<number> {
  const { vocabSize } = model.config;
  const parameters = namedParameters(model);
  const optimizer = createOptimizer(parameters, seedSettings);
  for (let step = 1; ; step++) {
    const ids = Int32Array.from({ length: B * T }, (_, i) => (i * i * 31 + step * 7) % vocabSize);
    const targets = ids.map((id) => (id + 1) % vocabSize);
    const options = { microBatch: B, seed: 1, step };
    const loss = await accumulateGradients(model, { B, T, ids, targets }, options);
    optimizer.step(step, 1, clipFactor(await gradientNorm(parameters), 1));
    optimizer.zeroGrad();
    await model.backend.sync();
    yield loss;
  }
}

const small = makeConfig(presets.tiny, 33, { blockSize: 8, nLayer: 1, nEmbd: 8, nHead: 2, dropout: 0.1 });

/** Five losses of a small model, and one of its weights afterwards. */
async function lesson(backend: WebgpuBackend): Promise<number[]> {
  const model = new GPT(small, { backend, seed: 3 });
  const losses: number[] = [];
  for await (const loss of steps(model, 2, 8)) if (losses.push(loss) === 5) break;
  const [weight] = namedParameters(model).values();
  const values = [...losses, ...(await weight.data())];
  backend.dispose();
  return values;
}

const text = 'so it goes and goes, and so on it goes.\n'.repeat(9);
const tokenizer = Tokenizer.train(text, { vocabSize: 260 });
const record = await textRecord(text, { name: 'text.txt' });

/** A run of six steps with a checkpoint after every second, begun or resumed. */
async function* run(store: Store, backend: Backend): AsyncGenerator<TrainEvent> {
  const last = store.folder('last');
  const from = (await hasCheckpoint(last)) ? await loadCheckpoint(last, { backend }) : undefined;
  const model = from?.model ?? new GPT({ ...small, vocabSize: tokenizer.vocabSize }, { backend, seed: 1 });
  const rest = { evalEvery: 6, probeEvery: 0, sampleEvery: 0 };
  const settings = { ...seedSettings, ...rest, steps: 6, batchSize: 2, microBatch: 2, checkpointEvery: 2 };
  const data = dataset(text, tokenizer);
  yield* trainInFolder({ store, model, tokenizer, dataset: data, data: record, settings, from });
}

/** The losses in the history of a run that is begun or resumed, by step. */
async function losses(store: Store, backend: Backend): Promise<[step: number, loss: number][]> {
  for await (const _ of run(store, backend)) {
    // goes on to the end
  }
  backend.dispose();
  const { events } = await readHistory(store);
  return events.flatMap((event) => (event.type === 'step' ? [[event.step, event.loss]] : []));
}

/** A host whose next device is kept. */
function keeping(kept: { device?: GPUDevice }, limits?: Record<string, number>): WebgpuHost {
  const host = nodeWebgpuHost();
  return {
    ...host,
    async open() {
      const gpu = await host.open();
      const requestAdapter = async (): Promise<unknown> => {
        const adapter = await gpu.requestAdapter();
        return {
          features: adapter?.features,
          info: adapter?.info,
          limits: limits ?? adapter?.limits,
          requestDevice: async (options?: GPUDeviceDescriptor) => {
            kept.device = await adapter?.requestDevice(options);
            return kept.device;
          },
        };
      };
      const { wgslLanguageFeatures } = gpu;
      return { requestAdapter, wgslLanguageFeatures } as unknown as GPU;
    },
  };
}

/** Whether the processor imitates the GPU. */
async function isImitated(): Promise<boolean> {
  const backend = await createTestWebgpu();
  backend.dispose();
  return backend.lastResort !== undefined;
}

describe('webgpu', { skip }, () => {
  test('equal bits from run to run, wherever passes are cut', async () => {
    const wanted = await lesson(await createTestWebgpu());
    assert.ok(wanted[4] < wanted[0], `it learns: ${wanted.slice(0, 5)}`);
    assert.deepEqual(await lesson(await createTestWebgpu()), wanted);
    assert.deepEqual(await lesson(await createTestWebgpu({ passWork: 3000 })), wanted);
  });

  test('buffers of sizes that do not come again are given back, after what uses them', async () => {
    const backend = await createTestWebgpu();
    const { kernels } = backend;
    const [squares, sum] = [backend.alloc('f32', 1), backend.alloc('f32', 1)];
    for (const out of [squares, sum]) kernels.fill(out, 0);
    for (let i = 0; i < 60; i++) {
      const x = backend.alloc('f32', 2 ** 18 + i);
      kernels.fill(x, 1); // is joined with those before and after it
      kernels.sumRows(sum, x, 1, 1);
      kernels.sumSquares(squares, x, true);
      backend.free(x);
    }
    assert.deepEqual([...(await backend.read(sum))], [60]);
    assert.deepEqual([...(await backend.read(squares))], [60 * 2 ** 18 + (59 * 60) / 2]);
    const { liveBytes, pooledBytes } = backend.memory();
    assert.ok(liveBytes + pooledBytes < 2 ** 25, `${pooledBytes}`);
    backend.dispose();
  });

  test('what is freed while it waits to be joined is not written to before', async () => {
    const backend = await createTestWebgpu();
    const { kernels } = backend;
    for (const length of [64, 128, 256]) {
      // The sums of two parts are in a buffer of 128 for a moment.
      const [out, x, y] = [1, length, length].map((n) => backend.alloc('f32', n));
      for (const [buffer, value] of [
        [out, 0],
        [x, 2],
        [y, 1],
      ] as const)
        kernels.fill(buffer, value);
      for (const buffer of [y, x]) kernels.sumSquares(out, buffer, true);
      for (const buffer of [y, x]) backend.free(buffer);
      assert.deepEqual([...(await backend.read(out))], [5 * length], `${length}`);
    }
    backend.dispose();
  });

  test('pieces of more than 65,535 groups do not overlap', async () => {
    const n = 64 * 65_535 * 2.5;
    const backend = await createTestWebgpu({ passWork: n }); // two pieces of the work below
    const [out, x] = [backend.alloc('f32', n), backend.alloc('f32', n)];
    backend.kernels.fill(out, 1);
    backend.kernels.fill(x, 1);
    await backend.sync();
    const before = backend.counts.dispatches;
    backend.kernels.sumRows(out, x, 1, n);
    const sums = await backend.read(out);
    assert.equal(backend.counts.dispatches - before, 2);
    assert.equal(
      sums.findIndex((sum) => sum !== 2),
      -1,
    );
    backend.dispose();
  });

  test('updates side by side have the bits of single ones, and buffers can be used as before', async () => {
    const lengths = [5, 64, 1, 130, 7];
    const update = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradScale: 0.5 };
    const told = async (apart: boolean): Promise<number[]> => {
      const backend = await createTestWebgpu();
      const { kernels } = backend;
      const rows = lengths.map((length, k) =>
        [1, 2, 3, 4].map((c) => {
          const buffer = backend.alloc('f32', length);
          const values = Float32Array.from({ length }, (_, i) => Math.abs(Math.sin(i + 7 * k + 31 * c)));
          backend.write(buffer, values);
          return buffer;
        }),
      );
      const step = async (t: number): Promise<void> => {
        for (const [param, grad, m, v] of rows) {
          kernels.adamw(param, grad, m, v, { ...update, t });
          if (apart) await backend.sync();
        }
        await backend.sync();
      };
      await step(1);
      const before = backend.counts.dispatches;
      await step(2);
      assert.equal(backend.counts.dispatches - before, apart ? lengths.length : 1);
      // Neighbours: one is read, the other written; and writes reach the middle.
      kernels.copy(rows[4][0], rows[0][0], 2);
      backend.write(rows[3][0], Float32Array.of(9, 8), 3);
      await step(3);
      backend.free(rows[1][1]);
      rows[1][1] = backend.alloc('f32', lengths[1]);
      kernels.fill(rows[1][1], 2);
      await step(4);
      const values: number[] = [];
      for (const row of rows) for (const buffer of row) values.push(...(await backend.read(buffer)));
      backend.dispose();
      return values;
    };
    assert.deepEqual(await told(false), await told(true));
  });

  test('what the processor imitates can be dropped: reads reject, and all goes on', async (t) => {
    const backend = await createTestWebgpu({ passWork: 1e5 });
    if (backend.cancel === undefined) {
      backend.dispose();
      return t.skip('this GPU is real');
    }
    const n = 160;
    const [a, b] = [backend.alloc('f32', n * n), backend.alloc('f32', n * n)];
    backend.kernels.fill(a, 1);
    await backend.sync();
    const submits = backend.counts.submits;
    for (let i = 0; i < 60; i++) backend.kernels.matmul(b, a, a, { m: n, n, k: n });
    const read = backend.read(b);
    backend.cancel(new Error('not needed'));
    await assert.rejects(read, /^Error: not needed$/);
    assert.ok(backend.counts.submits - submits < 60, 'most never began');
    backend.kernels.scale(b, a, 3);
    assert.deepEqual([...(await backend.read(b, 0, 2))], [3, 3]);
    backend.dispose();
  });

  test('Ctrl-C in the middle of a step that takes long: a checkpoint, 130', async (t) => {
    if (!(await isImitated())) return t.skip('this GPU is real');
    const folder = mkdtempSync(join(tmpdir(), 'inkhorn-webgpu-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'text.txt'), text);
    const flags = '--preset tiny --block-size 64 --n-layer 4 --n-embd 128 --n-head 4 --batch-size 32';
    const line = `train --data text.txt --out run ${flags} --vocab-size 260 --eval-every 0 --sample-every 0`;
    const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    const args = [main, ...line.split(' '), '--steps', '9', '--checkpoint-every', '1', '--backend', 'webgpu'];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (part: Buffer) => {
      said += part;
    });
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGINT'), 1500));
    assert.deepEqual(await once(child, 'close'), [130, null], said);
    const { progress } = JSON.parse(readFileSync(join(folder, 'run/last/training.json'), 'utf8'));
    assert.equal(progress.step, 0);
  });

  test('a lost GPU: what waits and what comes later fails, with one line', async () => {
    const kept: { device?: GPUDevice } = {};
    (await createTestWebgpu()).dispose(); // finds the driver
    const backend = await createWebgpu(keeping(kept));
    const buffer = backend.alloc('f32', 100);
    backend.kernels.fill(buffer, 1);
    const reading = backend.read(buffer);
    kept.device?.destroy();
    const line = /^Error: the GPU was lost \([^\n]*\): start again from the last checkpoint[^\n]*$/;
    await assert.rejects(reading, line);
    await assert.rejects(backend.read(buffer), line);
    await assert.rejects(backend.sync(), line);
    assert.throws(() => backend.alloc('f32', 7), line);
    assert.throws(() => {
      backend.kernels.fill(buffer, 2);
      backend.kernels.scale(buffer, buffer, 2);
    }, line);
    backend.dispose();
  });

  test('a run whose GPU is lost ends with that line, and goes on from its checkpoint', async () => {
    const whole = await losses(memoryStore('whole'), await createTestWebgpu());
    const kept: { device?: GPUDevice } = {};
    const store = memoryStore('run');
    const backend = await createWebgpu(keeping(kept));
    const ended = async (): Promise<void> => {
      for await (const event of run(store, backend)) if (event.step === 3) kept.device?.destroy();
    };
    await assert.rejects(ended, /^Error: the GPU was lost \([^\n]*\): start again from the last checkpoint/);
    assert.deepEqual(await losses(store, await createTestWebgpu()), whole);
  });

  test('a buffer that no GPU takes is refused with its size and the limit', async () => {
    const backend = await createTestWebgpu();
    assert.throws(() => backend.alloc('f32', 2 ** 34), /a buffer of 65536\.0 MB is too large.*takes \d+/);
    backend.dispose();
    assert.throws(() => backend.alloc('f32', 4), /disposed/);
    await assert.rejects(backend.sync(), /disposed/);
  });

  test('a GPU below the limits is refused with the limit', async () => {
    const tooSmall = createWebgpu(keeping({}, { maxStorageBuffersPerShaderStage: 4 }));
    await assert.rejects(
      tooSmall,
      /^Error: the GPU is too small: its maxStorageBuffersPerShaderStage is 4, 8/,
    );
  });

  test('auto passes over an imitated GPU, which works by name', async (t) => {
    const backend = await createTestWebgpu();
    const { lastResort } = backend;
    backend.dispose();
    if (lastResort === undefined) return t.skip('this GPU is real');
    const { createBackend, reportBackends } = enginesOf([
      { name: 'webgpu', create: createTestWebgpu },
      referenceFactory,
    ]);
    const chosen = await createBackend('auto');
    assert.equal(chosen.backend.name, 'reference');
    assert.deepEqual(chosen.passedOver, [
      { name: 'webgpu', available: true, detail: lastResort, lastResort },
    ]);
    const named = await createBackend('webgpu');
    assert.equal(named.backend.name, 'webgpu');
    named.backend.dispose();
    const [report] = await reportBackends();
    assert.deepEqual([report.available, report.lastResort], [true, lastResort]);
  });

  test('a process ends by itself, whether or not its engine was disposed of', () => {
    const module = fileURLToPath(new URL('../support/webgpu.js', import.meta.url));
    for (const end of ['', 'backend.dispose();']) {
      const program = `
        const { createTestWebgpu } = await import(${JSON.stringify(`file://${module}`)});
        const backend = await createTestWebgpu();
        const x = backend.alloc('f32', 5);
        backend.kernels.fill(x, 2);
        console.log((await backend.read(x)).join());
        ${end}`;
      const args = ['--input-type=module', '--eval', program];
      // Without a folder of this name, libraries of the display that Vulkan loads complain on stderr.
      const env = { ...process.env, XDG_RUNTIME_DIR: tmpdir() };
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { timeout: 60_000, env });
      assert.equal(`${stdout}${stderr}`, '2,2,2,2,2\n');
      assert.equal(status, 0);
    }
  });
});

describe('what webgpu asks of a GPU', () => {
  test('a step of seed: at most 250 dispatches, and nothing new after the second', async (t) => {
    const backend = await createWebgpu(idleGpu, { passWork: Number.POSITIVE_INFINITY, tiles: false });
    const model = new GPT(makeConfig(presets.seed, 500), { backend });
    let before = { ...backend.counts };
    let step = 0;
    for await (const _ of steps(model, 64, 256)) {
      step++;
      const { dispatches, submits, ...made } = backend.counts;
      const { dispatches: d, submits: s, ...had } = before;
      before = { ...backend.counts };
      if (step === 1) continue; // it also makes the optimizer
      assert.ok(dispatches - d <= 250, `${dispatches - d} dispatches`);
      if (step > 2) assert.deepEqual(made, had, `step ${step}`);
      if (step < 5) continue;
      t.diagnostic(`${dispatches - d} dispatches, ${submits - s} submits`);
      break;
    }
    backend.dispose();
  });

  test('one dispatch of AdamW for all parameters of a group, in place from the second step on', async () => {
    const backend = await createWebgpu(idleGpu, { passWork: Number.POSITIVE_INFINITY, tiles: false });
    const model = new GPT(makeConfig(presets.seed, 500), { backend });
    const parameters = namedParameters(model);
    const optimizer = createOptimizer(parameters, { ...seedSettings, decay: 'matrices', weightDecay: 0.1 });
    for (const parameter of parameters.values())
      parameter.grad = keep(zeros(parameter.shape, 'f32', backend));
    await backend.sync();
    for (const [t, made] of [true, false, false].entries()) {
      const { dispatches, buffers } = backend.counts;
      optimizer.step(t + 1, 1 / (t + 1), 1);
      await backend.sync();
      assert.equal(backend.counts.dispatches - dispatches, 2, 'decayed, and the others');
      assert.equal(backend.counts.buffers > buffers, made);
    }
    backend.dispose();
  });

  test('a pass is cut by work, and a large product too', async () => {
    const backend = await createWebgpu(idleGpu, { passWork: 1e9 });
    const [m, n, k] = [16_384, 928, 232];
    const [x, weight, out] = [m * k, n * k, m * n].map((length) => backend.alloc('f32', length));
    for (let i = 0; i < 3; i++) backend.kernels.matmul(out, x, weight, { m, n, k, transB: true });
    await backend.sync();
    const work = 3 * 2 * m * n * k;
    assert.ok(backend.counts.submits >= work / 1e9, `${backend.counts.submits} submits`);
    backend.dispose();
  });

  test('more than 65,535 groups are folded', async () => {
    const backend = await createWebgpu(idleGpu, { passWork: Number.POSITIVE_INFINITY, tiles: false });
    const x = backend.alloc('f32', 2 ** 25);
    backend.kernels.scale(x, x, 2);
    await backend.sync(); // the idle GPU refuses more
    assert.equal(backend.counts.dispatches, 1);
    backend.dispose();
  });
});

describe('where there is no WebGPU, one line says why', () => {
  const hosts: [string, Partial<WebgpuHost>, RegExp][] = [
    [
      'no adapter',
      { open: async () => ({ requestAdapter: async () => null }) as unknown as GPU },
      /finds no GPU: try/,
    ],
    [
      'no entry',
      {
        open: async () => {
          throw new Error('no such package');
        },
      },
      /^Error: no such package$/,
    ],
  ];
  for (const [what, host, line] of hosts)
    test(what, async () => {
      const backend = createWebgpu({ noAdapter: 'try another', ...host } as WebgpuHost);
      await assert.rejects(backend, line);
    });

  test('Vulkan finds none of the named drivers, which Dawn need not tell again', {
    skip: process.platform !== 'linux',
  }, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'inkhorn-vulkan-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const manifest = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const naming = (library: string): string => JSON.stringify({ ICD: { library_path: library } });
    const values = [
      '',
      join(folder, 'none'),
      `${join(folder, 'none')}:${folder}`,
      manifest('damaged.json', '{'),
      manifest('other.json', '{}'),
      manifest('path.json', naming('./lib/none.so')),
      manifest('name.json', naming('libvulkan_none.so')),
    ];
    const settings = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'].flatMap((name) =>
      values.map((value) => [name, value] as const),
    );
    const module = fileURLToPath(new URL('../../src/platform/node.js', import.meta.url));
    const program = `
      const { createBackend } = await import(${JSON.stringify(`file://${module}`)});
      for (const [name, value] of ${JSON.stringify(settings)}) {
        delete process.env.VK_DRIVER_FILES;
        process.env[name] = value;
        await createBackend('webgpu').catch(({ message }) => console.log(message));
      }`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
    const lines = `${stdout}${stderr}`.trimEnd().split('\n');
    assert.equal(lines.length, settings.length, lines.join('\n'));
    for (const [i, [name, value]] of settings.entries())
      if (!/^Vulkan's loader|^the optional package/.test(lines[i]))
        assert.ok(lines[i].startsWith(`${name}=${value} names no driver that Vulkan can load: `), lines[i]);
  });
});
