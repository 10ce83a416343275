// `inspect tokens`: how hard each token of a text was, what was expected instead, and what comes next.

import { join } from 'node:path';
import type { Colors } from 'picocolors/types.js';
import { formatAmount, formatPercent } from '../../base/format.ts';
import { visibleLine } from '../../base/visible.ts';
import { predictText, type TextPredictions, type TokenPrediction } from '../../inspect/predictions.ts';
import type { TokenChoice } from '../../inspect/prompt.ts';
import { predictionsHtml } from '../../report/text-html.ts';
import { MAX_LOSS_TOKENS, tokenLossFigure } from '../../report/token-loss-plot.ts';
import type { Output } from '../output.ts';
import { writeOutFile } from '../outputs.ts';
import { viewText } from '../view/width.ts';
import { type Findings, type Subject, textOf } from './subject.ts';

/** How many expected tokens, and how many rows of the table. */
export interface TokenOptions {
  top: number;
  rows: number;
}

export async function tokens(subject: Subject, { top, rows }: TokenOptions): Promise<Findings> {
  const ids = await textOf(subject, 1);
  const predictions = await predictText(subject.folder, ids, { top });
  const { out } = subject.given;
  const drawn = ids.length > 1 && ids.length <= MAX_LOSS_TOKENS;
  const page = out === undefined ? undefined : join(out, 'token-loss.html');
  if (page) await writeOutFile(page, new TextEncoder().encode(predictionsHtml(predictions)));
  return {
    data: { ...predictions, html: page },
    figures: drawn ? [tokenLossFigure(predictions.tokens)] : [],
    show(output): void {
      showText(predictions, output);
      showHardest(predictions, rows, output);
      output.print(`${output.colors.bold('Next')}  ${choices(predictions.next)}`);
      if (page) output.print(`\n${page}: the text as a fragment of HTML`);
    },
  };
}

/** Colours from certain to surprised, and the probabilities where they begin. */
const BANDS: readonly { from: number; label: string; color: (colors: Colors) => (text: string) => string }[] =
  [
    { from: 0.5, label: '50 % or more', color: (colors) => colors.green },
    { from: 0.1, label: '10 %', color: () => String },
    { from: 0.01, label: '1 %', color: (colors) => colors.yellow },
    { from: 0, label: 'less', color: (colors) => colors.red },
  ];

function showText({ tokens, loss }: TextPredictions, output: Output): void {
  const { colors } = output;
  const mean = loss === null ? '' : `, mean loss ${loss.toFixed(3)} nats`;
  output.print(colors.bold(formatAmount(tokens.length, 'token') + mean));
  if (colors.isColorSupported) {
    output.print(`probability: ${BANDS.map(({ label, color }) => color(colors)(label)).join('  ')}\n`);
  }
  const painted = tokens.map(({ text, probability }) => {
    if (probability === null) return colors.dim(viewText(text));
    const band = BANDS.find(({ from }) => probability >= from) ?? BANDS[BANDS.length - 1];
    return band.color(colors)(viewText(text));
  });
  output.print(`${painted.join('')}\n`);
}

function showHardest({ tokens }: TextPredictions, rows: number, output: Output): void {
  const predicted = tokens.filter(({ loss }) => loss !== null);
  if (predicted.length === 0 || rows === 0) return;
  const hardest = predicted.toSorted((a, b) => Number(b.loss) - Number(a.loss)).slice(0, rows);
  output.print(output.colors.bold(predicted.length > rows ? `The ${rows} hardest` : 'The hardest first'));
  output.table(
    ['token', 'probability', 'loss', 'rank', { title: 'expected', align: 'left' }],
    hardest.map(({ text, probability, loss, rank, expected }: TokenPrediction) => [
      ...[visibleLine(text), formatPercent(Number(probability)), Number(loss).toFixed(2), String(rank)],
      choices(expected),
    ]),
  );
  output.print();
}

/** `th 31.0 %  a 12.1 %` */
export function choices(some: readonly TokenChoice[]): string {
  return some
    .map(({ text, probability }) => `${visibleLine(text)} ${formatPercent(probability)}`)
    .join('   ');
}
