// `inkhorn compare A B`: two models side by side.
import { compareTables } from '../../figures/comparison.ts';
import type { GPT } from '../../model/gpt.ts';
import { type CompareData, type CompareReport, compare, compareFields } from '../../quantize/compare.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { type Context, defineCommand } from '../command.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { misuse } from '../errors.ts';
import { type Flags, flagOf } from '../flags.ts';
import { measuredDataset, measuredFlags, openMeasuredText } from '../measured-text.ts';
import { adapterFlag, findCheckpoint, openModel } from '../models.ts';
import type { Output } from '../output.ts';
import { withProgress } from '../progress.ts';
import { showTable } from '../show-table.ts';

export const compareFlags = {
  ...measuredFlags,
  maxTokens: flagOf(compareFields, 'maxTokens'),
  speedTokens: flagOf(compareFields, 'speedTokens'),
} satisfies Flags;

const flags = {
  ...compareFlags,
  adapter: { ...adapterFlag, about: `${adapterFlag.about}; into the second` },
  ...engineFlags,
} satisfies Flags;

export const compareCommand = defineCommand({
  examples: [
    ['compare runs/first runs/first-int8', 'a model and its INT8 copy'],
    ['compare runs/a runs/b --data other.txt', 'two runs with the same tokenizer, on another text'],
  ],
  flags,
  async run({ args: [a, b], flags: given, output }: Context<typeof flags>): Promise<void> {
    const foundA = await findCheckpoint({ model: a }, output);
    const foundB = await findCheckpoint({ model: b, adapter: given.adapter }, output);
    const [storeA, storeB] = [foundA.store, foundB.store];
    await withEngine(given, async (engine) => {
      const { backend } = engine;
      const before = await openModel(foundA, backend, output);
      const after = await openModel(foundB, backend, output);
      checkSameTokenizer(before.tokenizer, after.tokenizer);
      const text = await openMeasuredText(given, storeA, output);
      announceEngine(engine, output);
      const { data, record } = await measuredDataset(text, before.tokenizer, given);
      const report = await compareWithProgress(before.model, after.model, data, given);
      output.data({
        before: storeA.location,
        after: storeB.location,
        data: record,
        ...report,
      });
      showComparison(report, output);
    });
  },
});

/** Losses are per token, so they can be compared only for equal tokens. */
function checkSameTokenizer(a: Tokenizer, b: Tokenizer): void {
  if (JSON.stringify(a.toJSON()) !== JSON.stringify(b.toJSON())) {
    throw misuse(
      `the models have different tokenizers (${a.vocabSize} and ${b.vocabSize} tokens): only models with the same one can be compared token by token; \`inkhorn eval\` gives bits/byte of each`,
    );
  }
}

/** `compare`, with a progress bar. */
export async function compareWithProgress(
  before: GPT,
  after: GPT,
  data: CompareData,
  { maxTokens, speedTokens }: { maxTokens?: number; speedTokens?: number },
): Promise<CompareReport> {
  return withProgress('comparing', 'tokens', (onProgress) =>
    compare(before, after, data, { maxTokens, speedTokens, onProgress }),
  );
}

/** The tables of a comparison. */
export function showComparison(report: CompareReport, output: Output): void {
  for (const table of compareTables(report)) showTable(table, output);
}
