// Shared by `inspect` and its subcommands: the model, the text, and the place of the findings.
import { join } from 'node:path';
import type { Backend } from '../../backend/contract.ts';
import { formatAmount } from '../../base/format.ts';
import type { Charts } from '../../figures/charts.ts';
import type { Figure } from '../../figures/figure.ts';
import { checkPrompt } from '../../inspect/prompt.ts';
import { folderStore } from '../../io/node-store.ts';
import type { Store } from '../../io/store.ts';
import { type Batch, type Tokens, windows } from '../../model/batch.ts';
import type { ModelFolder } from '../../model/folder.ts';
import { loadPictures } from '../../png/charts.ts';
import { writeFigures } from '../../report/write.ts';
import { randomBatch, splitTokens } from '../../train/data.ts';
import { asked, misuse } from '../errors.ts';
import { openMeasuredText } from '../measured-text.ts';
import { type FoundModel, openModel } from '../models.ts';
import type { Output } from '../output.ts';
import { withProgress } from '../progress.ts';
import { outOfReach, recordedData } from '../run-text.ts';
import { encodeWords } from '../special.ts';
import { splitOf } from '../texts.ts';
import type { LookFlags } from './flags.ts';

/** The model to inspect, with its engine. */
export interface Subject {
  folder: ModelFolder;
  store: Store;
  /** The step of the checkpoint; null for a model that is not a checkpoint of a run. */
  step: number | null;
  given: LookFlags;
  output: Output;
}

/** The result of a subcommand: for machines, as pictures, and on a terminal. */
export interface Findings {
  data: object;
  /** Makes the pictures; called only if they are wanted. */
  figures(charts: Charts): readonly (Figure | null)[];
  show(output: Output): void;
}

/** Loads the model, runs `look`, prints the result, and draws it if `--out` is given. */
export async function lookAt(
  found: FoundModel,
  backend: Backend,
  given: LookFlags,
  output: Output,
  look: (subject: Subject) => Promise<Findings>,
): Promise<void> {
  const { store, step } = found;
  const folder = await openModel(found, backend, output);
  const findings = await withProgress('looking inside the model', '', () =>
    look({ folder, store, step, given, output }),
  );
  await present(findings, { location: store.location, step }, given.out, output);
}

/**
 * Prints what was found about `location`, draws it into `out` if given, and says where. The numbers beside a
 * picture have the `step` of the model, if there is one.
 */
export async function present(
  { data, figures, show }: Findings,
  { location, step }: { location: string; step?: number | null },
  out: string | undefined,
  output: Output,
): Promise<void> {
  const pictures = out === undefined ? null : await loadPictures();
  const drawn = pictures ? figures(pictures).filter((figure) => figure !== null) : [];
  const dated = drawn.map((figure) =>
    step === undefined ? figure : { ...figure, data: Object.assign({ step }, figure.data, { step }) },
  );
  const files = out === undefined || !pictures ? [] : await writeFigures(folderStore(out), dated, pictures);
  output.data({ model: location, ...data, files: files.map((name) => join(out ?? '', name)) });
  show(output);
  if (out === undefined) output.note('no pictures: --out DIR draws them');
  else if (drawn.length > 0)
    output.print(`${out}: ${drawn.map(({ name }) => name).join(', ')} (.png, .svg, .json)`);
}

/** The most tokens taken from a text that nobody chose: few enough for labels in the pictures. */
const SHOWN = 24;

/** The flag by which the text was given. */
function textFlag({ textFile }: LookFlags): string {
  return textFile === undefined ? '--text' : '--text-file';
}

/**
 * The tokens of `--text` or `--text-file`, or the first of the validation part. Fewer than `least` are a
 * misuse.
 */
export async function textOf(subject: Subject, least: number): Promise<Int32Array> {
  const { folder, given } = subject;
  const { tokenizer } = folder;
  if (given.text === undefined) {
    const val = await validationPart(subject).catch((error) => {
      if (!outOfReach(error)) throw error;
      error.message += '; or give a text of your own: --text, --text-file';
      throw error;
    });
    return val.subarray(0, Math.min(SHOWN, folder.model.config.blockSize));
  }
  const ids = encodeWords(tokenizer, given.text, given);
  if (ids.length < least) {
    const why = least > 1 ? `${least} or more are needed, for one to be predicted` : 'at least one is needed';
    throw misuse(`${textFlag(given)} has ${formatAmount(ids.length, 'token')}: ${why}`);
  }
  return ids;
}

/** As `promptOf`, for a text that must fit the context of the model. */
export async function promptOf(subject: Subject, least: number): Promise<Int32Array> {
  const ids = await textOf(subject, least);
  return asked(() => checkPrompt(ids, subject.folder.model.config, least));
}

/**
 * Random windows of the validation part; of the given text if neither `--data` nor the run names a text.
 */
export async function batchOf(subject: Subject): Promise<Batch> {
  const { folder, store, given } = subject;
  const { blockSize: T } = folder.model.config;
  const { batchSize = 16, seed = 1337 } = given;
  if (given.text !== undefined && given.data === undefined && (await recordedData(store)) === null) {
    return windowOf(await textOf(subject, 2), T);
  }
  const val = await validationPart(subject).catch((error) => {
    if (!outOfReach(error) || given.text === undefined) throw error;
    subject.output.note(
      `the text that the model was trained on is out of reach: activations are those of ${textFlag(given)}`,
    );
    return null;
  });
  if (val === null) return windowOf(await textOf(subject, 2), T);
  if (val.length <= T) return windows(val, [0], val.length - 1);
  return randomBatch(val, batchSize, T, { seed, index: 0 });
}

/** The first T + 1 tokens, or fewer if there are not so many. */
function windowOf(ids: Int32Array, T: number): Batch {
  const seen = ids.subarray(0, T + 1);
  return windows(seen, [0], seen.length - 1);
}

const validationParts = new WeakMap<ModelFolder, Tokens>();

async function validationPart({ folder, store, given, output }: Subject): Promise<Tokens> {
  const known = validationParts.get(folder);
  if (known) return known;
  const text = await openMeasuredText(given, store, output);
  const { ids, record } = await text.encode(folder.tokenizer);
  const { val } = splitTokens(ids, splitOf(given, record));
  if (val.length < 2)
    throw misuse(
      `the validation part of ${text.source} has ${formatAmount(val.length, 'token')}: 2 or more are needed`,
    );
  validationParts.set(folder, val);
  return val;
}
