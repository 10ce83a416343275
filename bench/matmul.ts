// How fast an engine multiplies matrices: the five layer shapes of the seed's model, or of GPT-2, forward
// (NT: the weight is stored [out, in]), gradient of the input (NN) and of the weight (TN). Packing is
// included.
//   npm run bench -- matmul [--model gpt2] [--backend native] [--rows 2048] [--threads 2] [--precision bf16]
//   [--seconds 0.3] [--json]

import { median } from '../src/base/statistics.ts';
import { createBackend } from '../src/platform/node-engines.ts';
import { describeMachine, machine, readOptions } from './support/program.ts';

const values = readOptions({
  model: { type: 'string', default: 'seed' },
  backend: { type: 'string', default: 'native' },
  rows: { type: 'string' },
  threads: { type: 'string' },
  precision: { type: 'string', default: 'f32' },
  seconds: { type: 'string', default: '0.3' },
});
const small = values.model === 'seed';
if (!small && values.model !== 'gpt2') throw new Error(`--model ${values.model}: seed or gpt2`);
const rows = Number(values.rows ?? (small ? 2048 : 1024));
const seconds = Number(values.seconds);
const threads = values.threads ? { threads: Number(values.threads) } : {};
const { backend } = await createBackend(values.backend, {
  ...threads,
  precision: values.precision === 'bf16' ? 'bf16' : 'f32',
});
const { kernels } = backend;

/** Layers as [name, inputs, outputs]. GPT-2's head has a quarter of the rows: training slices logits. */
const layers: [string, number, number][] = small
  ? [
      ['qkv', 232, 684],
      ['proj', 228, 232],
      ['fc1', 232, 928],
      ['fc2', 928, 232],
      ['head', 232, 500],
    ]
  : [
      ['qkv', 768, 2304],
      ['proj', 768, 768],
      ['fc1', 768, 3072],
      ['fc2', 3072, 768],
      ['head', 768, 50257],
    ];

interface Result {
  layer: string;
  product: 'forward' | 'dX' | 'dW';
  m: number;
  n: number;
  k: number;
  /** Median over repetitions, in 1e9 floating-point operations (2 m n k) per second. */
  gflops: number;
}

const results: Result[] = [];
for (const [layer, inputs, outputs] of layers) {
  const m = small || layer !== 'head' ? rows : Math.ceil(rows / 4);
  const x = random(m * inputs);
  const weight = random(outputs * inputs);
  const y = random(m * outputs);
  const bias = random(outputs);
  const shapes = {
    forward: { m, n: outputs, k: inputs, transB: true, bias },
    dX: { m, n: inputs, k: outputs },
    dW: { m: outputs, n: inputs, k: m, transA: true, accumulate: true },
  };
  for (const product of ['forward', 'dX', 'dW'] as const) {
    const shape = shapes[product];
    const [out, a, b] = { forward: [y, x, weight], dX: [x, y, weight], dW: [weight, y, x] }[product];
    const run = () => kernels.matmul(out, a, b, shape);
    const gflops = (2 * shape.m * shape.n * shape.k) / (await medianSeconds(run)) / 1e9;
    results.push({ layer, product, m: shape.m, n: shape.n, k: shape.k, gflops });
  }
  for (const buffer of [x, weight, y, bias]) backend.free(buffer);
}

if (values.json) {
  console.log(JSON.stringify({ machine: machine(), engine: backend.description, rows, results }));
} else {
  console.log(describeMachine());
  console.log(`${backend.description}, ${rows} rows, GFLOP/s (median)`);
  console.log('layer      forward       dX       dW');
  for (const [layer] of layers) {
    const row = results.filter((r) => r.layer === layer).map((r) => r.gflops.toFixed(0).padStart(9));
    console.log(layer.padEnd(9) + row.join(''));
  }
  const total = results.reduce((sum, r) => sum + r.m * r.n * r.k, 0);
  const time = results.reduce((sum, r) => sum + (r.m * r.n * r.k) / r.gflops, 0);
  console.log(`all of them, weighted by work: ${(total / time).toFixed(0)}`);
}
backend.dispose();

function random(length: number) {
  const buffer = backend.alloc('f32', length);
  backend.write(
    buffer,
    Float32Array.from({ length }, () => Math.random() - 0.5),
  );
  return buffer;
}

/** Runs are queued in groups of eight, so that the time of queueing and waiting does not count. */
async function medianSeconds(run: () => void): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length < 3) {
    await backend.sync();
    const start = performance.now();
    for (let i = 0; i < 8; i++) run();
    await backend.sync();
    times.push((performance.now() - start) / 8000);
  }
  return median(times);
}
