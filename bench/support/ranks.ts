// What a rank of bench/allreduce.ts does: sums, or steps of a training; rank 0 prints the seconds of each as
// JSON.
//   mpirun -n 2 node dist/bench/support/ranks.js sum FLOATS ROUNDS | step THREADS ROUNDS

import { trainingSteps } from '../../src/cli/measure.ts';
import { launchOf } from '../../src/distributed/launcher.ts';
import { openMpi } from '../../src/distributed/mpi.ts';
import { type MpiRanks, mpiRanks } from '../../src/distributed/mpi-ranks.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { createBackend } from '../../src/platform/node-engines.ts';
import { gather } from '../../src/train/communicator.ts';
import { sumInPlace } from '../../src/train/rank-sum.ts';

const [what, amount, rounds] = process.argv.slice(2);
const launch = launchOf();
const ranks = launch && launch.size > 1 ? mpiRanks(await openMpi(launch)) : undefined;
const seconds = what === 'sum' ? await sums(ranks as MpiRanks, Number(amount)) : await steps(Number(amount));
if (!ranks || ranks.rank === 0) console.log(JSON.stringify(seconds));
await ranks?.leave(0);

/** The seconds of each sum, from when all ranks are there. */
async function sums(all: MpiRanks, floats: number): Promise<number[]> {
  const values = new Float32Array(floats).fill(all.rank);
  const received = new Float32Array(Math.ceil(floats / 2));
  const times: number[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    await gather(all, new Uint8Array(8));
    const begun = performance.now();
    await sumInPlace(all, values, received);
    times.push((performance.now() - begun) / 1000);
  }
  return times;
}

/** The seconds of each optimizer step of the seed. */
async function steps(threads: number): Promise<number[]> {
  const { backend } = await createBackend('auto', { threads });
  const model = new GPT(makeConfig(presets.seed, 500), { backend, seed: 1 });
  const times: number[] = [];
  const settings = ranks ? ({ summation: 'pairwise' } as const) : {};
  for await (const time of trainingSteps(model, { batchSize: 64, ranks, settings }))
    if (times.push(time) === Number(rounds)) break;
  model.dispose();
  backend.dispose();
  return times;
}
