// How the parts of a model learned: gradient and update of every group of parameters, during training.

import { formatNumber, formatTick } from '../../base/format.ts';
import type { Charts } from '../../figures/charts.ts';
import { groupsTable } from '../../figures/health.ts';
import type { GroupSummary } from '../../inspect/groups.ts';
import { isMatrixGroup, placeOf } from '../../model/names.ts';
import type { RunSummary } from '../../runs/summary.ts';
import { type Axis, legendOf, lineChart, type Series, stepAxis } from './charts.ts';
import { depthColor } from './colors.ts';
import { html, type Part } from './html.ts';
import { folded, table } from './page.ts';

/** Null for a run whose probes have no groups: the first version did not record them. */
export function groupsSection({ events }: RunSummary, charts: Charts | null): Part {
  const probes = events.flatMap((event) =>
    event.type === 'probe' && event.groups ? [{ ...event, groups: event.groups }] : [],
  );
  const last = probes.at(-1);
  if (!last || probes.length < 2) return null;
  const names = last.groups.map(({ name }) => name).filter(isMatrixGroup);
  const series = (value: (group: GroupSummary) => number | null): Series[] =>
    names.map((name) => ({
      ...look(name),
      points: probes.flatMap(({ step, groups }) => {
        const group = groups.find((candidate) => candidate.name === name);
        const y = group ? value(group) : null;
        return y !== null && y > 0 ? [{ x: step, y }] : []; // a log axis has no 0
      }),
    }));
  const small = (title: string, value: (group: GroupSummary) => number | null): Part =>
    lineChart(
      { title, x: stepAxis, y: logAxis, series: series(value), size: 'small', legend: false },
      charts,
    );
  const numbers = groupsTable(probes);
  return html`<p>How hard each group of parameters is pulled, and how far it moves. An update of about a thousandth of the weights is
usual in the middle of a long run; a short one at a high rate moves ten times as far.</p>
${charts && html`<p class="note">${legendOf(series(() => null))}</p>`}
<div class="row">
${small('Gradient norm, before clipping', ({ gradNorm }) => gradNorm)}
${small('Update / weights', ({ updateRatio }) => updateRatio)}
</div>
${numbers && folded('In numbers', [table(numbers.columns, numbers.rows), html`<p class="note">${numbers.note}</p>`])}`;
}

const logAxis: Axis = { label: '', type: 'log', format: formatTick, precise: formatNumber };

/** A colour per block; attention solid, MLP dashed. */
function look(name: string): Pick<Series, 'name' | 'color' | 'dash'> {
  const { block, path } = placeOf(name);
  if (block === null) return { name, color: path === 'head' ? 'var(--val)' : 'var(--train)', dash: '1 3' };
  const color = depthColor(block);
  return path === 'mlp'
    ? { name: `MLP ${block}`, color, dash: '5 3' }
    : { name: `attention ${block}`, color };
}
