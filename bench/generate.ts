// Generation with the seed preset, one sequence, fresh weights, in three contests. `decode`: a window of 256
// tokens with a KV cache, by the model alone (greedy) and through generate() (top-p 0.95, text decoded).
// `window`: tokens past a full window, each a pass over the last 256. `first`: the first token of a prompt of
// 200, including reading the prompt.
//   npm run bench -- generate [--only decode] [--turns 9] [--threads 2] [--backend auto] [--peer torch]
//     [--peer onnxruntime] [--json]
// torch: bench/peers/pytorch.py, cached for `decode`, tuned and as textbooks write it for `window`;
// onnxruntime: `decode` only.

import { seedModel } from '../src/cli/measure.ts';
import { loadCorpus } from '../src/corpora/index.ts';
import { createContext } from '../src/generate/context.ts';
import { generate } from '../src/generate/generate.ts';
import { argmax } from '../src/generate/sampler.ts';
import type { GPT } from '../src/model/gpt.ts';
import { createBackend } from '../src/platform/node-engines.ts';
import { quantize } from '../src/quantize/quantize.ts';
import { Tokenizer } from '../src/tokenizer/index.ts';
import { openPeers } from './peers/open.ts';
import { type Contestant, takeTurns } from './support/contest.ts';
import { contestant, decodingContestant } from './support/inkhorn.ts';
import { count, engineOptions, type Figure, peerOption, readOptions, show } from './support/program.ts';

/** Tokens past the window in a turn of `window`. */
const PAST = 20;
const PROMPT = 200;

const options = readOptions({
  ...engineOptions,
  ...peerOption,
  only: { type: 'string' },
  turns: { type: 'string', default: '9' },
});
const threads = count('threads', options.threads);
const turns = count('turns', options.turns);

const { backend } = await createBackend(options.backend, { threads });
const { backend: bf16 } = await createBackend(options.backend, { threads, precision: 'bf16' });
const { bytes } = await loadCorpus('moby-dick');
const tokenizer = Tokenizer.train(bytes.subarray(0, 100_000), { vocabSize: 500 });
const float = seedModel(backend);
const models: [string, GPT][] = [
  ['float32', float],
  ['int8', await quantize(float)],
  ['bf16', seedModel(bf16)],
  ['int8 weights', await quantize(float, { activations: 'f32' })],
  ['int4', await quantize(float, { bits: 4, method: 'rtn' })],
  ['int4 weights', await quantize(float, { bits: 4, method: 'rtn', activations: 'f32' })],
];
const window = float.config.blockSize;
const text = Array.from({ length: window }, (_, i) => (i * 7919) % float.config.vocabSize);

const contests: Record<string, () => Promise<{ figure: Figure; missing: string[] }>> = {
  decode: () =>
    contest(
      `${window} tokens with a KV cache`,
      [
        ...models.map(([name, model]) => decodingContestant(`${name}, greedy`, model)),
        ...models.slice(0, 2).map(([name, model]) => sampling(name, model)),
      ],
      {
        torch: [['cached'], ['cached', '--dtype', 'bf16']],
        onnxruntime: [
          ['decode', '--weights', 'float32'],
          ['decode', '--weights', 'int8'],
        ],
      },
    ),
  window: () =>
    contest(
      'Past a full window',
      models.slice(0, 3).map(([name, model]) => sliding(name, model)),
      {
        torch: [
          ['generate', '--tokens', String(PAST)],
          ['generate', '--plain', '--tokens', String(PAST)],
          ['generate', '--dtype', 'bf16', '--tokens', String(PAST)],
        ],
      },
    ),
  first: () =>
    contest(
      `First token after ${PROMPT}`,
      models.slice(0, 2).map(([name, model]) => reading(name, model)),
    ),
};
const names = Object.keys(contests);
if (options.only !== undefined && !names.includes(options.only))
  throw new Error(`--only ${options.only}: the contests are ${names.join(', ')}`);

const unknown = options.peer.find((name) => !['torch', 'onnxruntime'].includes(name));
if (unknown !== undefined) throw new Error(`--peer ${unknown}: the peers here are torch, onnxruntime`);

const results = [];
for (const name of names) if (name === (options.only ?? name)) results.push(await contests[name]());
for (const engine of [backend, bf16]) engine.dispose();
const missing = [...new Set(results.flatMap((result) => result.missing))];
show(
  results.map(({ figure }) => figure),
  { threads, turns, json: options.json, missing },
);

/**
 * The pairs to compare: ours with each other, and the first of ours with a peer's precision with that peer.
 */
async function contest(
  title: string,
  ours: readonly Contestant[],
  work: Readonly<Record<string, string[][]>> = {},
): Promise<{ figure: Figure; missing: string[] }> {
  const wanted = options.peer.filter((name) => options.only !== undefined || name in work);
  // For one token at a time, one thread is often faster than two, so peers run with both.
  const counts = [...new Set([1, threads])];
  const runs = (list: string[][]): string[][] =>
    list.flatMap((args) => counts.map((n) => [...args, '--threads', String(n)]));
  const all = Object.fromEntries(Object.entries(work).map(([name, list]) => [name, runs(list)]));
  const peers = await openPeers(wanted, all);
  const timings = await takeTurns([...ours, ...peers.found], turns);
  const [inFloat, inInt8] = timings;
  const theirs = timings.slice(ours.length).map((peer) => {
    const kind = ['int8', 'bf16'].find((name) => peer.name.includes(name)) ?? 'float32';
    return [timings.find(({ name }) => name.startsWith(kind)) ?? inFloat, peer] as const;
  });
  const pairs = [[inInt8, inFloat] as const, ...theirs];
  return { figure: { title, unit: 'tokens/s', timings, pairs }, missing: peers.missing };
}

/** generate() as a program calls it. */
function sampling(name: string, model: GPT): Contestant {
  const includes = `${window} tokens from generate(), top-p 0.95, decoded to text`;
  return contestant({ name: `${name}, sampled`, includes, amount: window }, async () => {
    for await (const _ of generate(model, tokenizer, { maxTokens: window, topP: 0.95 }));
  });
}

/**
 * Tokens past a full window, exactly as if the model had been given the last 256. The window is read once,
 * untimed.
 */
function sliding(name: string, model: GPT): Contestant {
  const includes = `${PAST} tokens, each a pass over the ${window} before it`;
  const context = createContext(model, 'slide');
  const full = context.read(text);
  return contestant(
    { name, includes, amount: PAST },
    async () => {
      let next = argmax(await full);
      for (let n = 0; n < PAST; n++) next = argmax(await context.read([next]));
    },
    () => context.dispose(),
  );
}

/** The first token, from a context that has read nothing. */
function reading(name: string, model: GPT): Contestant {
  const includes = `${PROMPT} tokens read, the logits of the next one`;
  return contestant({ name, includes, amount: 1 }, async () => {
    const context = createContext(model);
    argmax(await context.read(text.slice(0, PROMPT)));
    context.dispose();
  });
}
