// `inkhorn quantize`: a model folder in INT8, with the report of what it cost.
import { realpath } from 'node:fs/promises';
import type { Store } from '../../io/store.ts';
import { loadModel, type ModelFolder, modelFiles } from '../../model/folder.ts';
import { folderStore } from '../../platform/node-store.ts';
import type { CompareReport } from '../../quantize/compare.ts';
import { type QuantizeOptions, quantize } from '../../quantize/quantize.ts';
import { compareTables } from '../../report/compare-tables.ts';
import { formatBytes } from '../../report/format.ts';
import { fence, markdownTable } from '../../report/markdown.ts';
import { shellWord } from '../../report/train-command.ts';
import type { DataRecord } from '../../train/checkpoint.ts';
import { dataset } from '../../train/data.ts';
import { type Context, defineCommand } from '../command.ts';
import { engineFlags, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { choice, type Flags, integer, texts } from '../flags.ts';
import {
  findModel,
  type MeasuredText,
  modelFlag,
  openMeasuredText,
  recordedData,
  splitOf,
} from '../models.ts';
import type { Output } from '../output.ts';
import { claimOutFolder, forceFlag, outFolderFlag } from '../outputs.ts';
import { compareFlags, compareWithProgress, showComparison } from './compare.ts';

const flags = {
  model: modelFlag,
  out: outFolderFlag,
  bits: integer({ about: 'bits per weight', initial: '8' }),
  activations: choice(
    { about: 'int8: products of integers, fast; f32: weights only, a little more exact', initial: 'int8' },
    ['f32', 'int8'],
  ),
  exclude: texts({
    about: 'keep a weight float, by its name or the beginning of it; may be given several times',
    argument: '<name>',
  }),
  force: forceFlag,
  ...compareFlags,
  ...engineFlags,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];

/** What `compare.json` holds. */
export interface Comparison extends CompareReport {
  before: string;
  after: string;
  quantize: QuantizeOptions;
  data: DataRecord;
}

export const quantizeCommand = defineCommand({
  name: 'quantize',
  about: 'an INT8 copy of a model, and what it costs in quality',
  examples: [
    ['quantize --model runs/first --out runs/first-int8', 'every matrix and the token table in INT8'],
    ['quantize -m runs/first -o runs/first-8 --exclude head --exclude embeddings', 'as the seed does'],
    ['quantize -m runs/first -o runs/first-w8 --activations f32', 'weight-only'],
  ],
  flags,
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    const { out, bits = 8, activations = 'int8', exclude = [] } = given;
    if (out === undefined) throw misuse('--out is missing: name a folder for the INT8 model');
    const store = await findModel(given.model, output);
    const path = store.location;
    await refuseSameFolder(path, out);
    await claimOutFolder(out, given.force);
    const text = await comparisonText(given, store, output);
    await withEngine(given, output, async (backend) => {
      const { model, tokenizer } = await loadModel(store, { backend });
      const options = { bits, activations, exclude };
      const small = await asked(() => quantize(model, options));
      let comparison: Comparison | undefined;
      if (text) {
        const { corpus, record } = text;
        const split = splitOf(given, record);
        const data = await asked(() => dataset(corpus.bytes, tokenizer, split));
        const report = await compareWithProgress(model, small, data, given);
        comparison = {
          ...{ before: path, after: out, quantize: options, data: { ...record, ...split } },
          ...report,
        };
        output.data(comparison);
        showComparison(report, output);
      } else {
        output.data({ before: path, after: out, quantize: options });
      }
      const files = await saveQuantized(folderStore(out), { model: small, tokenizer }, comparison);
      const bytes = (files.get('model.safetensors') as Uint8Array).length;
      output.print(`${out}: ${[...files.keys()].join(', ')} (the model: ${formatBytes(bytes)})`);
    });
  },
});

/** Writes an INT8 model, with the comparison where there is one: all of it or nothing. Resolves to the files. */
export async function saveQuantized(
  store: Store,
  contents: ModelFolder,
  comparison?: Comparison,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = await modelFiles(contents);
  if (comparison) {
    files.set('compare.json', utf8(`${JSON.stringify(comparison, null, 1)}\n`));
    files.set('report.md', utf8(renderReport(comparison)));
  }
  await store.writeAll(files);
  return files;
}

/** The text to compare on; null, and a remark, where none is known: the model can be quantised all the same. */
async function comparisonText({ data }: Given, model: Store, output: Output): Promise<MeasuredText | null> {
  if (data === undefined && (await recordedData(model)) === null) {
    output.note(
      `no comparison: ${model.location} does not say which text it was trained on; --data gives one`,
    );
    return null;
  }
  return openMeasuredText(data, model, output);
}

async function refuseSameFolder(model: string, out: string): Promise<void> {
  const place = (path: string): Promise<string | null> => realpath(path).catch(() => null);
  if ((await place(out)) === (await place(model))) {
    throw misuse(`--out ${out} is the folder of the model itself: take another one`);
  }
}

function renderReport({ before, after, quantize: options, data, ...report }: Comparison): string {
  const exclude = options.exclude ?? [];
  const sections = [
    `# INT8 copy of ${before}`,
    `Quantised to ${options.bits} bits per weight, activations ${options.activations}, ` +
      `${exclude.length > 0 ? `without ${exclude.join(', ')}` : 'nothing excluded'}; compared on the validation part of ${data.name}.`,
    ...compareTables(report).flatMap(({ title, columns, rows, note }) => [
      ...[`## ${title}`, markdownTable(columns, rows), ...(note ? [note] : [])],
    ]),
    '## Do it again',
    fence(
      [
        `inkhorn quantize --model ${shellWord(before)} --out ${shellWord(after)} --activations ${options.activations}`,
        ...exclude.map((name) => `--exclude ${shellWord(name)}`),
        `--data ${shellWord(data.spec)}`,
      ].join(' '),
      'sh',
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
