// `inkhorn inspect` and its subcommands: looking inside a model. The work is done in ../inspect/.
import { EDIT_SYNTAX, parseEdit } from '../../inspect/edit-text.ts';
import { loadConfig } from '../../model/folder.ts';
import { type Context, defineCommand, type Place } from '../command.ts';
import { announceEngine, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { type Flags, integer, text, texts } from '../flags.ts';
import { batchFlags, type LookFlags, outFlag, textFlags, topFlag } from '../inspect/flags.ts';
import type { Findings, Subject } from '../inspect/subject.ts';
import { findCheckpoint, findModel } from '../models.ts';
import { claimOutFolder, forceFlag } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { readWords } from '../prompt-input.ts';
import { checkSpecial } from '../special.ts';

/** An argument that is a folder is a model; other words are a text. */
const modelOrText = (_: string, place: Place): string => (place === 'folder' ? '--model' : '--text');

/** `--text`, or what is in `--text-file`. */
async function textGiven({ text, textFile }: LookFlags, output: Output): Promise<string | undefined> {
  if (textFile === undefined) return text;
  if (text !== undefined) throw misuse('--text and --text-file are both given: which one?');
  return readWords(textFile, '--text-file', output);
}

/** Opens model and engine, and shows the result of `look`. */
async function look(
  written: LookFlags,
  output: Output,
  find: (subject: Subject) => Promise<Findings>,
): Promise<void> {
  checkSpecial(written);
  if (written.out !== undefined) await claimOutFolder(written.out, written.force);
  const found = await findCheckpoint(written, output);
  await withEngine(written, async (engine) => {
    const given = { ...written, text: await textGiven(written, output) };
    const backend = announceEngine(engine, output);
    // The drawing libraries take half a second to load, so only these commands load them.
    const { lookAt } = await import('../inspect/subject.ts');
    await lookAt(found, backend, given, output, find);
  });
}

export const overview = defineCommand({
  examples: [
    ['inspect --model runs/first --out runs/first/inspect', 'figures here, pictures there'],
    ['inspect -m runs/first --text "To be, or not to be" --out look', 'attention and losses of this text'],
    ['inspect -m runs/first --json', 'the numbers as one JSON document'],
  ],
  flags: batchFlags,
  meant: (word, place) =>
    place === 'nothing' && /^[\w-]+$/.test(word) ? undefined : modelOrText(word, place),
  run: ({ flags, output }: Context<typeof batchFlags>) =>
    look(flags, output, async (subject) => (await import('../inspect/overview.ts')).overview(subject)),
});

export const taps = defineCommand({
  examples: [
    ['inspect taps', 'the names, their shapes and what they are'],
    ["inspect taps 'blocks.*.mlp.act' -m runs/first", 'the ReLUs of every block'],
    ["inspect taps 'blocks.{0,3}.attn.*' logits -m runs/first --out look", 'attention of two blocks, drawn'],
  ],
  flags: batchFlags,
  async run({ args, flags, output }: Context<typeof batchFlags>): Promise<void> {
    const { listTaps, taps } = await import('../inspect/taps.ts');
    const chosen = flags.model ?? flags.adapter;
    if (args.length === 0 && chosen === undefined) listTaps(output);
    else await look(flags, output, (subject) => taps(subject, args.length > 0 ? args : ['**']));
  },
});

const healthFlags = {
  model: text({ about: 'run folder', argument: '<dir>', short: 'm' }),
  out: outFlag,
  force: forceFlag,
} satisfies Flags;

export const health = defineCommand({
  examples: [
    ['inspect health --model runs/first --out look', 'what happened in a run, also while it goes on'],
    ['inspect health -m runs/first --json', 'every probe of the run'],
  ],
  flags: healthFlags,
  meant: () => '--model',
  async run({ flags, output }: Context<typeof healthFlags>): Promise<void> {
    const { model, out } = flags;
    if (model === undefined)
      throw misuse('--model is missing: name the folder of a run; the bundled model has no history');
    if (out !== undefined) await claimOutFolder(out, flags.force);
    const store = await findModel(model, output);
    const { openHistory, health } = await import('../inspect/health.ts');
    const { present } = await import('../inspect/subject.ts');
    const { activation } = await loadConfig(store);
    await present(
      health(await openHistory(model), { activation }),
      { location: store.location },
      out,
      output,
    );
  },
});

export const attention = defineCommand({
  examples: [
    ['inspect attention -m runs/first --text "ROMEO: O Romeo, Romeo" --out look', 'maps and scores'],
    ['inspect attention -m runs/first --json', 'the scores of every head'],
  ],
  flags: textFlags,
  meant: modelOrText,
  run: ({ flags, output }: Context<typeof textFlags>) =>
    look(flags, output, async (subject) => (await import('../inspect/heads.ts')).heads(subject)),
});

const tokenFlags = {
  ...textFlags,
  top: topFlag,
  rows: integer({ about: 'hardest tokens to list', initial: '12' }, 0),
} satisfies Flags;

export const tokens = defineCommand({
  examples: [
    ['inspect tokens -m runs/first --text "To be, or not to be"', 'the text in colours, the hardest tokens'],
    ['inspect tokens -m runs/first -t "To be, or not" --out look', 'as PNG, SVG, JSON and HTML, too'],
  ],
  flags: tokenFlags,
  meant: modelOrText,
  run: ({ flags, output }: Context<typeof tokenFlags>) =>
    look(flags, output, async (subject) => {
      const { top = 3, rows = 12 } = flags;
      return (await import('../inspect/tokens.ts')).tokens(subject, { top, rows });
    }),
});

const topFlags = { ...textFlags, top: topFlag } satisfies Flags;

export const lens = defineCommand({
  examples: [['inspect lens -m runs/first --text "To be, or not to" --out look', 'the table, and a picture']],
  flags: topFlags,
  meant: modelOrText,
  run: ({ flags, output }: Context<typeof topFlags>) =>
    look(flags, output, async (subject) =>
      (await import('../inspect/lens.ts')).lens(subject, { top: flags.top ?? 3 }),
    ),
});

const embeddingFlags = {
  ...textFlags,
  token: texts({
    about: 'token whose neighbours to show; may be given several times',
    initial: 'those of --text',
  }),
  count: integer({ about: 'neighbours of each', initial: '8' }, 1, 1000),
} satisfies Flags;

export const embedding = defineCommand({
  examples: [
    ['inspect embedding -m runs/first --token "the " --token "ou"', 'the nearest tokens of two'],
    ['inspect embedding -m runs/first --out look', 'with the map of positions'],
  ],
  flags: embeddingFlags,
  meant: (_, place) => (place === 'folder' ? '--model' : '--token'),
  run: ({ flags, output }: Context<typeof embeddingFlags>) =>
    look(flags, output, async (subject) => {
      const { token, count = 8 } = flags;
      return (await import('../inspect/embedding.ts')).embedding(subject, { token, count });
    }),
});

export const edit = defineCommand({
  examples: [
    ["inspect edit 'blocks.3.attn.heads[2]=0' -m runs/first", 'without head 2 of block 3'],
    [
      "inspect edit 'blocks.1.mlp.act[17,30..40]@-1*=2' -m runs/first -t 'To be'",
      'units, at the last position',
    ],
    ["inspect edit 'blocks.2.out@-1<-JULIET:' -m runs/first -t 'ROMEO:'", 'the value of another text'],
  ],
  flags: topFlags,
  async run({ args, flags, output }: Context<typeof topFlags>): Promise<void> {
    if (args.length === 0) throw misuse(`no edit: write ${EDIT_SYNTAX}`);
    await asked(() => args.map(parseEdit));
    await look(flags, output, async (subject) =>
      (await import('../inspect/edit.ts')).edit(subject, args, flags.top ?? 3),
    );
  },
});

export const ablate = defineCommand({
  examples: [
    ['inspect ablate -m runs/first --text "To be, or not to be" --out look', 'a table, and a picture'],
  ],
  flags: textFlags,
  meant: modelOrText,
  run: ({ flags, output }: Context<typeof textFlags>) =>
    look(flags, output, async (subject) => (await import('../inspect/edit.ts')).ablation(subject)),
});
