// Further values that a run probed (`train --probe-taps`): the distribution of each named value and of its
// gradient, during training.

import { formatCount, formatNumber, formatTick } from '../../base/format.ts';
import type { Charts } from '../../figures/charts.ts';
import { tapsTable } from '../../figures/taps.ts';
import { generalName, placeOf } from '../../model/names.ts';
import { probesOf } from '../../runs/facts.ts';
import type { RunSummary } from '../../runs/summary.ts';
import type { ProbeEvent, TapSummary } from '../../train/events.ts';
import { lineChart, stepAxis } from './charts.ts';
import { depthColor } from './colors.ts';
import { type Html, html, type Part } from './html.ts';
import { folded, table } from './page.ts';

/** Null for a run that probed only its activations. */
export function tapsSection({ events }: RunSummary, charts: Charts | null): Part {
  const probes = probesOf(events, 'others');
  const last = probes.at(-1);
  if (!last) return null;
  const kinds = [...new Set(last.taps.map(({ name }) => generalName(name)))];
  const { columns, rows, note } = tapsTable(last.taps, `At step ${formatCount(last.step)}.`);
  const numbers = [table(columns, rows), html`<p class="note">${note}</p>`];
  if (probes.length < 2) return numbers;
  return html`<p>How far each value spreads around its mean (standard deviation), and its gradient beside it. Blocks are coloured as above.</p>
<div class="row">
${kinds.map((kind) => [
  spread(charts, `${kind}, spread`, probes, kind, ({ value }) => value.std),
  spread(
    charts,
    `${kind}, spread of the gradient`,
    probes,
    kind,
    ({ gradient }) => gradient?.std ?? Number.NaN,
  ),
])}
</div>
${folded('In numbers', numbers)}`;
}

function spread(
  charts: Charts | null,
  title: string,
  probes: readonly ProbeEvent[],
  kind: string,
  value: (tap: TapSummary) => number,
): Html | null {
  const names = probes[0].taps.map(({ name }) => name).filter((name) => generalName(name) === kind);
  const series = names.map((name) => ({
    name,
    color: colorOf(name),
    points: probes.flatMap(({ step, taps }) =>
      taps.filter((tap) => tap.name === name).map((tap) => ({ x: step, y: value(tap) })),
    ),
  }));
  const y = { label: '', format: formatTick, precise: formatNumber, zero: true };
  return lineChart({ title, x: stepAxis, y, series, size: 'small', legend: false }, charts);
}

function colorOf(name: string): string {
  const { block } = placeOf(name);
  return block === null ? 'var(--ink)' : depthColor(block);
}
