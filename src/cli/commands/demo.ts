// `inkhorn demo`: the whole path on a small model, explained while it runs: text, tokens, training, samples,
// INT8.

import { join } from 'node:path';
import type { Backend } from '../../backend/contract.ts';
import { formatAmount, formatBytes, formatCount } from '../../base/format.ts';
import { ownCommand } from '../../base/node-command.ts';
import { shellWord } from '../../base/shell.ts';
import { type Corpus, CorpusUnavailable } from '../../corpora/index.ts';
import { openings } from '../../corpora/openings.ts';
import { generate } from '../../generate/generate.ts';
import { folderStore } from '../../io/node-store.ts';
import { type GPTConfig, makeConfig, presets } from '../../model/config.ts';
import { loadModel } from '../../model/folder.ts';
import { GPT } from '../../model/gpt.ts';
import { bundledModel } from '../../platform/node-bundled.ts';
import { picturesIfThere } from '../../png/charts.ts';
import { compareLayers } from '../../quantize/layer-errors.ts';
import { quantize } from '../../quantize/quantize.ts';
import type { Speed } from '../../quantize/speed.ts';
import { BEST } from '../../runs/layout.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { type Dataset, defaultSplit, randomBatch } from '../../train/data.ts';
import { makeSettings, recipes, type TrainSettings } from '../../train/settings.ts';
import { accumulateGradients } from '../../train/step.ts';
import { type Context, defineCommand } from '../command.ts';
import { startDemoEngine } from '../demo-engine.ts';
import { splitCorpus } from '../encoding.ts';
import { engineFlags } from '../engine.ts';
import { asked, MisuseError } from '../errors.ts';
import { type Flags, integer, text, toggle } from '../flags.ts';
import { checkLearning } from '../memory.ts';
import { type OutFolder, takeOutFolder } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { withProgress } from '../progress.ts';
import { prepareFolder, takeRunFolder } from '../run-folder.ts';
import { factsOf, recordOf, typed } from '../run-text.ts';
import { contextFor, trainTokenizer } from '../short-text.ts';
import { asBytesFlag, dataFlag, openData } from '../texts.ts';
import { lastEvent, type RunPlan, reportRun, stoppedLine, trainAndShow } from '../training.ts';
import { compareWithProgress } from './compare.ts';
import { saveQuantized } from './quantize.ts';

const flags = {
  data: { ...dataFlag, initial: 'tiny-shakespeare, or moby-dick where it cannot be fetched' },
  asBytes: asBytesFlag,
  out: text({
    about: 'folder of the run',
    argument: '<dir>',
    short: 'o',
    initial: 'runs/demo, or the next free',
  }),
  steps: integer({ about: 'optimizer steps', initial: 'as many as take about two minutes' }, 1),
  force: toggle({ about: 'replace a run that is in the folder already' }),
  ...engineFlags,
} satisfies Flags;

/** Prompts from the demo's text: one for its samples, one to try afterwards. */
function promptsOf(corpus: Corpus): { samples: string; advice: string } {
  const start = new TextDecoder().decode(corpus.bytes.subarray(0, SUGGESTING_BYTES));
  const [samples = '', advice = samples] = openings(start, 2);
  return { samples, advice };
}

/** Length of text from which openings are taken. */
const SUGGESTING_BYTES = 2 ** 20;

export const demo = defineCommand({
  examples: [
    ['demo', 'on Tiny Shakespeare'],
    ['demo --data my-notes.txt --out runs/notes', 'on a text of yours'],
  ],
  flags,
  meant: () => '--data',
  async run(context: Context<typeof flags>): Promise<void> {
    const { flags: given } = context;
    const folder =
      given.out === undefined
        ? await takeFreeFolder('runs/demo')
        : await takeRunFolder(given.out, WRITER, given.force);
    try {
      await tour(folder, context);
    } finally {
      folder.release();
    }
  },
});

/** How this command is named to others that want the folder. */
const WRITER = 'inkhorn demo';

async function tour(folder: OutFolder, context: Context<typeof flags>): Promise<void> {
  const { flags: given, output } = context;
  const { folder: out } = folder;
  const engine = await startDemoEngine(given, output);
  try {
    // Whatever may be refused comes before the bundled model speaks.
    const own = given.data && (await openData(given.data, output, given.asBytes, checkLearning));
    await introduce(await engine.now(), output);
    const corpus = own ?? (await defaultText(output));
    const tokenizer = await tokenize(corpus, output);
    if (given.backend === 'native') await engine.finish();
    await prepareFolder(folder);
    const inputs = given.data ?? [corpus.name];
    const backend = await engine.now();
    const plan = await asked(() => planRun({ ...given, folder, inputs }, corpus, tokenizer, backend, output));
    const { signal } = context; // from here on there is something to save
    const events = await trainRun(plan, output, signal);
    if (signal.aborted) {
      await reportRun(plan, output, { signal });
      output.print(stoppedLine(plan, events));
      return;
    }
    await sample(plan, await engine.now(), output, signal);
    if (!signal.aborted) await shrink(plan, await engine.now(), output);
    await reportRun(plan, output, { signal });
    await engine.finish(signal);
    farewell(out, promptsOf(corpus).advice, output);
  } finally {
    engine.dispose();
  }
}

/** A heading, and a line on what comes next. */
function chapter(output: Output, title: string, line: string): void {
  output.print(`\n${output.colors.bold(title)}\n${line}`);
}

/** Shows what a model of this size can reach, before the demo's own model is trained. */
async function introduce(backend: Backend, output: Output): Promise<void> {
  const { model, tokenizer } = await loadModel(bundledModel(), { backend });
  chapter(
    output,
    'Before we begin',
    `The bundled model, ${formatCount(model.parameterCount)} parameters, trained by this program on Shakespeare, continues "ROMEO:"\n`,
  );
  await speak(model, tokenizer, 'ROMEO:', 80, output);
  model.dispose();
}

async function defaultText(output: Output): Promise<Corpus> {
  try {
    return await openData(['tiny-shakespeare'], output);
  } catch (error) {
    if (!(error instanceof CorpusUnavailable)) throw error;
    output.note(error.message);
    output.note('using moby-dick instead, which this package brings along');
    return openData(['moby-dick'], output);
  }
}

async function tokenize(corpus: Corpus, output: Output): Promise<Tokenizer> {
  chapter(
    output,
    '1. Tokens',
    `Byte pair encoding on ${corpus.name}, ${formatAmount(corpus.bytes.length, 'byte')}, up to 500 tokens.`,
  );
  const begun = performance.now();
  const tokenizer = await trainTokenizer(corpus.bytes, {}, output);
  const seconds = ((performance.now() - begun) / 1000).toFixed(2);
  const beginning = new TextDecoder().decode(corpus.bytes.subarray(0, 240)).slice(0, 60);
  const example = beginning.split('\n').find((line) => line.length > 10) ?? beginning.slice(0, 40);
  const pieces = [...tokenizer.encode(example)].map((id) => tokenizer.tokenText(id));
  output.print(`${tokenizer.vocabSize} tokens in ${seconds} s. ${JSON.stringify(example)} becomes`);
  output.print(pieces.map((piece) => output.colors.inverse(piece.replaceAll('\n', '\\n'))).join(' '));
  return tokenizer;
}

/** By plain TypeScript, two minutes are enough only for a far smaller model. */
async function planRun(
  {
    folder,
    inputs,
    asBytes = false,
    steps: wanted,
  }: { folder: OutFolder; inputs: readonly string[]; asBytes?: boolean; steps?: number },
  corpus: Corpus,
  tokenizer: Tokenizer,
  backend: Backend,
  output: Output,
): Promise<DemoPlan> {
  const slow = backend.name === 'reference';
  const smaller: Partial<GPTConfig> = slow ? { nLayer: 2, nEmbd: 48, nHead: 3, blockSize: 48 } : {};
  const data = await splitCorpus(corpus.bytes, tokenizer);
  const { blockSize } = { ...presets.tiny, ...smaller };
  const fitting = { ...smaller, blockSize: contextFor(data, { blockSize, sampled: false }, output) };
  const config = makeConfig(presets.tiny, tokenizer.vocabSize, fitting);
  const base: TrainSettings = {
    ...recipes.tiny,
    batchSize: slow ? 8 : recipes.tiny.batchSize,
    samplePrompt: promptsOf(corpus).samples,
  };
  const model = new GPT(config, { seed: base.seed, backend });
  const steps = wanted ?? (await stepsThatFit(model, data, base));
  const evalEvery = Math.max(1, Math.round(steps / 6));
  const probeEvery = Math.max(1, Math.round(steps / 12));
  const settings = makeSettings(base, { steps, evalEvery, sampleEvery: evalEvery, probeEvery });
  const facts = factsOf(corpus, { asBytes, separator: null });
  return {
    out: folder.folder,
    lock: { release: folder.release },
    tokenizer,
    settings,
    backend,
    model,
    dataset: data,
    data: recordOf(typed(inputs), facts, defaultSplit, folder.folder),
    title: `demo on ${corpus.name}`,
  };
}

/** The plan of the demo, whose text is in memory. */
type DemoPlan = RunPlan & { dataset: Dataset };

/** Seconds for the steps of the demo; evaluations, INT8 and plots are extra. */
const TRAINING_SECONDS = 75;

/**
 * The number of steps that fit in this time, from a few timed steps that are thrown away: a round number from
 * 60 to 1500.
 */
async function stepsThatFit(
  model: GPT,
  data: Dataset,
  { batchSize, microBatch, seed }: TrainSettings,
): Promise<number> {
  const batch = randomBatch(data.train, batchSize, model.config.blockSize, { seed, index: 0 });
  const times: number[] = [];
  for (let i = 0; i < 4; i++) {
    const begun = performance.now();
    await accumulateGradients(model, batch, { microBatch, seed, step: 0 });
    times.push((performance.now() - begun) / 1000);
  }
  const fit = TRAINING_SECONDS / Math.min(...times);
  return Math.max(60, Math.min(1500, Math.floor(fit / 60) * 60));
}

async function trainRun(plan: RunPlan, output: Output, signal: AbortSignal): ReturnType<typeof trainAndShow> {
  const { model, dataset: data, settings } = plan;
  const { nLayer, nHead, nEmbd, blockSize } = model.config;
  chapter(
    output,
    '2. Training',
    `${formatCount(model.parameterCount)} parameters (${formatAmount(nLayer, 'layer')}, ${formatAmount(nHead, 'head')}, width ${nEmbd}) learn to predict\n` +
      `the next of ${formatCount(data.train.length)} tokens, in ${formatAmount(settings.steps, 'step')} of ${settings.batchSize} x ${blockSize}.\n` +
      `Knowing nothing costs ln ${data.vocabSize} = ${Math.log(data.vocabSize).toFixed(2)} nats per token.`,
  );
  const events = await trainAndShow(plan, output, signal);
  if (lastEvent(events).reason === 'non-finite')
    throw new Error('training diverged; this should not happen: please report it');
  return events;
}

async function sample(
  { settings, out }: RunPlan,
  backend: Backend,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { samplePrompt } = settings;
  chapter(
    output,
    '3. Speech',
    `The best checkpoint, ${join(out, BEST)}, ${samplePrompt === '' ? 'speaks' : `continues ${JSON.stringify(samplePrompt)}`}:\n`,
  );
  const { model, tokenizer } = await loadModel(folderStore(out).folder(BEST), { backend });
  await speak(model, tokenizer, samplePrompt, 120, output, signal);
  model.dispose();
}

/** Continues a prompt and prints the text while it is generated. */
async function speak(
  model: GPT,
  tokenizer: Tokenizer,
  prompt: string,
  maxTokens: number,
  output: Output,
  signal?: AbortSignal,
): Promise<void> {
  output.speak(prompt, output.colors.bold);
  const options = { prompt, maxTokens, temperature: 0.8, topP: 0.95, signal };
  for await (const event of generate(model, tokenizer, options)) {
    output.speak(event.text);
    output.data(event);
  }
  output.print();
}

async function shrink(plan: DemoPlan, backend: Backend, output: Output): Promise<void> {
  chapter(output, '4. INT8', 'Every matrix in 8 bits, one scale per output channel; products of integers.');
  const { out, dataset: data, data: record } = plan;
  const { model: before, tokenizer } = await loadModel(folderStore(out).folder(BEST), { backend });
  const after = await quantize(before);
  const report = await compareWithProgress(before, after, data, {});
  const small = join(out, 'int8');
  const layers = await withProgress('measuring the layers', '', () =>
    compareLayers(before, after, data.train),
  );
  const comparison = { before: join(out, BEST), after: small, quantize: {}, data: record, ...report, layers };
  await saveQuantized(
    folderStore(small),
    { model: after, tokenizer },
    { comparison, pictures: await picturesIfThere(output.note) },
  );
  output.data({ type: 'compare', ...report });
  const { parameters, validation, speed } = report;
  output.print(
    `${formatBytes(parameters.before)} -> ${formatBytes(parameters.after)}, ${parameters.ratio.toFixed(2)}x smaller`,
  );
  output.print(
    `validation loss ${validation.before.loss.toFixed(4)} -> ${validation.after.loss.toFixed(4)} nats/token`,
  );
  if (speed) output.print(speedLine(speed));
  before.dispose();
  after.dispose();
}

/** `generation 1207 -> 702 tokens/s: slower, ...`: says so if it is slower. */
export function speedLine({ before, after }: Pick<Speed, 'before' | 'after'>): string {
  const ratio = after / before;
  const figures = `generation ${Math.round(before)} -> ${Math.round(after)} tokens/s`;
  if (ratio >= 1.05) return `${figures}, ${ratio.toFixed(2)}x faster`;
  if (ratio > 0.95) return `${figures}: as fast`;
  return `${figures}: slower; INT8 saves reading weights from memory, which a model this small does not wait for`;
}

function farewell(out: string, prompt: string, output: Output): void {
  chapter(output, '5. Yours', `Everything is in ${out}: best/, int8/, plots, report.html. Now you:`);
  const [ink, run] = [ownCommand(), shellWord(out)];
  const going = prompt === '' ? '' : ` --prompt ${shellWord(prompt)}`;
  output.print(`  ${ink} generate --model ${run}${going}`);
  output.print(`  ${ink} inspect --model ${run} --out ${shellWord(join(out, 'inspect'))}`);
  output.print(`  ${ink} train --data your.txt --out runs/yours`);
}

/** `base`, or `base-2`, `base-3`, ...: the first folder that is empty and not in use. */
async function takeFreeFolder(base: string): Promise<OutFolder> {
  for (let n = 1; ; n++) {
    const folder = n === 1 ? base : `${base}-${n}`;
    try {
      return await takeOutFolder(folder, WRITER);
    } catch (error) {
      if (!(error instanceof MisuseError)) throw error;
    }
  }
}
