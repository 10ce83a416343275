// `inspect tokens`: how well each token of a text was predicted, which tokens were expected, and what comes
// next.

import { join } from 'node:path';
import type { Colors } from 'picocolors/types.js';
import { formatAmount } from '../../base/format.ts';
import { choicesLine } from '../../figures/labels.ts';
import { hardestTable, tokenLossFinding } from '../../figures/token-loss.ts';
import { predictText, type TextPredictions } from '../../inspect/predictions.ts';
import { predictionsHtml } from '../../report/text-html.ts';
import { writeOutFile } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { showTable } from '../show-table.ts';
import { viewText } from '../view/width.ts';
import { type Findings, type Subject, textOf } from './subject.ts';

/** The number of expected tokens, and of rows of the table. */
export interface TokenOptions {
  top: number;
  rows: number;
}

export async function tokens(subject: Subject, { top, rows }: TokenOptions): Promise<Findings> {
  const ids = await textOf(subject, 1);
  const predictions = await predictText(subject.folder, ids, { top });
  const { out } = subject.given;
  const page = out === undefined ? undefined : join(out, 'token-loss.html');
  if (page) await writeOutFile(page, new TextEncoder().encode(predictionsHtml(predictions)));
  return {
    data: { ...predictions, html: page },
    figures: (charts) => tokenLossFinding.figures(predictions.tokens, { charts }),
    show(output): void {
      showText(predictions, output);
      const table = hardestTable(predictions.tokens, rows);
      if (table) showTable(table, output);
      output.print(`${output.colors.bold('Next')}  ${choicesLine(predictions.next)}`);
      if (page) output.print(`\n${page}: the text as a fragment of HTML`);
    },
  };
}

/** Colours from certain to surprised, and the probabilities at which they begin. */
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
