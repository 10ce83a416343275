// From a text file to the quality of the seed, by the clock: reading the text, training the tokenizer,
// encoding, fresh weights, training and every evaluation, until the loss on the whole validation part is at
// most 2.943 nats per token (the seed's best, which took about 27 minutes on a T4). Each turn has its own
// seed; all turns must reach the target.
//   npm run bench -- speedrun [--data tiny-shakespeare] [--preset speedrun] [--target 2.943]
//     [--precision bf16] [--turns 1] [--seed 1337] [--threads 2] [--backend auto] [--json]

import { formatCount } from '../src/base/format.ts';
import { formatTable } from '../src/cli/table.ts';
import { loadCorpus } from '../src/corpora/index.ts';
import { makeConfig, presets } from '../src/model/config.ts';
import { GPT } from '../src/model/gpt.ts';
import { Tokenizer } from '../src/tokenizer/index.ts';
import { dataset } from '../src/train/data.ts';
import { evaluate } from '../src/train/evaluate.ts';
import { recipes } from '../src/train/settings.ts';
import { train } from '../src/train/train.ts';
import {
  count,
  describeMachine,
  machine,
  openEngine,
  readOptions,
  readPreset,
  trainingOptions,
} from './support/program.ts';

/** One run. Seconds are since its start; losses are nats per token of the whole validation part. */
interface Run {
  seed: number;
  parameters: number;
  /** When the target was reached; null if never. */
  seconds: number | null;
  tokenizerSeconds: number;
  tokensPerStep: number;
  /** When each evaluation ended, and how long it took. */
  evals: { step: number; seconds: number; took: number; loss: number }[];
}

const options = readOptions({
  ...trainingOptions,
  turns: { type: 'string', default: '1' },
  preset: { type: 'string', default: 'speedrun' },
  target: { type: 'string', default: '2.943' },
  precision: { type: 'string', default: 'bf16' },
});
const threads = count('threads', options.threads);
const turns = count('turns', options.turns);
const firstSeed = count('seed', options.seed);
const target = Number(options.target);
if (!(target > 0)) throw new Error(`--target ${options.target} is not a loss in nats per token`);
const preset = readPreset('preset', options.preset);
const backend = await openEngine(options);
if (!options.json) console.log(`${describeMachine()}; ${backend.description}`);

const runs: Run[] = [];
for (let turn = 0; turn < turns; turn++) {
  const run = await race(firstSeed + turn);
  runs.push(run);
  if (!options.json) report(run);
}
backend.dispose();
if (options.json) console.log(JSON.stringify({ machine: machine(), threads, preset, target, runs }));
if (runs.some(({ seconds }) => seconds === null)) process.exitCode = 1;

async function race(seed: number): Promise<Run> {
  const begun = performance.now();
  const clock = (): number => (performance.now() - begun) / 1000;
  const { bytes } = await loadCorpus(options.data);
  const tokenizer = Tokenizer.train(bytes, { vocabSize: 500 });
  const tokenizerSeconds = clock();
  const data = dataset(bytes, tokenizer);
  const model = new GPT(makeConfig(presets[preset], tokenizer.vocabSize), { seed, backend });
  const recipe = { ...recipes[preset], seed, probeEvery: 0, sampleEvery: 0 };
  // A recipe that is evaluated at its end only needs one evaluation here, and that of the validation part.
  const once = recipe.evalEvery >= recipe.steps;
  const settings = once ? { ...recipe, evalEvery: 0 } : recipe;
  const run: Run = {
    seed,
    parameters: model.parameterCount,
    seconds: null,
    tokenizerSeconds,
    evals: [],
    tokensPerStep: settings.batchSize * settings.accumulate * model.config.blockSize,
  };
  for await (const event of train({ model, data, ...settings })) {
    if (event.type !== 'eval') continue;
    run.evals.push({ step: event.step, seconds: clock(), took: event.seconds, loss: event.valLoss });
    if (event.valLoss > target) continue;
    run.seconds = clock();
    break;
  }
  if (once) {
    const before = clock();
    const { loss } = await evaluate(model, data.val);
    const seconds = clock();
    run.evals.push({ step: recipe.steps, seconds, took: seconds - before, loss });
    if (loss <= target) run.seconds = seconds;
  }
  model.dispose();
  return run;
}

function report({ seed, parameters, seconds, tokenizerSeconds, tokensPerStep, evals }: Run): void {
  const tokens = tokensPerStep * evals[evals.length - 1].step;
  const evalSeconds = evals.reduce((sum, { took }) => sum + took, 0);
  const rows = evals.map(({ step, seconds: at, loss }) => [String(step), time(at), loss.toFixed(4)]);
  console.log(`\nseed ${seed}: ${formatCount(parameters)} parameters`);
  for (const line of formatTable(['step', 'time', 'validation loss'], rows)) console.log(line);
  console.log(
    seconds === null
      ? `  never at ${target}: the best was ${Math.min(...evals.map(({ loss }) => loss)).toFixed(4)}`
      : `  ${target} after ${time(seconds)} and ${(tokens / 1e6).toFixed(2)}M tokens ` +
          `(${tokenizerSeconds.toFixed(2)} s of it for the tokenizer, ${evalSeconds.toFixed(1)} s for evaluations)`,
  );
}

/** 3:07.4 */
function time(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, '0')}`;
}
