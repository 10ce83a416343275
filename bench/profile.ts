// Where the time of a training step goes, kernel by kernel: a step of a preset by its own recipe (the seed:
// 64 sequences of 256 tokens, micro-batches of 8), or of a model of GPT-2's size (1 of 1024). Each kernel is
// awaited before the next is queued. Prints the least time of the steps, of which there are `--turns`, per
// kernel (products: per shape), with GFLOP/s for products and attention.
//   node dist/bench/profile.js [--model seed|shakespeare|speedrun|...|gpt2] [--turns 3] [--batch 64]
//   [--micro-batch 8] [--threads 2] [--precision f32] [--json]
import type { DeviceBuffer, Kernels } from '../src/backend/contract.ts';
import { type KernelTime, timeKernels } from '../src/cli/kernel-times.ts';
import { trainingSteps } from '../src/cli/measure.ts';
import { type GPTConfig, makeConfig, presets } from '../src/model/config.ts';
import { GPT } from '../src/model/gpt.ts';
import { recipes, seedSettings, type TrainSettings } from '../src/train/settings.ts';
import { GPT2 } from './peers/gpt2.ts';
import { count, engineOptions, openEngine, readOptions, readPreset } from './support/program.ts';

const values = readOptions({
  turns: { type: 'string', default: '3' },
  model: { type: 'string', default: 'seed' },
  batch: { type: 'string' },
  'micro-batch': { type: 'string' },
  threads: engineOptions.threads,
  precision: { type: 'string', default: 'f32' },
});
const turns = count('turns', values.turns);
const { config, recipe } = subject(values.model);
const batchSize = count('batch', values.batch ?? String(recipe.batchSize));
const microBatch = count('micro-batch', values['micro-batch'] ?? String(recipe.microBatch));

const backend = await openEngine({ ...values, backend: 'native' });
const { backend: timed, take } = timeKernels(backend, describe);
const model = new GPT(config, { backend: timed });
const { blockSize } = config;
const taken: Map<string, KernelTime>[] = [];
for await (const _ of trainingSteps(model, { batchSize, settings: { ...recipe, microBatch } })) {
  taken.push(take());
  if (taken.length > turns) break;
}
taken.shift(); // to warm up
const best = [...taken[0].keys()].map((name) => {
  const rounds = taken.map((step) => step.get(name) as KernelTime);
  const seconds = Math.min(...rounds.map((share) => share.seconds));
  return { name, calls: rounds[0].calls, ms: seconds * 1000, gflops: rounds[0].flop / seconds / 1e9 };
});
best.sort((a, b) => b.ms - a.ms);
const total = best.reduce((sum, { ms }) => sum + ms, 0);
if (values.json) {
  console.log(JSON.stringify({ engine: backend.description, total, kernels: best }));
} else {
  console.log(`${backend.description}: ${batchSize} x ${blockSize} tokens, ms per step`);
  for (const { name, calls, ms, gflops } of best) {
    const rate = gflops > 0 ? `${gflops.toFixed(0).padStart(5)} GFLOP/s` : '';
    console.log(`${name.padEnd(34)} ${String(calls).padStart(5)} x ${ms.toFixed(1).padStart(8)} ms ${rate}`);
  }
  console.log(`${'sum'.padEnd(42)} ${total.toFixed(1).padStart(8)} ms`);
}
backend.dispose();

/** What `--model` names: a model, and the recipe of its step. */
function subject(name: string): { config: GPTConfig; recipe: TrainSettings } {
  if (name === 'gpt2')
    return { config: GPT2, recipe: { ...seedSettings, batchSize: 1, microBatch: 1, clip: 1 } };
  const preset = readPreset('model', name, ['gpt2']);
  return { config: makeConfig(presets[preset], 500), recipe: recipes[preset] };
}

/**
 * The name of a call in the list, and its floating-point operations where they matter; for attention those of
 * the causal half.
 */
function describe(name: keyof Kernels, args: readonly unknown[]): [string, number] {
  if (name === 'matmul') {
    const { m, n, k, transA, transB } = args[3] as { [key: string]: number };
    const kind = transA ? 'dW' : transB ? 'forward' : 'dX';
    return [`matmul ${kind} ${transA ? `${m} x ${n}` : `${k} to ${n}`}`, 2 * m * n * k];
  }
  if (name === 'attention' || name === 'attentionBackward') {
    const { B, T, H, hs } = args[name === 'attention' ? 3 : 5] as { [key: string]: number };
    return [name, (name === 'attention' ? 2 : 5) * B * H * T * (T + 1) * hs];
  }
  const first = args[0] as DeviceBuffer;
  return [`${name} ${name === 'adamw' || name === 'sumSquares' ? '' : first.length}`.trim(), 0];
}
