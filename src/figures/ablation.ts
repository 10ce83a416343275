// The loss without each part of a model: without each head, each attention and each MLP.
import { formatChange } from '../base/format.ts';
import type { Ablations } from '../inspect/effect.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { CELL, headGrid, LABELS } from './head-grid.ts';
import { heatColors } from './heat.ts';
import { BODY_TOP, MARGIN, picture } from './svg.ts';
import type { Table } from './table.ts';

/**
 * `ablation`: the rise of the mean loss without each head, each attention and each MLP. Orange: the loss
 * rises; blue: it falls.
 */
export function ablationFigure({ loss, heads, attention, mlp }: Ablations, { charts }: Drawing): Figure {
  const largest = (changes: readonly number[]): number => Math.max(1e-9, ...changes.map(Math.abs));
  const cell = (end: number) => (change: number) => ({
    label: change.toFixed(2).replace('-0.00', '0.00').replace('-', '−'),
    share: 0.5 - change / end / 2,
  });
  const width = LABELS + heads[0].length * CELL.width + 24;
  const single = heads.map((row) => row.map(cell(largest(heads.flat()))));
  const whole = attention.map((change, layer) =>
    [change, mlp[layer]].map(cell(largest([...attention, ...mlp]))),
  );
  const colors = heatColors('diverging', charts);
  const title = 'What is lost without each part';
  const svg = picture({
    title,
    subtitle: `rise of the mean loss of the text, ${loss.toFixed(3)} nats, when the part gives zeros; orange: it is missed`,
    width: Math.max(640, 2 * MARGIN + width + LABELS + 2 * CELL.width),
    height: BODY_TOP + 64 + heads.length * CELL.height + 24,
    body: [
      headGrid({ x: MARGIN, y: BODY_TOP }, { title: 'one head', about: 'nats' }, single, colors),
      headGrid({ x: MARGIN + width, y: BODY_TOP }, { title: 'a whole part', about: 'nats' }, whole, colors, [
        'attn',
        'MLP',
      ]),
    ],
  });
  return { name: 'ablation', title, svg, data: { loss, heads, attention, mlp } };
}

/** One row per block: its heads, its attention, its MLP. */
export function ablationTable({ loss, heads, attention, mlp }: Ablations): Table {
  return {
    title: 'Rise of the mean loss without each part',
    columns: ['', ...heads[0].map((_, head) => `head ${head}`), 'attention', 'MLP'],
    rows: heads.map((row, layer) => [
      `block ${layer}`,
      ...[...row, attention[layer], mlp[layer]].map((change) => formatChange(change, 3)),
    ]),
    note: `Nats; with every part the mean loss of the text is ${loss.toFixed(3)}.`,
  };
}

/** `ablation` */
export const ablationFinding: Finding<Ablations> = {
  title: 'What is lost without each part',
  about: 'By how much the mean loss of a text rises when a part gives zeros.',
  tables: (found) => [ablationTable(found)],
  figures: (found, drawing) => [ablationFigure(found, drawing)],
};
