// How the time of a training step of the seed preset grows with the batch (8 to 128 sequences), the layers
// and the width, compared with the growth of its floating-point operations. Every size runs in a process of
// its own (train.ts), which gives its own peak memory. All sizes are run --rounds times, one after the other.
// Prints one table each; --out writes growth.png, .svg and .json.
//   npm run bench -- growth [--rounds 2] [--turns 3] [--batch 32] [--precision f32|bf16] [--threads 2]
//     [--backend auto] [--out runs/growth] [--json]
// --batch: the batch used while layers and width grow.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { trainingFlop } from '../src/cli/measure.ts';
import { folderStore } from '../src/io/node-store.ts';
import { makeConfig, presets } from '../src/model/config.ts';
import { loadPictures } from '../src/png/charts.ts';
import { writeFigures } from '../src/report/write.ts';
import type { Timing } from './support/contest.ts';
import { type Growth, growthFigure, growthTable, type Size } from './support/growth.ts';
import { count, describeMachine, engineOptions, machine, readOptions } from './support/program.ts';

const { seed } = presets;
const options = readOptions({
  ...engineOptions,
  precision: { type: 'string', default: 'f32' },
  rounds: { type: 'string', default: '2' },
  turns: { type: 'string', default: '3' },
  batch: { type: 'string', default: '32' },
  out: { type: 'string' },
});
const batch = count('batch', options.batch);
const rounds = count('rounds', options.rounds);

const base: Size = { batch, layers: seed.nLayer, width: seed.nEmbd };
const plan: Record<string, Size[]> = {
  batch: [8, 16, 32, 64, 128].map((n) => ({ ...base, batch: n })),
  layers: [1, 2, 4, 8].map((layers) => ({ ...base, layers })),
  width: [96, 192, 288, 384, 480].map((width) => ({ ...base, width })),
};
const sizes = Object.values(plan).flat();
const seconds = new Map(sizes.map((size) => [size, [] as number[]]));
const memory = new Map<Size, number>();
let engine = '';
for (let round = 0; round < rounds; round++) {
  for (const size of sizes) {
    const { name, peakMB = 0, ...timing } = await run(size);
    engine = name;
    seconds.get(size)?.push(...timing.seconds);
    memory.set(size, Math.max(peakMB, memory.get(size) ?? 0));
  }
}

const growths: Growth[] = Object.entries(plan).map(([by, list]) => ({
  by: by as keyof Size,
  points: list.map((size) => ({
    size,
    seconds: seconds.get(size) ?? [],
    tokens: size.batch * seed.blockSize,
    flop: size.batch * seed.blockSize * flopPerToken(size),
    peakMB: memory.get(size) ?? 0,
  })),
}));
const settings = `${engine}, ${rounds} rounds of ${options.turns} steps for each size, in processes of their own`;
if (options.out !== undefined) {
  const pictures = await loadPictures();
  await writeFigures(
    folderStore(options.out),
    [growthFigure(growths, engine, machine(), pictures)],
    pictures,
  );
}
if (options.json)
  console.log(JSON.stringify({ machine: machine(), engine, rounds, turns: options.turns, growths }));
else {
  console.log(describeMachine());
  console.log(settings);
  for (const growth of growths) console.log(`\n${growthTable(growth).join('\n')}`);
}

function flopPerToken({ layers, width }: Size): number {
  const headSize = Math.floor(width / seed.nHead);
  return trainingFlop(makeConfig(seed, 500, { nLayer: layers, nEmbd: width, headSize }));
}

/** The timing of one size, by train.ts in a process of its own. */
async function run(size: Size): Promise<Timing> {
  const program = fileURLToPath(new URL('./train.js', import.meta.url));
  const args = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)]);
  for (const name of ['threads', 'backend', 'precision', 'turns'] as const)
    args.push(`--${name}`, options[name]);
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args, '--json']);
  return JSON.parse(stdout).figures[0].timings[0];
}
