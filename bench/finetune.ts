// One optimizer step of a model of GPT-2's size (124,439,808 parameters: 12 layers, width 768, 50,257 tokens)
// with random weights: forward and backward of 4 x 1024 tokens in micro-batches, gradient norm, AdamW, no
// dropout; tokens/s and the peak memory of each process. Ours with all activations kept (plain), with blocks
// that are computed again in the backward (recompute: `train --checkpoint-activations`), both in float32 as
// is PyTorch, and with products of numbers rounded to bfloat16 (bf16: `train --precision bf16`).
//   npm run bench -- finetune [--batch 4] [--micro-batch 1] [--lora 8]
//     [--only plain|recompute|bf16|bf16-recompute] [--turns 5] [--threads 2] [--json]
//     [--peer torch [--torch-micro-batch 1 --torch-micro-batch 4] [--torch-compile]]
// torch: bench/peers/pytorch_gpt2.py, a contestant for each --torch-micro-batch. All contestants are in
// memory together: 2 to 3 GB for each of ours, 4 to 8 GB for each of PyTorch's.
import { trainingFlop } from '../src/cli/measure.ts';
import { GPT2 } from './peers/gpt2.ts';
import { openPeers } from './peers/open.ts';
import { takeTurns } from './support/contest.ts';
import { count, engineOptions, peerOption, readOptions, show } from './support/program.ts';

const options = readOptions({
  ...peerOption,
  threads: engineOptions.threads,
  batch: { type: 'string', default: '4' },
  'micro-batch': { type: 'string', default: '1' },
  lora: { type: 'string' },
  only: { type: 'string' },
  'torch-micro-batch': { type: 'string', multiple: true, default: ['1'] },
  'torch-compile': { type: 'boolean', default: false },
});
const threads = count('threads', options.threads);
const common = ['--batch', options.batch, '--threads', options.threads];
const own = [
  ...common,
  '--micro-batch',
  options['micro-batch'],
  ...(options.lora ? ['--lora', options.lora] : []),
];
const kinds: Record<string, string[]> = {
  plain: own,
  recompute: [...own, '--checkpoint-activations'],
  bf16: [...own, '--precision', 'bf16'],
  'bf16-recompute': [...own, '--precision', 'bf16', '--checkpoint-activations'],
};
if (options.only !== undefined && !(options.only in kinds))
  throw new Error(`--only ${options.only}: the contestants are ${Object.keys(kinds).join(', ')}`);

const compile = options['torch-compile'] ? ['--compile'] : [];
const peers = await openPeers(
  ['inkhorn', ...options.peer.map((name) => (name === 'torch' ? 'gpt2' : name))],
  {
    inkhorn: Object.keys(kinds)
      .filter((name) => name === (options.only ?? name))
      .map((name) => kinds[name]),
    gpt2: options['torch-micro-batch'].map((size) => [...common, '--micro-batch', size, ...compile]),
  },
);
const timings = await takeTurns(peers.found, count('turns', options.turns));
const isOurs = ({ name }: { name: string }): boolean => !name.startsWith('torch');
const [ours, others] = [timings.filter(isOurs), timings.filter((timing) => !isOurs(timing))];
const best = others.toSorted((a, b) => b.rate - a.rate)[0];
show(
  [
    {
      title: `Step of a model of GPT-2's size: ${options.batch} x ${GPT2.blockSize} tokens`,
      unit: 'tokens/s',
      timings,
      pairs: best ? ours.map((one) => [one, best]) : [],
      columns: { 'GFLOP/s': ({ rate }) => (rate * trainingFlop(GPT2)) / 1e9 },
    },
  ],
  { threads, turns: timings[0].seconds.length, json: options.json, missing: peers.missing },
);
if (best?.peakMB && !options.json)
  for (const { name, peakMB = 0 } of ours)
    console.log(`  ${name} takes ${(peakMB / best.peakMB).toFixed(2)} of the memory of ${best.name}`);
