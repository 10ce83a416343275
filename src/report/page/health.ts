// The activations of the MLPs during training: sparsity and dead units, and the distributions of their values
// and gradients.
import { formatAmount, formatCount, formatNumber, formatPercent, formatTick } from '../../base/format.ts';
import { activationsTable } from '../../figures/activations.ts';
import type { Charts } from '../../figures/charts.ts';
import { activationLabel, tapLabel } from '../../figures/labels.ts';
import { overTimeFigure } from '../../figures/over-time.ts';
import type { Table } from '../../figures/table.ts';
import { probesOf } from '../../runs/facts.ts';
import type { RunSummary } from '../../runs/summary.ts';
import type { ProbeEvent, Summary, TapSummary } from '../../train/events.ts';
import { type Axis, legendOf, lineChart, type Point, type Series, stepAxis } from './charts.ts';
import { depthColor } from './colors.ts';
import { type Html, html, type Part, raw } from './html.ts';
import { reportTable } from './page.ts';

/** Null for a run without probes. */
export function healthSection({ events, config }: RunSummary, charts: Charts | null): Part {
  const probes = probesOf(events, 'activations');
  const last = probes.at(-1);
  if (!last) return null;
  const label = activationLabel[config.activation];
  const dead = last.taps.reduce((n, tap) => n + tap.deadUnits.length, 0);
  const units = last.taps.reduce((n, tap) => n + tap.units, 0);
  const window = Math.max(...last.taps.map(({ windowTokens }) => windowTokens));
  const blocks = last.taps.map(({ name }, i) => ({ name: tapLabel(name), color: depthColor(i) }));
  const through = (value: (tap: TapSummary) => number): Series[] => seriesOf(probes, last, blocks, value);
  const overTime = (['activations', 'gradients'] as const).map(
    (kind) => charts && overTimeFigure(probes, kind, { ...config, charts }),
  );
  const small = (title: string, x: Axis, y: Axis, series: readonly Series[]): Html | null =>
    lineChart({ title, x, y, series, size: 'small', legend: false }, charts);
  const percent = { format: wholeShare, precise: formatPercent };
  return html`<p>${dead === 0 ? 'No unit is dead' : `${formatCount(dead)} of ${formatAmount(units, 'unit')} ${dead === 1 ? 'is' : 'are'} dead`}: over the last
${formatCount(window)} probed tokens ${dead === 0 ? 'each of them' : dead === 1 ? 'it' : 'they'} fired ${dead === 0 ? 'at least once' : 'not once'}.
Sparsity, the share of outputs that are 0 or less, is no fault of a ReLU.</p>
${charts && html`<p class="note">${legendOf(blocks)}</p>`}
<div class="row">
${
  probes.length > 1 &&
  small(
    `Sparsity of ${label} outputs`,
    stepAxis,
    { label: '', ...percent },
    through((tap) => tap.zeroFraction),
  )
}
${probes.length > 1 && small('Dead units', stepAxis, { label: '', format: wholeShare, precise: formatPercent, domain: deadDomain(probes) }, through(deadShare))}
${small(
  `${label} outputs above 0, density`,
  { label: 'output', format: formatTick },
  logDensity,
  densities(
    last,
    blocks,
    ({ value }) => value,
    (tap) => (tap.value.min >= 0 ? tap.zeroFraction : 0),
  ),
)}
${small(
  `Gradients of the loss at ${label} outputs, density`,
  { label: 'gradient', format: formatTick },
  logDensity,
  densities(
    last,
    blocks,
    ({ gradient }) => gradient,
    () => 0,
  ),
)}
</div>
${reportTable(activationsTable([last]) as Table)}
${overTime.map((figure) => figure && html`<div class="scroll">${raw(figure.svg)}</div>`)}`;
}

type Block = Pick<Series, 'name' | 'color'>;

function seriesOf(
  probes: readonly ProbeEvent[],
  last: ProbeEvent,
  blocks: readonly Block[],
  value: (tap: TapSummary) => number,
): Series[] {
  return last.taps.map(({ name }, i) => ({
    ...blocks[i],
    points: probes.flatMap(({ step, taps }) => {
      const tap = taps.find((candidate) => candidate.name === name);
      return tap ? [{ x: step, y: value(tap) }] : [];
    }),
  }));
}

function deadShare({ deadUnits, units }: TapSummary): number {
  return deadUnits.length / Math.max(1, units);
}

/** The axis covers at least 0 to 1 %, so that almost nothing looks like almost nothing. */
function deadDomain(probes: readonly ProbeEvent[]): [number, number] {
  return [0, Math.max(0.01, ...probes.flatMap(({ taps }) => taps.map(deadShare)))];
}

function wholeShare(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}

const logDensity: Axis = { label: '', type: 'log', format: formatTick, precise: formatNumber };

/** Number of decades shown below the highest density. */
const DECADES = 5;

/**
 * A curve per block: share of the values per unit of x. Bins that also contain values outside the range are
 * left out.
 */
function densities(
  { taps }: ProbeEvent,
  blocks: readonly Block[],
  summary: (tap: TapSummary) => Summary | null,
  zeros: (tap: TapSummary) => number,
): Series[] {
  const curves = taps.map((tap) => density(summary(tap), zeros(tap)));
  const least = Math.max(0, ...curves.flat().map(({ y }) => y)) / 10 ** DECADES;
  return curves.map((points, i) => ({ ...blocks[i], points: points.filter(({ y }) => y > least) }));
}

function density(summary: Summary | null, zeros: number): Point[] {
  if (!summary) return [];
  const { lo, hi, counts } = summary.histogram;
  const total = counts.reduce((sum, n) => sum + n, 0);
  const width = (hi - lo) / counts.length;
  return counts
    .map((n, i) => ({
      x: lo + (i + 0.5) * width,
      y: (i === 0 ? Math.max(0, n - zeros * total) : n) / total / width,
    }))
    .slice(summary.min < lo ? 1 : 0, summary.max > hi ? -1 : undefined);
}
