// Inkhorn's engines beside each other, with the seed preset: a training step (64 x 256 tokens, through
// train()), and INT8 generation (256 tokens with a KV cache, greedy). The reference takes a batch of 2, since
// its step would last minutes: compare tokens/s. Set INKHORN_ISA and INKHORN_WASM to choose instruction sets.
//   npm run bench -- engines [--backend native --backend wasm --backend reference] [--only train|decode]
//     [--addon build/Release/inkhorn.node --addon build/prebuilt/linux-x64-gnu/inkhorn.node]
//     [--batch 64] [--turns 5] [--threads 2] [--json]
// Without --backend: every engine that works here. With --addon: the native engine of each of these files, so
// that g++'s build is compared with zig's (scripts/prebuild.mjs).
import { resolve } from 'node:path';
import { seedModel } from '../src/cli/measure.ts';
import type { GPT } from '../src/model/gpt.ts';
import { backendNames, createBackend } from '../src/platform/node-engines.ts';
import { quantize } from '../src/quantize/quantize.ts';
import { type Contestant, takeTurns } from './support/contest.ts';
import { decodingContestant, trainingContestant } from './support/inkhorn.ts';
import { count, engineOptions, type Figure, readOptions, show } from './support/program.ts';

/** The batch of the reference, at most. */
const SMALL_BATCH = 2;

const options = readOptions({
  threads: engineOptions.threads,
  backend: { type: 'string', multiple: true, default: [] as string[] },
  batch: { type: 'string', default: '64' },
  addon: { type: 'string', multiple: true, default: [] as string[] },
  only: { type: 'string' },
});
const threads = count('threads', options.threads);
const turns = count('turns', options.turns);
const batch = count('batch', options.batch);

const contests: Record<
  string,
  { title: string; contestantOf: (name: string, model: GPT) => Promise<Contestant> }
> = {
  train: {
    title: 'Training step, float32',
    contestantOf: async (name, model) =>
      trainingContestant(model, name === 'reference' ? Math.min(batch, SMALL_BATCH) : batch),
  },
  decode: {
    title: 'INT8 generation with a KV cache',
    contestantOf: async (_, model) => decodingContestant(model.backend.description, await quantize(model)),
  },
};
const names = Object.keys(contests);
if (options.only !== undefined && !names.includes(options.only))
  throw new Error(`--only ${options.only}: the contests are ${names.join(', ')}`);

const missing: string[] = [];
const figures: Figure[] = [];
for (const [name, { title, contestantOf }] of Object.entries(contests)) {
  if (name === (options.only ?? name)) figures.push(await contest(title, contestantOf));
}
show(figures, { threads, turns, json: options.json, missing: [...new Set(missing)] });

/** One contest of all engines. The pairs: each engine with the next one of the list. */
async function contest(
  title: string,
  contestantOf: (name: string, model: GPT) => Promise<Contestant>,
): Promise<Figure> {
  const engines = [];
  const contestants = [];
  for (const { name, addon } of wanted()) {
    try {
      if (addon !== undefined) process.env.INKHORN_ADDON = resolve(addon);
      const { backend } = await createBackend(name, { threads });
      engines.push(backend);
      const contestant = await contestantOf(name, seedModel(backend));
      contestants.push(
        addon === undefined ? contestant : { ...contestant, name: `${contestant.name} of ${addon}` },
      );
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message}`);
    }
  }
  const timings = await takeTurns(contestants, turns);
  for (const engine of engines) engine.dispose();
  const pairs = timings.slice(1).map((timing, i) => [timings[i], timing] as const);
  return { title, unit: 'tokens/s', timings, pairs };
}

function wanted(): { name: string; addon?: string }[] {
  if (options.addon.length > 0) return options.addon.map((addon) => ({ name: 'native', addon }));
  return (options.backend.length > 0 ? options.backend : backendNames()).map((name) => ({ name }));
}
