// One training step of the seed preset through train(): 64 x 256 tokens, forward, backward, gradient norm and
// AdamW, dropout 0.2; no evaluation. GFLOP/s assume 3.84e11 operations per step; "of peak" is the share of
// the result of ./peaks.ts for this precision. Other sizes by --preset, --batch, --layers, --width.
//   npm run bench -- train [--preset seed] [--precision f32|bf16] [--turns 5] [--batch 64] [--threads 2]
//     [--backend auto] [--json] [--peer torch] [--peer onnxruntime]
// torch: bench/peers/pytorch.py in the same precision, with PyTorch's own dropout and with a faster one;
// onnxruntime: bench/peers/onnxruntime, always in float32.
import { trainingFlop } from '../src/cli/measure.ts';
import { makeConfig, presets } from '../src/model/config.ts';
import { GPT } from '../src/model/gpt.ts';
import { createBackend } from '../src/platform/node-engines.ts';
import { openPeers } from './peers/open.ts';
import { takeTurns } from './support/contest.ts';
import { trainingContestant } from './support/inkhorn.ts';
import { peaks } from './support/peaks.ts';
import {
  count,
  engineOptions,
  peerOption,
  readOptions,
  readPrecision,
  readPreset,
  show,
} from './support/program.ts';

const options = readOptions({
  ...engineOptions,
  ...peerOption,
  precision: { type: 'string', default: 'f32' },
  preset: { type: 'string', default: 'seed' },
  batch: { type: 'string', default: '64' },
  layers: { type: 'string' },
  width: { type: 'string' },
});
const preset = presets[readPreset('preset', options.preset)];
const threads = count('threads', options.threads);
const batch = count('batch', options.batch);
const precision = readPrecision(options.precision);
const nEmbd = options.width === undefined ? null : count('width', options.width);
const config = makeConfig(preset, 500, {
  ...(options.layers !== undefined && { nLayer: count('layers', options.layers) }),
  ...(nEmbd !== null && { nEmbd, headSize: Math.floor(nEmbd / preset.nHead) }),
});
const ownSize = options.preset !== 'seed' || options.layers !== undefined || options.width !== undefined;
if (options.peer.length > 0 && ownSize)
  throw new Error('the peers know the seed preset only: leave out --preset, --layers and --width, or --peer');

const { backend } = await createBackend(options.backend, { threads, precision });
const common = ['train', '--batch', options.batch, '--threads', options.threads];
const peers = await openPeers(options.peer, {
  torch: [[], ['--fast-dropout']].map((dropout) => [...common, '--dtype', precision, ...dropout]),
  onnxruntime: [common],
});
const ours = trainingContestant(new GPT(config, { backend }), batch);
const peak = backend.name === 'native' ? (await peaks(threads, 5))[precision] : null;
const timings = await takeTurns([ours, ...peers.found], count('turns', options.turns));
backend.dispose();

const [own, ...others] = timings;
show(
  [
    {
      title: `Training step: ${config.nLayer} layers, width ${config.nEmbd}, ${batch} x ${config.blockSize} tokens`,
      unit: 'tokens/s',
      timings,
      pairs: others.map((peer) => [own, peer]),
      columns: {
        'GFLOP/s': ({ rate }) => gflops(rate),
        ...(peak && { 'of peak, %': ({ rate }) => (100 * gflops(rate)) / peak }),
      },
    },
  ],
  { threads, turns: own.seconds.length, json: options.json, missing: peers.missing },
);

function gflops(tokensPerSecond: number): number {
  return (tokensPerSecond * trainingFlop(config)) / 1e9;
}
