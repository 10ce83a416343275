// `inspect lens`: what each layer would predict if it were the last.
import { visibleLine } from '../../base/visible.ts';
import { layerLabel } from '../../figures/labels.ts';
import { lensFinding, MAX_LENS_TOKENS, meanLosses } from '../../figures/lens.ts';
import { type Lens, logitLens } from '../../inspect/lens.ts';
import type { Output } from '../output.ts';
import { fitLine, textWidth } from '../view/width.ts';
import { type Findings, promptOf, type Subject } from './subject.ts';

export async function lens(subject: Subject, { top }: { top: number }): Promise<Findings> {
  const ids = await promptOf(subject, 1);
  const found = await logitLens(subject.folder, ids, { top });
  return {
    data: found,
    figures: (charts) => lensFinding.figures(found, { charts }),
    show(output): void {
      showLens(found, output);
      if (ids.length > MAX_LENS_TOKENS) {
        output.note(`no picture of ${ids.length} tokens: it is drawn for at most ${MAX_LENS_TOKENS}`);
      }
    },
  };
}

/** The assumed width of the terminal, and the width of one layer. */
const WIDTH = 80;
const CELL = 8;
const LABEL = 10;

/**
 * A row per token, a column per layer. If there are too many layers for the width, some are left out, but
 * never the last.
 */
function showLens({ tokens, rows }: Lens, output: Output): void {
  const { colors } = output;
  const fit = Math.floor((WIDTH - LABEL - CELL) / (CELL + 1));
  const shown = Array.from(
    { length: Math.min(fit, rows.length) },
    (_, i, count = Math.min(fit, rows.length)) =>
      rows[count === 1 ? rows.length - 1 : Math.round((i * (rows.length - 1)) / (count - 1))],
  );
  const pad = (text: string, width: number): string => {
    const cut = fitLine(text, width);
    return cut + ' '.repeat(width - textWidth(cut));
  };
  output.print(colors.bold('The most likely next token, read after each layer'));
  output.print(
    colors.dim(
      [pad('after', LABEL), ...shown.map(({ name }) => pad(layerLabel(name), CELL)), 'next'].join(' '),
    ),
  );
  for (const [t, token] of tokens.entries()) {
    const next = tokens[t + 1];
    const cells = shown.map(({ cells }) => {
      const [best] = cells[t].top;
      const text = pad(visibleLine(best.text), CELL);
      if (next && best.id === next.id) return colors.green(text);
      return best.probability < 0.1 ? colors.dim(text) : text;
    });
    output.print(
      [pad(visibleLine(token.text), LABEL), ...cells, next ? visibleLine(next.text) : ''].join(' ').trimEnd(),
    );
  }
  const losses = meanLosses({ tokens, rows: shown }).map((loss) => loss?.toFixed(2) ?? '');
  output.print(
    colors.dim([pad('loss, nats', LABEL), ...losses.map((loss) => pad(loss, CELL))].join(' ').trimEnd()),
  );
  if (colors.isColorSupported)
    output.print(`${colors.green('green')}: what came next; ${colors.dim('dim')}: below 10 %`);
  output.print();
}
