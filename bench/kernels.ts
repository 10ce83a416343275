// How long kernels other than the matrix product take at the seed's shapes (width 232, 6 heads of 38, 256
// tokens, 500 logits). Prints median and least milliseconds, and GB/s of memory read and written once, or for
// attention GFLOP/s (only the causal half counts).
//   npm run bench -- kernels [--batch 8] [--threads 2] [--backend native] [--seconds 0.3] [--only attention]
//     [--json]

import { parseArgs } from 'node:util';
import type { Backend, DeviceBuffer, Kernels } from '../src/backend/contract.ts';
import { median } from '../src/base/statistics.ts';
import { createBackend } from '../src/platform/node-engines.ts';
import { describeMachine, machine } from './support/program.ts';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '8' },
    threads: { type: 'string' },
    backend: { type: 'string', default: 'native' },
    seconds: { type: 'string', default: '0.3' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const B = Number(values.batch);
const seconds = Number(values.seconds);
const threads = values.threads === undefined ? undefined : Number(values.threads);

const T = 256;
const C = 232;
const H = 6;
const hs = 38;
const V = 500;
const FF = 928;
const PARAMETERS = 3_514_836;
const rows = B * T;

interface Bench {
  name: string;
  run: (k: Kernels) => void;
  /** Bytes read and written once. */
  bytes?: number;
  flops?: number;
}

const { backend } = await createBackend(values.backend, { threads });
const results: { name: string; ms: number; best: number; gigabytesPerSecond?: number; gflops?: number }[] =
  [];
for (const { name, run, bytes, flops } of benches(backend)) {
  if (!name.startsWith(values.only)) continue;
  const { time, best } = await measure(() => run(backend.kernels));
  results.push({
    name,
    ms: time * 1000,
    best: best * 1000,
    ...(bytes && { gigabytesPerSecond: bytes / time / 1e9 }),
    ...(flops && { gflops: flops / time / 1e9 }),
  });
}
if (values.json) {
  console.log(JSON.stringify({ machine: machine(), engine: backend.description, batch: B, results }));
} else {
  console.log(describeMachine());
  console.log(`${backend.description}, batch ${B} x ${T}, median (best)`);
  for (const { name, ms, best, gigabytesPerSecond, gflops } of results) {
    const rate = gflops
      ? `${gflops.toFixed(0).padStart(5)} GFLOP/s`
      : `${(gigabytesPerSecond ?? 0).toFixed(1).padStart(5)} GB/s`;
    console.log(`${name.padEnd(34)} ${ms.toFixed(4).padStart(10)} ms (best ${best.toFixed(4)})  ${rate}`);
  }
}
backend.dispose();

function benches(engine: Backend): Bench[] {
  const x = f32(rows * C);
  const y = f32(rows * C);
  const weight = f32(C);
  const bias = f32(C);
  const mean = f32(rows);
  const rstd = f32(rows);
  const logits = f32(rows * V);
  const dLogits = f32(rows * V);
  const ids = i32(rows, V);
  const qkv = f32(rows * 3 * H * hs);
  const dqkv = f32(rows * 3 * H * hs);
  const heads = f32(rows * H * hs);
  const dHeads = f32(rows * H * hs);
  const lse = f32(B * H * T);
  const table = f32(V * C);
  const positions = f32(T * C);
  const hidden = f32(rows * FF);
  const dHidden = f32(rows * FF);
  const [param, grad, m, v] = [0, 1, 2, 3].map(() => f32(PARAMETERS));
  const keys = f32(H * T * hs);
  const cached = f32(H * T * hs);
  const bytes = engine.alloc('i8', FF * C);
  const scale = f32(FF);
  engine.kernels.fill(v, 0.01);
  engine.kernels.quantizeRows(bytes, scale, hidden, FF, C);

  const f = 4; // bytes of a float
  const shape = { B, T, H, hs, scale: hs ** -0.5 };
  const one = { B: 1, T: 1, H, hs, scale: hs ** -0.5, start: T - 1, capacity: T };
  const dropout = { p: 0.2, seed: 1337, step: 1, site: 1, offset: 0 };
  const norm = { rows, cols: C, eps: 1e-5 };
  const back = { rows, cols: C, accumulate: true };
  const loss = { rows, cols: V };
  const adam = { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, t: 10, gradScale: 1 };
  const pairs = (B * H * T * (T + 1)) / 2;
  const linear = { m: 1, n: FF, k: C };
  const stats = { rows, cols: FF, lo: -1, hi: 1, bins: 50 };
  return [
    { name: 'attention', run: (k) => k.attention(heads, lse, qkv, shape, null), flops: pairs * hs * 4 },
    {
      name: 'attention dropout',
      run: (k) => k.attention(heads, lse, qkv, shape, dropout),
      flops: pairs * hs * 4,
    },
    {
      name: 'attentionBackward',
      run: (k) => k.attentionBackward(dqkv, dHeads, heads, lse, qkv, shape, null),
      flops: pairs * hs * 10,
    },
    {
      name: 'attentionBackward dropout',
      run: (k) => k.attentionBackward(dqkv, dHeads, heads, lse, qkv, shape, dropout),
      flops: pairs * hs * 10,
    },
    {
      name: 'layernorm',
      run: (k) => k.layernorm(y, mean, rstd, x, weight, bias, norm),
      bytes: 2 * rows * C * f,
    },
    {
      name: 'layernormBackward accumulate',
      run: (k) => k.layernormBackward(y, weight, bias, x, x, weight, mean, rstd, back),
      bytes: 4 * rows * C * f,
    },
    { name: 'dropout', run: (k) => k.dropout(y, x, dropout), bytes: 2 * rows * C * f },
    { name: 'activation relu', run: (k) => k.activation(dHidden, hidden, 'relu'), bytes: 2 * rows * FF * f },
    { name: 'activation gelu', run: (k) => k.activation(dHidden, hidden, 'gelu'), bytes: 2 * rows * FF * f },
    {
      name: 'activationBackward relu',
      run: (k) => k.activationBackward(dHidden, dHidden, hidden, 'relu'),
      bytes: 3 * rows * FF * f,
    },
    {
      name: 'activationBackward gelu',
      run: (k) => k.activationBackward(dHidden, dHidden, hidden, 'gelu'),
      bytes: 3 * rows * FF * f,
    },
    {
      name: 'crossEntropy',
      run: (k) => k.crossEntropy(mean, rstd, logits, ids, loss),
      bytes: rows * V * f,
    },
    {
      name: 'crossEntropyBackward',
      run: (k) => k.crossEntropyBackward(dLogits, logits, rstd, ids, { ...loss, factor: 1 / rows }),
      bytes: 2 * rows * V * f,
    },
    {
      name: 'embedding',
      run: (k) => k.embedding(y, ids, table, positions, { B, T, C, start: 0 }),
      bytes: rows * C * f,
    },
    {
      name: 'embeddingBackward',
      run: (k) => k.embeddingBackward(table, positions, x, ids, { B, T, C }),
      bytes: rows * C * f,
    },
    {
      name: 'adamw, all parameters',
      run: (k) => k.adamw(param, grad, m, v, adam),
      bytes: 7 * PARAMETERS * f,
    },
    {
      name: 'statistics, 50 bins',
      run: (k) => k.statistics(dLogits, null, hidden, stats),
      bytes: rows * FF * f,
    },
    {
      name: 'attentionCached, 1 token at 255',
      run: (k) => k.attentionCached(heads, keys, cached, qkv, one),
      bytes: 2 * H * T * hs * f,
    },
    {
      name: 'linearInt8 1 x 928 x 232, int8',
      run: (k) => k.linearInt8(hidden, x, bytes, scale, null, { ...linear, activations: 'int8' }),
      bytes: FF * C,
    },
    {
      name: 'linearInt8 1 x 928 x 232, f32',
      run: (k) => k.linearInt8(hidden, x, bytes, scale, null, { ...linear, activations: 'f32' }),
      bytes: FF * C,
    },
    {
      name: `linearInt8 ${rows} x 928 x 232, int8`,
      run: (k) => k.linearInt8(dHidden, x, bytes, scale, null, { m: rows, n: FF, k: C, activations: 'int8' }),
      flops: 2 * rows * FF * C,
    },
  ];
}

function f32(length: number): DeviceBuffer {
  const buffer = backend.alloc('f32', length);
  backend.write(
    buffer,
    Float32Array.from({ length }, () => Math.random() - 0.5),
  );
  return buffer;
}

function i32(length: number, limit: number): DeviceBuffer {
  const buffer = backend.alloc('i32', length);
  backend.write(
    buffer,
    Int32Array.from({ length }, () => Math.floor(Math.random() * limit)),
  );
  return buffer;
}

/**
 * Median and least seconds of a call. Calls are queued in groups, so that the time of queueing and waiting
 * does not count.
 */
async function measure(run: () => void): Promise<{ time: number; best: number }> {
  const group = 8;
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || times.length < 3) {
    await backend.sync();
    const start = performance.now();
    for (let i = 0; i < group; i++) run();
    await backend.sync();
    times.push((performance.now() - start) / 1000 / group);
  }
  return { time: median(times), best: Math.min(...times) };
}
