// `inkhorn eval`: the loss of a model on a whole text.

import { formatAmount, formatCount } from '../../base/format.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { bytesPerToken, type SeparatedText, type Split, splitTokens } from '../../train/data.ts';
import { evaluate, evaluateFields } from '../../train/evaluate.ts';
import { type Context, defineCommand } from '../command.ts';
import { encodeCorpus } from '../encoding.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { choice, type Flags, flagOf } from '../flags.ts';
import { chosenFlags, findCheckpoint, openModel } from '../models.ts';
import { createProgress } from '../progress.ts';
import { openMeasuredText } from '../run-text.ts';
import { asBytesFlag, dataFlag, runSplitFlags, splitOf, textOf } from '../texts.ts';

const parts = ['val', 'train', 'all'] as const;

type Part = (typeof parts)[number];

const flags = {
  ...chosenFlags,
  data: { ...dataFlag, initial: 'the text of the run' },
  asBytes: asBytesFlag,
  split: choice({ about: 'which part of the tokens', initial: 'val' }, parts),
  ...runSplitFlags,
  maxTokens: flagOf(evaluateFields, 'maxTokens'),
  ...engineFlags,
} satisfies Flags;

export const evalCommand = defineCommand({
  examples: [
    ['eval --model runs/first', 'on the validation part of the text it was trained on'],
    ['eval --model runs/first --data other.txt --split all', 'on every token of another text'],
  ],
  flags,
  meant: (_, place) => (place === 'file' ? '--data' : '--model'),
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    const found = await findCheckpoint(given, output);
    const { store } = found;
    await withEngine(given, async (engine) => {
      const { corpus, record } = await openMeasuredText(given, store, output);
      const backend = announceEngine(engine, output);
      const { model, tokenizer } = await openModel(found, backend, output);
      const { split: part = 'val', maxTokens } = given;
      const split = splitOf(given, record);
      const ids = await asked(() => partOf(textOf(corpus, record), tokenizer, part, split));
      const progress = createProgress(`evaluating ${corpus.name}`, 'tokens');
      const begun = performance.now();
      const { loss, tokens } = await evaluate(model, ids, { maxTokens, onProgress: progress.update }).finally(
        progress.end,
      );
      const seconds = (performance.now() - begun) / 1000;
      const ratio = bytesPerToken(ids, tokenizer, record.separator);
      const bitsPerByte = loss / Math.LN2 / ratio;
      const perplexity = Math.exp(loss);
      output.data({
        model: store.location,
        data: record.inputs.length === 1 ? record.inputs[0] : record.inputs,
        split: part,
        ...split,
        loss,
        bitsPerByte,
        perplexity,
        tokens,
        seconds,
      });
      output.facts([
        ['nats/token', loss.toFixed(4)],
        ['bits/byte', `${bitsPerByte.toFixed(4)} (${ratio.toFixed(3)} bytes per token)`],
        ['perplexity', perplexity.toFixed(3)],
        [
          'tokens',
          `${formatCount(tokens)} predicted, of ${formatCount(ids.length)} in ${partName(part, split)} of ${corpus.name}`,
        ],
        ['seconds', `${seconds.toFixed(2)}, the encoding of the text not included`],
      ]);
    });
  },
});

/** As in `of the inner val part`. */
function partName(name: Part, { validate }: Split): string {
  if (name === 'all') return 'all';
  return validate === 'inner' ? `the inner ${name} part` : `the ${name} part`;
}

/** The token ids of a part of a text. Throws when there is no token to predict. */
async function partOf(
  text: Uint8Array | SeparatedText,
  tokenizer: Tokenizer,
  name: Part,
  split: Split,
): Promise<Int32Array> {
  const ids = await encodeCorpus(text, tokenizer);
  const part = { ...splitTokens(ids, split), all: ids }[name];
  if (part.length < 2) {
    throw misuse(
      `--split ${name} with --train-fraction ${split.trainFraction} has ${part.length} of ${formatAmount(ids.length, 'token')}: 2 or more are needed`,
    );
  }
  return part;
}
