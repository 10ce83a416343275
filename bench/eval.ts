// A validation pass compared with a training step of the seed preset: evaluate() and train() on 64 x 256
// tokens, dropout 0.2. The ratio says what an evaluation costs a run.
//   npm run bench -- eval [--precision f32|bf16] [--turns 5] [--batch 64] [--threads 2] [--backend auto]
//     [--peer torch] [--json]
// torch: bench/peers/pytorch.py, forward and loss of the same batch.
import { seedModel } from '../src/cli/measure.ts';
import { createBackend } from '../src/platform/node-engines.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { openPeers } from './peers/open.ts';
import { takeTurns } from './support/contest.ts';
import { contestant, trainingContestant } from './support/inkhorn.ts';
import { count, engineOptions, peerOption, readOptions, readPrecision, show } from './support/program.ts';

const options = readOptions({
  ...engineOptions,
  ...peerOption,
  precision: { type: 'string', default: 'f32' },
  batch: { type: 'string', default: '64' },
});
const threads = count('threads', options.threads);
const batch = count('batch', options.batch);
const precision = readPrecision(options.precision);

const { backend } = await createBackend(options.backend, { threads, precision });
const model = seedModel(backend);
const { blockSize, vocabSize } = model.config;
const ids = Int32Array.from({ length: batch * blockSize + 1 }, (_, i) => (i * 7919) % vocabSize);
const about = {
  name: `${backend.description}, evaluate()`,
  includes: `forward and loss of ${batch} x ${blockSize} tokens`,
  amount: batch * blockSize,
};
const evaluating = contestant(about, async () => {
  await evaluate(model, ids);
});
const training = trainingContestant(seedModel(backend), batch);
const peers = await openPeers(options.peer, {
  torch: [['eval', '--dtype', precision, '--batch', options.batch, '--threads', options.threads]],
});
const timings = await takeTurns([evaluating, training, ...peers.found], count('turns', options.turns));
backend.dispose();

const [own, ...others] = timings;
const title = `Validation pass, ${batch} x ${blockSize} tokens`;
show([{ title, unit: 'tokens/s', timings, pairs: others.map((other) => [own, other]) }], {
  threads,
  turns: own.seconds.length,
  json: options.json,
  missing: peers.missing,
});
