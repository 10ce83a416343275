// One training step of the seed preset: 64 x 256 tokens, forward, backward, gradient norm and AdamW in float32, dropout 0.2,
// through train(); no evaluation. Median of the timed steps, after one to warm up. GFLOP/s count 3.84e11 per such step.
//   node dist/bench/train.js [--steps 5] [--batch 64] [--threads 2] [--backend auto] [--peer torch] [--json]
// `--peer torch` times bench/peers/pytorch.py too, twice: with PyTorch's own dropout and with a faster one.
import { parseArgs } from 'node:util';
import { measureTraining, seedModel, TRAINING_INCLUDES } from '../src/cli/measure.ts';
import { createBackend } from '../src/platform/node.ts';
import { runPeer } from './peers/run.ts';

process.once('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '5' },
    batch: { type: 'string', default: '64' },
    threads: { type: 'string' },
    backend: { type: 'string', default: 'auto' },
    peer: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const threads = values.threads === undefined ? undefined : Number(values.threads);
const size = { steps: Number(values.steps), batchSize: Number(values.batch) };

const { backend } = await createBackend(values.backend, { threads });
const time = await measureTraining(seedModel(backend), size);
backend.dispose();
const ours = { engine: backend.description, includes: TRAINING_INCLUDES, ...time };

const peers = [];
if (values.peer !== undefined) {
  const common = ['train', '--batch', values.batch, '--reps', values.steps];
  for (const dropout of [[], ['--fast-dropout']]) {
    const peer = await runPeer(values.peer, [...common, ...dropout], threads);
    peers.push({ ...peer, fastDropout: dropout.length > 0, ratio: peer.seconds / time.secondsPerStep });
  }
}

if (values.json) {
  console.log(JSON.stringify({ ...ours, peers }));
} else {
  const { secondsPerStep, seconds, tokensPerSecond, gflops } = time;
  const range = `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`;
  console.log(`${backend.description}: ${TRAINING_INCLUDES}`);
  console.log(
    `${secondsPerStep.toFixed(3)} s/step (${range}, ${seconds.length} steps), ${tokensPerSecond.toFixed(0)} tokens/s, ${gflops.toFixed(1)} GFLOP/s`,
  );
  for (const { peer, includes, seconds: theirs, fastDropout, ratio } of peers) {
    console.log(`${peer}: ${includes}${fastDropout ? ', faster than its own' : ''}`);
    console.log(`${theirs.toFixed(3)} s/step: ${ratio.toFixed(2)} times ours`);
  }
}
