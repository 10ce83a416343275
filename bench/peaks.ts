// The most that this machine's processor can do without loads and stores: multiply-adds of float32, of pairs
// of bfloat16 and of bytes, in 1e9 operations per second, each the best of the turns. The other programs
// state shares of it.
//   npm run bench -- peaks [--turns 9] [--threads 2] [--json]
import { type Peaks, peaks } from './support/peaks.ts';
import { count, describeMachine, engineOptions, readOptions } from './support/program.ts';

const options = readOptions({ threads: engineOptions.threads });
const threads = count('threads', options.threads);
const turns = count('turns', options.turns);
const found = await peaks(threads, turns);
if (options.json) {
  console.log(JSON.stringify({ threads, ...found }));
} else {
  console.log(`${describeMachine()}: ${found.isa}, ${threads} threads, best of ${turns}`);
  for (const kind of ['f32', 'bf16', 'int8'] satisfies (keyof Peaks)[]) {
    const rate = found[kind];
    console.log(`${kind.padEnd(5)} ${rate === null ? 'no instruction for it' : `${rate.toFixed(0)} G/s`}`);
  }
}
