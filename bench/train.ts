// One training step of the seed preset through train(): 64 x 256 tokens, forward, backward, gradient norm and
// AdamW, dropout 0.2; no evaluation. GFLOP/s assume 3.84e11 operations per step; "of peak" is the share of
// the result of ./peaks.ts for this precision. Other sizes by --batch, --layers, --width.
//   npm run bench -- train [--precision f32|bf16] [--turns 5] [--batch 64] [--threads 2] [--backend auto]
//     [--json] [--peer torch] [--peer onnxruntime]
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
import { count, engineOptions, peerOption, readOptions, readPrecision, show } from './support/program.ts';

const options = readOptions({
  ...engineOptions,
  ...peerOption,
  precision: { type: 'string', default: 'f32' },
  batch: { type: 'string', default: '64' },
  layers: { type: 'string', default: String(presets.seed.nLayer) },
  width: { type: 'string', default: String(presets.seed.nEmbd) },
});
const threads = count('threads', options.threads);
const batch = count('batch', options.batch);
const precision = readPrecision(options.precision);
const nEmbd = count('width', options.width);
const size = {
  nLayer: count('layers', options.layers),
  nEmbd,
  headSize: Math.floor(nEmbd / presets.seed.nHead),
};
const config = makeConfig(presets.seed, 500, size);
if (options.peer.length > 0 && (size.nLayer !== 5 || nEmbd !== 232))
  throw new Error('the peers know the seed preset only: leave out --layers and --width, or --peer');

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
      title: `Training step: ${config.nLayer} layers, width ${nEmbd}, ${batch} x ${config.blockSize} tokens`,
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
