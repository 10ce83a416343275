// `inkhorn train`: text -> tokenizer -> model -> a run folder.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChosenBackend } from '../../backend/registry.ts';
import { formatAmount, formatCount } from '../../base/format.ts';
import { ownCommand } from '../../base/node-command.ts';
import { flagName, shellWord } from '../../base/shell.ts';
import type { Corpus } from '../../corpora/index.ts';
import { launchOf } from '../../distributed/launcher.ts';
import type { Tokens } from '../../model/batch.ts';
import type { GPTConfig } from '../../model/config.ts';
import { loadModel } from '../../model/folder.ts';
import { GPT } from '../../model/gpt.ts';
import { recast } from '../../model/recast.ts';
import { matchTaps } from '../../model/taps.ts';
import { LAST } from '../../runs/layout.ts';
import type { Teacher } from '../../runs/teachers.ts';
import { type Pattern, patterns, type Tokenizer } from '../../tokenizer/index.ts';
import { checkDataset, checkSplit, type Dataset, datasetOf, type Split } from '../../train/data.ts';
import type { TrainEvent } from '../../train/events.ts';
import { checkRanks, checkTeachers } from '../../train/run.ts';
import { WATCHING } from '../../train/setting-fields.ts';
import type { TrainSettings } from '../../train/settings.ts';
import { type Context, defineCommand } from '../command.ts';
import { pick } from '../config-flags.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { asked, misuse, QuietError } from '../errors.ts';
import { fromFlags, openOldText, readStart, type Start } from '../fine-tune.ts';
import { type Flags, integer, text, texts, toggle } from '../flags.ts';
import { endCode } from '../interrupt.ts';
import { forText } from '../large-text.ts';
import { checkLearning, checkTraining } from '../memory.ts';
import { encodeOpened, type OpenedText, openRequest } from '../opened-text.ts';
import { type OutFolder, refuseModelsIn } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { announceRanks, asRank, type Job, ownThreads, silence } from '../ranks.ts';
import { resumedRun, takeRun } from '../resume.ts';
import { prepareFolder, takeRunFolder } from '../run-folder.ts';
import { type Recipe, readRecipe, recipeFlags } from '../run-settings.ts';
import { recordOf, typed } from '../run-text.ts';
import { contextFor, DEFAULT_VOCAB_SIZE, learnTokenizer, trainTokenizer } from '../short-text.ts';
import { distillFlags, type FoundTeacher, findTeachers, openTeachers } from '../teachers.ts';
import { asBytesFlag, dataFlag, type Reading, splitFlags, splitOf } from '../texts.ts';
import { tiktokenFlags } from '../tiktoken.ts';
import { openTokenizer } from '../tokenizers.ts';
import type { TextRequest } from '../tokens-cache.ts';
import { fieldFlag } from '../tokens-file.ts';
import {
  lastEvent,
  type RunPlan,
  reportRun,
  savedStep,
  stoppedLine,
  trainAndShow,
  trainQuietly,
} from '../training.ts';
import { columnsOf, viewText, wrapText } from '../view/width.ts';

const runFlags = {
  data: dataFlag,
  asBytes: { ...asBytesFlag, rare: true },
  field: { ...fieldFlag, rare: true },
  special: text({
    about:
      'put a special token such as <|endoftext|> between the files of --data, in place of a line feed; the tokenizer that is trained gets it, one of --tokenizer must have it',
    argument: '<name>',
  }),
  out: text({ about: 'folder of the run', argument: '<dir>', short: 'o' }),
  resume: text({
    about: 'go on with the run in this folder, exactly as if it had not ended',
    argument: '<dir>',
  }),
  ...fromFlags,
  ...distillFlags,
  force: toggle({ about: 'replace a run that is in the folder already' }),
  tokenizer: text({
    about: 'tokenizer.json or .tiktoken file to use instead of training one',
    argument: '<file>',
  }),
  vocabSize: integer(
    {
      about: 'tokens of the tokenizer that is trained',
      option: 'vocabSize',
      initial: '500, fewer of a short text',
    },
    256,
  ),
  pattern: {
    ...tiktokenFlags.pattern,
    about: `how text is split before merging (${patterns.join(', ')}); of a .tiktoken file perhaps its encoding, such as cl100k_base`,
    initial: 'none',
    rare: true,
  },
  trainFraction: { ...splitFlags.trainFraction, rare: true },
  validate: { ...splitFlags.validate, rare: true },
  probeTaps: texts({
    about:
      'value that probes measure besides the activations: a name of `inkhorn inspect taps` or a glob pattern; may be given several times',
    argument: '<pattern>',
    option: 'probeTaps',
    group: WATCHING,
    rare: true,
  }),
} satisfies Flags;

const flags = { ...runFlags, ...recipeFlags, ...engineFlags } satisfies Flags;

/** How this command is named to others that want the folder. */
const WRITER = 'inkhorn train';

/** Flags that can be combined with --resume. Everything else is in the checkpoint. */
const WITH_RESUME = new Set(['resume', 'steps', 'data', 'asBytes', 'backend', 'threads', 'json']);

export const train = defineCommand({
  examples: [
    ['train --data tiny-shakespeare --out runs/first', 'the recommended model and recipe'],
    ['train --preset seed --data input.txt --steps 2000 --out runs/seed', "the seed's 3.5M parameters"],
    ['train --data notes/ --n-layer 4 --n-embd 192 --n-head 6 --dropout 0.1 --out runs/notes', 'your own'],
    [
      "train --data notes/ --probe-taps 'blocks.*.out' --probe-taps logits --out runs/looked-at",
      'look inside',
    ],
    ['train --from bundled --data poems.txt --out runs/poems', 'a trained model goes on with another text'],
    ['train --from runs/first --lora 8 --data poems.txt --out runs/poems', 'the same by adapters (LoRA)'],
    ['train --distill runs/a --distill runs/b --data notes/ --out runs/c', 'learn from two models, too'],
    ['train --resume runs/first', 'go on after Ctrl-C, a crash or a power cut, bit for bit'],
  ],
  flags,
  meant: (folder, place) => (place === 'folder' && isRun(folder) ? '--resume' : '--data'),
  run: (context: Context<typeof flags>) => asRank(flags, (job) => trainAs(job, context)),
});

/** Trains, alone or as one of several processes, of which the first one has the folder and speaks. */
async function trainAs(job: Job | null, context: Context<typeof flags>): Promise<void> {
  const given = { ...context.flags, threads: context.flags.threads ?? ownThreads() };
  const { resume } = given;
  const output = job && !job.first ? silence : context.output;
  const folder =
    job && !job.first
      ? othersFolder(resume ?? given.out)
      : resume === undefined
        ? await takeNewFolder(given)
        : await takeResumed(given, resume);
  try {
    const begin = resume === undefined ? freshRun : resumedRun;
    await begin(given, folder, output, job, (plan) => trainToEnd(plan, job, output, context));
  } finally {
    folder.release();
  }
}

/** The folder of a run to which another process writes. */
function othersFolder(folder = ''): OutFolder {
  return { folder, judged: new Map(), release() {} };
}

/** Trains, and says what there is afterwards. */
async function trainToEnd(
  plan: RunPlan,
  job: Job | null,
  output: Output,
  context: Context<typeof flags>,
): Promise<void> {
  describe(plan, output);
  const { evalEvery, checkpointEvery, localSteps } = plan.settings;
  if (evalEvery === 0 && checkpointEvery === 0)
    output.note(
      localSteps > 0
        ? `the run is saved at its end only: --checkpoint-every ${20 * localSteps} saves it between`
        : 'the run is saved at its end and when it is interrupted (Ctrl-C), not between: --checkpoint-every 500 would',
    );
  // From here on there is something to save.
  const { signal } = context;
  if (job) return trainTogether({ ...plan, ranks: job.ranks }, job, output, signal);
  const events = await trainAndShow(plan, output, signal);
  await conclude(plan, output, events, signal);
}

/**
 * How long others wait for the first process to save the run and end the job, before they end it: if it is
 * perhaps the one that was lost, and if a signal stopped all (a launcher has a limit of its own).
 */
const PATIENCE_MS = { lost: 5000, stopped: 60_000 };

/** As one of several processes. */
async function trainTogether(plan: RunPlan, job: Job, output: Output, signal: AbortSignal): Promise<void> {
  const { lost } = job.ranks;
  const either = AbortSignal.any([signal, lost]);
  const events = await (job.first ? trainAndShow(plan, output, either) : trainQuietly(plan, either));
  const { reason } = lastEvent(events);
  if (reason !== 'aborted') {
    job.end();
    if (job.first) await conclude(plan, output, events, signal);
    return;
  }
  if (!job.first) {
    await pause(lost.aborted ? PATIENCE_MS.lost : PATIENCE_MS.stopped);
    throw new QuietError(lost.aborted ? 1 : endCode());
  }
  // Whoever ends the job waits for no report.
  output.print(stoppedLine(plan, events));
  if (!lost.aborted) return;
  const saved = savedStep(plan, events);
  const state = saved === null ? 'nothing is saved' : `the run is saved at step ${saved}`;
  throw new Error(`${lost.reason.message}; ${state}`);
}

/** Draws the report, and says how to go on. */
async function conclude(
  plan: RunPlan,
  output: Output,
  events: readonly TrainEvent[],
  signal: AbortSignal,
): Promise<void> {
  const [page] = await reportRun(plan, output, { signal });
  const { reason, step } = lastEvent(events);
  output.print(`report: ${page}`);
  if (reason === 'aborted') output.print(stoppedLine(plan, events));
  if (reason === 'non-finite') {
    throw new Error(
      `training diverged at step ${step}: lower --lr, add --warmup or --clip 1; checkpoints are kept`,
    );
  }
  if (reason === 'finished')
    output.print(`next: ${ownCommand()} generate --model ${shellWord(plan.out)}${promptOf(plan)}`);
}

/** Whether a folder has a checkpoint to resume from. */
function isRun(folder: string): boolean {
  return existsSync(join(folder, LAST));
}

/** The prompt of its samples, for a command line. */
function promptOf({ settings: { samplePrompt } }: RunPlan): string {
  return samplePrompt === '' ? '' : ` --prompt ${shellWord(samplePrompt)}`;
}

type Given = Context<typeof flags>['flags'];

/** The folder of `--out`, locked from the first moment on. */
async function takeNewFolder({ out, force }: Given): Promise<OutFolder> {
  if (out === undefined) throw misuse('--out is missing: name a folder for the run');
  return takeRunFolder(out, WRITER, force);
}

/** Calls `work` with the plan of a new run. */
async function freshRun(
  given: Given,
  folder: OutFolder,
  output: Output,
  job: Job | null,
  work: (plan: RunPlan) => Promise<void>,
): Promise<void> {
  const { probeTaps, out } = given;
  if (out === undefined) throw misuse('--out is missing: name a folder for the run');
  const start = await readStart(given, output);
  const recipe = await inPairs(await readRecipe(given, { ...runFlags, ...engineFlags }, start), job);
  const { configFor, settings, origin } = recipe;
  if (probeTaps && settings.probeEvery === 0)
    throw misuse('--probe-taps has no effect without --probe-every above 0');
  const split = await asked(() => checkSplit(splitOf(given)));
  const teachers = await findTeachers(given.distill, recipe.chosen, out, output);
  await refuseModelsIn(
    [...(start ? [start] : []), ...teachers].map(({ store }) => store),
    out,
  );
  await asked(() => matchTaps(probeTaps ?? [], configFor(256)));
  const { tokenizer: file } = given;
  const opened = file === undefined ? null : await givenTokenizer(given, file, recipe);
  const pattern = opened === null && start === null ? patternOf(given) : null;
  const vocabSize = opened?.vocabSize ?? given.vocabSize ?? recipe.vocabSize ?? DEFAULT_VOCAB_SIZE;
  const expected = await asked(() => configFor(vocabSize), origin);
  const choice: Choice = { recipe, split, start, teachers, opened, pattern };
  await withEngine(given, async (engine) => {
    const taught = { teachers: teachers.map((teacher) => teacher.config) };
    await checkTraining(expected, settings, engine.backend, taught);
    const plan = await planRun(choice, engine, given, folder, output, job);
    // Nothing is removed before all processes know that they can begin.
    const machines = await job?.begin(plan);
    if (!job || job.first) await prepareFolder(folder);
    announceEngine(engine, output);
    if (job) announceRanks(job, machines, plan, output);
    await work(plan);
  });
}

/**
 * The recipe for processes of mpirun, however many: gradients are added in pairs, so that their number makes
 * no difference.
 */
async function inPairs(recipe: Recipe, job: Job | null): Promise<Recipe> {
  const launched = launchOf() === null ? {} : { summation: recipe.chosen.summation ?? 'pairwise' };
  const { localSteps } = recipe.settings;
  const workers = recipe.chosen.workers ?? job?.ranks.size ?? 1;
  const settings = { ...recipe.settings, ...launched, ...(localSteps > 0 && { workers }) };
  await asked(() => checkRanks(settings, job?.ranks), recipe.origin);
  return { ...recipe, settings };
}

/** What the flags of a new run say, checked. */
interface Choice {
  recipe: Recipe;
  split: Split;
  /** The model of `--from`. */
  start: Start | null;
  /** The models of `--distill`. */
  teachers: readonly FoundTeacher[];
  /** The tokenizer of `--tokenizer`. */
  opened: Tokenizer | null;
  /** Of a new tokenizer. */
  pattern: Pattern | null;
}

/** Reads the text, and makes tokenizer and model. */
async function planRun(
  { recipe, split, start, teachers: found, opened, pattern }: Choice,
  engine: ChosenBackend,
  given: Given,
  { folder: out, release }: OutFolder,
  output: Output,
  job: Job | null,
): Promise<RunPlan> {
  const { name, configFor, origin } = recipe;
  const { asBytes = false, special: separator = null, field } = given;
  const request: TextRequest = { inputs: given.data, asBytes, separator, field };
  const text = await openRequest(request, output, (bytes) => {
    if (pattern) checkLearning(bytes, pattern); // of a new tokenizer
  });
  const begun = start && (await loadModel(start.store, { backend: engine.backend, onNote: output.note }));
  const tokenizer = begun?.tokenizer ?? opened ?? (await newTokenizer(given, recipe, text, output));
  const wanted = await asked(() => configFor(tokenizer.vocabSize), origin);
  const encode = () => encodeOpened(text, tokenizer, output);
  const { ids, facts } = await (job && text.kind === 'stream' ? job.inTurn(encode) : encode());
  const dataset = await asked(() => datasetOf(ids, tokenizer, facts.separator, split));
  const config = await asked(() => fitted(wanted, dataset, recipe, output), origin);
  if (text.kind === 'memory') checkSeparator(request, text.corpus, output);
  const read = { tokens: dataset.train.length, blockSize: config.blockSize };
  const settings = forText(recipe.settings, recipe.chosen, read, output);
  const old = start && (await openOldText(start, given.oldData, tokenizer, output, job));
  const { backend } = engine;
  const model = begun
    ? await asked(() => recast(begun.model, config))
    : new GPT(config, { seed: settings.seed, backend });
  const teachers = await openTeachers(found, tokenizer, backend, output);
  const names = found.map(({ path }) => `--distill ${path}`);
  const models = teachers?.map((teacher) => teacher.model);
  await asked(() => checkTeachers(settings, model, models, names), origin);
  return {
    out,
    lock: { release },
    tokenizer,
    dataset,
    settings,
    probeTaps: given.probeTaps,
    backend,
    model,
    data: recordOf(typed(given.data ?? []), facts, split, out),
    old: old ?? undefined,
    teachers,
    start: start?.path,
    title: `${name} on ${text.name}`,
    tokenizerFile: given.tokenizer,
  };
}

/** The config. If no context was asked for, it is made short enough for the text. */
function fitted(
  config: GPTConfig,
  data: Dataset<Tokens>,
  { changes, settings }: Recipe,
  output: Output,
): GPTConfig {
  const { blockSize } = config;
  const sampled = settings.evalMethod === 'sampled';
  const fits = changes.blockSize === undefined ? contextFor(data, { blockSize, sampled }, output) : blockSize;
  checkDataset(data, { ...config, blockSize: fits });
  return { ...config, blockSize: fits };
}

/** Says what a separator does not do. */
function checkSeparator({ separator }: Reading, { bytes, documents }: Corpus, output: Output): void {
  if (separator === null) return;
  if (documents.length === 1)
    output.note(`--special ${separator}: the text is one file, so that it stands nowhere in it`);
  const inside = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(separator);
  if (inside)
    output.note(
      `the text itself holds ${separator}: there it is ordinary text; to make tokens of these, train a tokenizer ` +
        'with --special and give it by --tokenizer, without --special here',
    );
}

/** The tokenizer of `--tokenizer`. */
async function givenTokenizer(given: Given, file: string, { vocabSize }: Recipe): Promise<Tokenizer> {
  const { pattern, special } = given;
  const isTiktoken = file.endsWith('.tiktoken');
  if (given.vocabSize ?? (isTiktoken ? undefined : pattern))
    throw misuse('--tokenizer brings its own --vocab-size and --pattern');
  const extras = isTiktoken ? { pattern, special: special ? [special] : undefined } : {};
  const opened = await openTokenizer(file, extras);
  if (vocabSize !== undefined && vocabSize !== opened.vocabSize) {
    throw misuse(
      `--tokenizer ${file} has ${formatAmount(opened.vocabSize, 'token')}, --config asks for vocabSize ${vocabSize}`,
    );
  }
  return opened;
}

/** How a new tokenizer splits text. */
function patternOf({ pattern = 'none' }: Given): Pattern {
  const found = patterns.find((one) => one === pattern);
  if (found === undefined) throw misuse(`--pattern ${pattern} needs --tokenizer FILE.tiktoken`);
  return found;
}

/** A new tokenizer, trained on the text. */
async function newTokenizer(
  given: Given,
  recipe: Recipe,
  text: OpenedText,
  output: Output,
): Promise<Tokenizer> {
  if (text.kind === 'tokens')
    throw misuse(
      `--data ${text.source} is a file of tokens: give the tokenizer that made it by --tokenizer${fileOf(text)}`,
    );
  const pattern = patternOf(given);
  const vocabSize = given.vocabSize ?? recipe.vocabSize;
  const specialTokens = given.special === undefined ? [] : [given.special];
  output.note(`training a tokenizer of ${vocabSize ?? DEFAULT_VOCAB_SIZE} tokens on ${text.source}`);
  const options = { vocabSize, pattern, specialTokens };
  return text.kind === 'memory'
    ? trainTokenizer(text.corpus.bytes, options, output)
    : (await learnTokenizer(text.stream, options, output)).tokenizer;
}

/** ` notes.json`: the tokenizer of a file of tokens, as it was named. */
function fileOf({ file }: OpenedText & { kind: 'tokens' }): string {
  const name = file.description.tokenizer.file;
  return name === undefined ? '' : ` (${name})`;
}

/** The run of `--resume`, locked. */
async function takeResumed(given: Given, out: string): Promise<OutFolder> {
  const surplus = Object.keys(pick(given, flags)).find((name) => !WITH_RESUME.has(name));
  if (surplus)
    throw misuse(
      `--resume goes on with the settings of the run: only --steps can change, not ${flagName(surplus)}`,
    );
  return takeRun(out, WRITER);
}

/** `runs/a, runs/b: 0.5 of each target`. */
function taughtBy(teachers: readonly Teacher[], { distillWeight }: TrainSettings): string {
  return `${teachers.map(({ record }) => record.path).join(', ')}: ${distillWeight} of each target`;
}

/** Columns of the labels of `describe`. */
const LABEL = 9;

/** A few lines about the coming run, fitted to the window. */
function describe(
  { model, dataset: data, settings, teachers, data: { name, validate } }: RunPlan,
  output: Output,
): void {
  const { nLayer, nHead, nEmbd, headSize, blockSize, vocabSize } = model.config;
  const { steps, batchSize, accumulate, optimizer, lr, muonLr, schedule } = settings;
  const rates = optimizer === 'muon' ? `${muonLr} for matrices, ${lr} for the rest,` : lr;
  const { emaDecay, logitTemperature } = settings;
  const average = emaDecay > 0 ? `, weights averaged (decay ${emaDecay})` : '';
  const divided = logitTemperature === 1 ? '' : `, logits divided by ${logitTemperature}`;
  const inner = validate === 'inner' ? ' (inner split)' : '';
  const facts = [
    [
      'model',
      `${formatAmount(model.parameterCount, 'parameter')}: ${formatAmount(nLayer, 'layer')}, ${formatAmount(nHead, 'head')} of ${headSize}, width ${nEmbd}, context ${blockSize}`,
    ],
    [
      'data',
      `${name}: ${formatAmount(data.train.length, 'token')} to train on, ${formatCount(data.val.length)} to validate${inner}, vocabulary ${vocabSize}`,
    ],
    [
      'training',
      `${formatAmount(steps, 'step')} of ${batchSize * accumulate} x ${blockSize} tokens, ${optimizer}, lr ${rates} ${schedule}${average}${divided}`,
    ],
    ...(teachers ? [['teachers', taughtBy(teachers, settings)] as const] : []),
  ] as const;
  const columns = output.tty ? columnsOf(process.stdout) : Number.POSITIVE_INFINITY;
  for (const [label, value] of facts) {
    const [first, ...more] = wrapText(viewText(value), columns - LABEL);
    output.print(label.padEnd(LABEL) + first);
    for (const line of more) output.print(' '.repeat(LABEL) + line);
  }
}
