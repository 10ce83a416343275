// `inkhorn eval`: the loss of a model on a whole text.

import { formatAmount, formatCount } from '../../base/format.ts';
import type { Tokens } from '../../model/batch.ts';
import type { GPT } from '../../model/gpt.ts';
import { refuseCap } from '../../model/logits.ts';
import { type Calibration, calibrate, EVALUATIONS } from '../../train/calibrate.ts';
import { bytesPerToken, type Split, splitTokens } from '../../train/data.ts';
import { evaluate, evaluateFields } from '../../train/evaluate.ts';
import { type Context, defineCommand } from '../command.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { misuse } from '../errors.ts';
import { choice, type Flags, flagOf, toggle } from '../flags.ts';
import { measuredFlags, openMeasuredText } from '../measured-text.ts';
import { chosenFlags, findCheckpoint, openModel } from '../models.ts';
import { createProgress } from '../progress.ts';
import { splitOf } from '../texts.ts';

const parts = ['val', 'train', 'all'] as const;

type Part = (typeof parts)[number];

const flags = {
  ...chosenFlags,
  ...measuredFlags,
  split: choice({ about: 'which part of the tokens', initial: 'val' }, parts),
  maxTokens: flagOf(evaluateFields, 'maxTokens'),
  calibrate: toggle({ about: 'also the temperature of the logits that predicts these tokens best' }),
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
      const text = await openMeasuredText(given, store, output);
      const backend = announceEngine(engine, output);
      const { model, tokenizer } = await openModel(found, backend, output);
      if (given.calibrate) refuseCap(model.config, '--calibrate');
      const { split: part = 'val', maxTokens } = given;
      const encoded = await text.encode(tokenizer);
      const { record } = encoded;
      const split = splitOf(given, record);
      const ids = partOf(encoded.ids, part, split);
      const progress = createProgress(`evaluating ${record.name}`, 'tokens');
      const begun = performance.now();
      const { loss, tokens } = await evaluate(model, ids, { maxTokens, onProgress: progress.update }).finally(
        progress.end,
      );
      const seconds = (performance.now() - begun) / 1000;
      const ratio = bytesPerToken(ids, tokenizer, record.separator);
      const bitsPerByte = loss / Math.LN2 / ratio;
      const perplexity = Math.exp(loss);
      const best = given.calibrate ? await calibrated(model, ids, maxTokens) : null;
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
        ...(best && { calibration: best }),
      });
      output.facts([
        ['nats/token', loss.toFixed(4)],
        ['bits/byte', `${bitsPerByte.toFixed(4)} (${ratio.toFixed(3)} bytes per token)`],
        ['perplexity', perplexity.toFixed(3)],
        [
          'tokens',
          `${formatCount(tokens)} predicted, of ${formatCount(ids.length)} in ${partName(part, split)} of ${record.name}`,
        ],
        ...(best
          ? [
              [
                'calibrated',
                `${best.loss.toFixed(4)} nats/token with logits / ${best.temperature.toFixed(2)}`,
              ] as const,
            ]
          : []),
        ['seconds', `${seconds.toFixed(2)}, the encoding of the text not included`],
      ]);
    });
  },
});

/** The best temperature on these tokens. */
async function calibrated(model: GPT, ids: Tokens, maxTokens: number | undefined): Promise<Calibration> {
  const progress = createProgress('calibrating', 'tokens');
  let [before, last] = [0, 0];
  const onProgress = (done: number, total: number): void => {
    if (done < last) before += total;
    last = done;
    progress.update(before + done, Math.max(EVALUATIONS * total, before + total));
  };
  return calibrate(model, ids, { maxTokens, onProgress }).finally(progress.end);
}

/** As in `of the inner val part`. */
function partName(name: Part, { validate }: Split): string {
  if (name === 'all') return 'all';
  return validate === 'inner' ? `the inner ${name} part` : `the ${name} part`;
}

/** A part of the tokens of a text. Throws when there is no token to predict. */
function partOf(ids: Tokens, name: Part, split: Split): Tokens {
  const part = { ...splitTokens(ids, split), all: ids }[name];
  if (part.length < 2) {
    throw misuse(
      `--split ${name} with --train-fraction ${split.trainFraction} has ${part.length} of ${formatAmount(ids.length, 'token')}: 2 or more are needed`,
    );
  }
  return part;
}
