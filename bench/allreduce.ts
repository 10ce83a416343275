// The sum of all ranks' gradients, in the fixed tree that gives the bits of one process, on this machine,
// from when all ranks are there; with --steps also optimizer steps of the seed by 2 ranks of one thread each,
// beside one process of two threads, in turns. Needs mpirun and koffi.
//   npm run bench -- allreduce [--ranks 2 --ranks 4] [--floats 3.5 --floats 124] [--steps 4] [--turns 5]
// --floats in millions.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from '../src/base/statistics.ts';
import { count, describeMachine, formatSeconds, readOptions } from './support/program.ts';

const options = readOptions({
  ranks: { type: 'string', multiple: true, default: ['2', '4'] },
  floats: { type: 'string', multiple: true, default: ['3.5', '124'] },
  steps: { type: 'string', default: '0' },
});
const turns = count('turns', options.turns);
const program = fileURLToPath(new URL('support/ranks.js', import.meta.url));

/** Runs the program of a rank; the seconds of its rounds, without the first. */
function timed(ranks: number, args: readonly string[]): number[] {
  const node = [process.execPath, program, ...args];
  const line =
    ranks === 1 ? node : ['mpirun', '--oversubscribe', '--bind-to', 'none', '-n', `${ranks}`, ...node];
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { status, stdout, stderr, error } = spawnSync(line[0], line.slice(1), { encoding: 'utf8', env });
  if (error) throw new Error(`${line[0]}: ${error.message}`);
  if (status !== 0) throw new Error(stderr.trim().split('\n')[0]);
  return (JSON.parse(stdout) as number[]).slice(1);
}

const results: object[] = [];
const say = (line: string, result: object): void => {
  results.push(result);
  if (!options.json) console.log(line);
};

if (!options.json) console.log(describeMachine());
for (const floats of options.floats) {
  for (const ranks of options.ranks.map((text) => count('ranks', text))) {
    const number = Math.round(Number(floats) * 1e6);
    const seconds = timed(ranks, ['sum', String(number), String(turns + 1)]);
    const [best, middle] = [Math.min(...seconds), median(seconds)];
    // Each rank sends, and receives, so many bytes.
    const sent = 2 * (1 - 1 / ranks) * 4 * number;
    say(
      `${floats}M floats, ${ranks} ranks: ${formatSeconds(middle)} (best ${formatSeconds(best)}), ${(sent / middle / 1e9).toFixed(2)} GB/s sent by each`,
      { floats: number, ranks, seconds },
    );
  }
}
const steps = Number(options.steps);
if (steps > 0) {
  const [one, two]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < turns; turn++) {
    one.push(...timed(1, ['step', '2', String(steps + 1)]));
    two.push(...timed(2, ['step', '1', String(steps + 1)]));
  }
  const [a, b] = [one, two].map((seconds) => ({ best: Math.min(...seconds), middle: median(seconds) }));
  say(
    `step of the seed: one process of 2 threads ${formatSeconds(a.middle)} (best ${formatSeconds(a.best)}); ` +
      `2 ranks of 1 thread ${formatSeconds(b.middle)} (best ${formatSeconds(b.best)}): ` +
      `${(a.middle / b.middle).toFixed(3)} of its speed (best ${(a.best / b.best).toFixed(3)})`,
    { one, two },
  );
}
if (options.json) console.log(JSON.stringify({ machine: describeMachine(), results }));
