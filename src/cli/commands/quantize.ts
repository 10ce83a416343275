// `inkhorn quantize`: writes a model folder in INT8 or INT4, with a report on the loss of quality.

import { dirname } from 'node:path';
import { complete } from '../../base/fields.ts';
import { formatBytes } from '../../base/format.ts';
import { ownCommand } from '../../base/node-command.ts';
import { shellWord } from '../../base/shell.ts';
import { layerErrorFigure } from '../../figures/layer-errors.ts';
import { folderStore } from '../../io/node-store.ts';
import type { Store } from '../../io/store.ts';
import type { Tokens } from '../../model/batch.ts';
import { loadConfig, type ModelFolder, modelFiles } from '../../model/folder.ts';
import type { GPT } from '../../model/gpt.ts';
import { type NodePictures, picturesIfThere } from '../../png/charts.ts';
import { compareLayers } from '../../quantize/layer-errors.ts';
import { checkQuantizeOptions, quantize, quantizedWeights, quantizeFields } from '../../quantize/quantize.ts';
import { renderComparison } from '../../report/comparison-report.ts';
import type { Comparison } from '../../runs/comparison.ts';
import { COMPARISON_FILE, HISTORY_FILE } from '../../runs/layout.ts';
import type { Dataset } from '../../train/data.ts';
import { type Context, defineCommand } from '../command.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { type Flags, flagOf } from '../flags.ts';
import { type MeasuredText, measuredDataset, openMeasuredText } from '../measured-text.ts';
import {
  chosenFlags,
  type FoundModel,
  findCheckpoint,
  modelFlag,
  openModel,
  SHIPPED_MODEL,
} from '../models.ts';
import { forceFlag, outFolderFlag, refuseModelFolder, refuseRun, takeOutFolder } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { createProgress, withProgress } from '../progress.ts';
import { outOfReach, recordedData } from '../run-text.ts';
import { compareFlags, compareWithProgress, showComparison } from './compare.ts';

const flags = {
  ...chosenFlags,
  out: outFolderFlag,
  bits: flagOf(quantizeFields, 'bits'),
  groupSize: flagOf(quantizeFields, 'groupSize'),
  method: flagOf(quantizeFields, 'method'),
  activations: flagOf(quantizeFields, 'activations'),
  exclude: flagOf(quantizeFields, 'exclude', { argument: '<name>' }),
  force: forceFlag,
  ...compareFlags,
  ...engineFlags,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];

/** The flags of the method, as options of `quantize`. */
type Chosen = Comparison['quantize'];

export const quantizeCommand = defineCommand({
  examples: [
    [
      'quantize --model runs/first --out runs/first/int8',
      'all matrices in INT8; in the run, its report shows it',
    ],
    [
      'quantize -m runs/first -o runs/first-int4 --bits 4',
      'half of that, by GPTQ on the text it was trained on',
    ],
    ['quantize -m runs/first -o runs/first-8 --exclude head --exclude embeddings', 'as the seed does'],
    ['quantize -m runs/first -o runs/first-w8 --activations f32', 'weight-only'],
  ],
  flags,
  meant: () => '--model',
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    const { out } = given;
    if (out === undefined) throw misuse('--out is missing: name a folder for the quantised model');
    const chosen = await asked(() => chosenOptions(given));
    await asked(() => checkQuantizeOptions(chosen));
    const found = await findCheckpoint(given, output);
    const { store } = found;
    await refuseModelFolder(store.location, out);
    const config = await loadConfig(store);
    await asked(() => quantizedWeights(config, chosen));
    const folder = await takeOutFolder(out, 'inkhorn quantize', given.force);
    try {
      await refuseRun(out);
      await shrinkInto(out, chosen, found, given, output);
    } finally {
      folder.release();
    }
  },
});

/** Quantises a model into the folder `out`, and compares both if there is a text. */
async function shrinkInto(
  out: string,
  chosen: Chosen,
  found: FoundModel,
  given: Given,
  output: Output,
): Promise<void> {
  const { store } = found;
  const path = store.location;
  await withEngine(given, async (engine) => {
    const text = await comparisonText(given, chosen, store, output);
    const backend = announceEngine(engine, output);
    const { model, tokenizer } = await openModel(found, backend, output);
    const encode = async (found: MeasuredText) => measuredDataset(found, tokenizer, given);
    const measured = text && (await unlessNeeded(given, chosen, output, () => encode(text)));
    const small = await asked(() => quantizeWithProgress(model, chosen, measured?.data));
    const what = { before: path, after: out, quantize: chosen };
    let comparison: Comparison | undefined;
    if (measured) {
      const { data, record } = measured;
      const report = await compareWithProgress(model, small, data, given);
      const { activations: _, ...stored } = chosen;
      const layers = await withProgress('measuring the layers', '', () =>
        compareLayers(model, small, data.train, stored),
      );
      comparison = { ...what, data: record, ...report, layers };
      output.data(comparison);
      showComparison(report, output);
    } else {
      output.data(what);
    }
    const files = await saveQuantized(
      folderStore(out),
      { model: small, tokenizer },
      comparison && { comparison, pictures: await picturesIfThere(output.note) },
    );
    const bytes = (files.get('model.safetensors') as Uint8Array).length;
    output.print(`${out}: ${[...files.keys()].join(', ')} (the model: ${formatBytes(bytes)})`);
    const run = folderStore(dirname(out));
    if (await run.exists(HISTORY_FILE))
      output.print(`the report of the run will show it: ${ownCommand()} report ${shellWord(run.location)}`);
  });
}

/**
 * Writes a quantised model, with the comparison if there is one: all of it or nothing. Resolves to the files.
 */
export async function saveQuantized(
  store: Store,
  contents: ModelFolder,
  compared?: { comparison: Comparison; pictures: NodePictures | null },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = await modelFiles(contents);
  if (compared)
    for (const [name, bytes] of reportFiles(compared.comparison, compared.pictures)) files.set(name, bytes);
  await store.writeAll(files);
  return files;
}

/** The comparison as numbers, as text, and its picture. */
function reportFiles(comparison: Comparison, pictures: NodePictures | null): Map<string, Uint8Array> {
  const files = new Map([
    [COMPARISON_FILE, utf8(`${JSON.stringify(comparison, null, 1)}\n`)],
    [
      'report.md',
      utf8(
        renderComparison(
          comparison,
          comparison.before === SHIPPED_MODEL ? (modelFlag.initial ?? null) : null,
        ),
      ),
    ],
  ]);
  const figure = pictures && layerErrorFigure(comparison.layers, { charts: pictures });
  if (figure) files.set('layers.svg', utf8(figure.svg)).set('layers.png', pictures.toPng(figure.svg));
  return files;
}

/** The options with their defaults, so that a report says what was done. */
function chosenOptions({ bits, groupSize, method, activations, exclude }: Given): Chosen {
  const given = { bits, groupSize, method, activations, exclude };
  const all = complete(quantizeFields, given, 'quantize');
  const ofFour = all.bits === 4 ? all : given;
  return {
    bits: all.bits,
    groupSize: ofFour.groupSize,
    method: ofFour.method,
    activations: all.activations,
    exclude: all.exclude,
  };
}

/** `quantize`, with a progress bar if it takes a while. */
async function quantizeWithProgress(
  model: GPT,
  options: Chosen,
  data: Dataset<Tokens> | undefined,
): Promise<GPT> {
  const calibration = options.method === 'gptq' ? data?.train : undefined;
  const progress = createProgress('quantising', 'matrices');
  try {
    return await quantize(model, { ...options, calibration, onProgress: progress.update });
  } finally {
    progress.end();
  }
}

/** The text for calibration and comparison. Null, with a remark, if none is known and none is needed. */
async function comparisonText(
  given: Given,
  chosen: Chosen,
  model: Store,
  output: Output,
): Promise<MeasuredText | null> {
  const { bits, method } = chosen;
  if (given.data === undefined && (await recordedData(model)) === null) {
    if (bits === 4 && method === 'gptq') {
      throw misuse(
        `${model.location} does not say which text it was trained on, and gptq calibrates with it: give --data, or --method rtn`,
      );
    }
    output.note(
      `no comparison: ${model.location} does not say which text it was trained on; --data gives one`,
    );
    return null;
  }
  return unlessNeeded(given, chosen, output, () => openMeasuredText(given, model, output, given.out));
}

/** The result of `work`; null, with a remark, where a text that nobody named and nothing needs is missing. */
async function unlessNeeded<T>(
  { data }: Given,
  { method }: Chosen,
  output: Output,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (data !== undefined || method === 'gptq' || !outOfReach(error)) throw error;
    output.note(`no comparison: ${error.message}`);
    return null;
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
