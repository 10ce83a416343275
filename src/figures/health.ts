// How the parts of a model developed during training: sparsity and dead units of every block, and gradient
// and update of every group of parameters.

import type * as Plot from '@observablehq/plot';
import { formatAmount, formatCount, formatNumber, formatStep } from '../base/format.ts';
import { typicalGroups } from '../inspect/groups.ts';
import { isMatrixGroup, placeOf } from '../model/names.ts';
import type { ProbeEvent } from '../train/events.ts';
import type { Charts } from './charts.ts';
import type { Drawing, Figure } from './figure.ts';
import { activationLabel, tapLabel } from './labels.ts';
import { chart, depthPalette, plotOf, powerOfTen } from './plot.ts';
import { BODY_TOP, line, MARGIN, picture, text, theme } from './svg.ts';
import type { Table } from './table.ts';

const WIDTH = 410;
const HEIGHT = 232;
const LEGEND = 150;

/** One line of a panel. */
interface Series {
  label: string;
  color: string;
  dashed: boolean;
  points: { step: number; value: number }[];
}

/** The usual range in the middle of a run (a rule of thumb, Karpathy 2022). */
const USUAL_UPDATE = 1e-3;

/**
 * `health`, over all `probes`: two panels of the activations, and two of the groups if the run recorded them.
 * Null for fewer than two probes.
 */
export function healthFigure(
  probes: readonly ProbeEvent[],
  { activation = 'relu', charts }: Drawing,
): Figure | null {
  const last = probes.at(-1);
  if (probes.length < 2 || !last) return null;
  const label = activationLabel[activation];
  const taps = last.taps.filter(({ units }) => units > 0).map(({ name }) => name);
  const groups = last.groups?.map(({ name }) => name) ?? [];
  if (taps.length + groups.length === 0) return null;
  const blocks = Math.max(0, ...[...taps, ...groups].map((name) => (placeOf(name).block ?? -1) + 1));
  const palette = depthPalette(blocks, charts);
  const ofTaps = (value: (tap: ProbeEvent['taps'][number]) => number): Series[] =>
    taps.map((name) => ({
      label: tapLabel(name),
      color: colorOf(name, palette),
      dashed: false,
      points: probes.flatMap(({ step, taps }) =>
        taps.filter((tap) => tap.name === name).map((tap) => ({ step, value: value(tap) })),
      ),
    }));
  const ofGroups = (value: (group: NonNullable<ProbeEvent['groups']>[number]) => number | null): Series[] =>
    groups.filter(isMatrixGroup).map((name) => ({
      label: name,
      color: colorOf(name, palette),
      dashed: isDashed(name),
      points: probes.flatMap(({ step, groups = [] }) =>
        groups.flatMap((group) => {
          const number = group.name === name ? value(group) : null;
          return number !== null && number > 0 ? [{ step, value: number }] : []; // a log axis has no 0
        }),
      ),
    }));
  const tokens = formatCount(Math.max(0, ...last.taps.map(({ windowTokens }) => windowTokens)));
  const panels = [
    panel(
      0,
      `${label} outputs ≤ 0 (%)`,
      ofTaps((tap) => 100 * tap.zeroFraction),
      { nice: true },
      charts,
    ),
    panel(
      1,
      `dead units (%): fired for none of ${tokens} tokens`,
      ofTaps((tap) => (100 * tap.deadUnits.length) / tap.units),
      {
        domain: [
          0,
          Math.max(
            1,
            ...probes.flatMap((probe) =>
              probe.taps.map((tap) => (100 * tap.deadUnits.length) / (tap.units || 1)),
            ),
          ),
        ],
      },
      charts,
    ),
    ...(groups.length > 0
      ? [
          panel(
            2,
            'gradient norm',
            ofGroups((group) => group.gradNorm),
            { type: 'log' },
            charts,
          ),
          panel(
            3,
            'update / weights (log; 0.001 is usual)',
            ofGroups((group) => group.updateRatio),
            { type: 'log' },
            charts,
            USUAL_UPDATE,
          ),
        ]
      : []),
  ];
  const svg = picture({
    title: 'Health over training',
    subtitle: `${label}s by block, and how much each group of parameters is pulled and moves`,
    width: 2 * MARGIN + 2 * WIDTH + LEGEND,
    height: BODY_TOP + (groups.length > 0 ? 2 : 1) * HEIGHT + 16,
    body: [...panels, legend(palette, groups)],
  });
  const data = probes.map(({ step, taps, groups }) => ({
    step,
    taps: taps.map(({ name, zeroFraction, deadUnits, units, windowTokens }) => ({
      name,
      zeroFraction,
      deadUnits: deadUnits.length,
      units,
      windowTokens,
    })),
    groups,
  }));
  return { name: 'health', title: 'Health over training', svg, data };
}

/** A table of the groups of parameters, typical of all `probes`; null if none of them has groups. */
export function groupsTable(probes: readonly ProbeEvent[]): Table | null {
  const groups = typicalGroups(probes);
  if (groups.length === 0) return null;
  return {
    title: 'Groups of parameters',
    columns: ['group', 'weights', 'norm at the end', 'gradient norm', 'update / weights'],
    rows: groups.map(({ name, parameters, weightNorm, gradNorm, updateRatio }) => [
      name,
      formatCount(parameters),
      formatNumber(weightNorm),
      formatNumber(gradNorm),
      updateRatio === null ? '' : formatNumber(updateRatio),
    ]),
    note: `Gradient norm and update are the median of ${formatAmount(probes.length, 'probe')}.`,
  };
}

const NO_BLOCK: Readonly<Record<string, string>> = { embedding: '#d55e00', head: '#0072b2' };

function colorOf(name: string, palette: readonly string[]): string {
  const { block } = placeOf(name);
  return block === null ? (NO_BLOCK[name] ?? theme.muted) : palette[block];
}

function isDashed(group: string): boolean {
  return placeOf(group).path === 'mlp';
}

function panel(
  index: number,
  label: string,
  series: readonly Series[],
  y: Plot.ScaleOptions,
  charts: Charts,
  usual?: number,
): string {
  const rows = series.flatMap(({ label, color, points }) =>
    points.map((point) => ({ label, color, ...point })),
  );
  const dashed = new Set(series.filter((one) => one.dashed).map((one) => one.label));
  const of = (some: boolean): typeof rows => rows.filter((row) => dashed.has(row.label) === some);
  const look = { x: 'step', y: 'value', z: 'label', stroke: 'color', strokeWidth: 1.6 } as const;
  return chart(
    MARGIN + (index % 2) * WIDTH,
    BODY_TOP + Math.floor(index / 2) * HEIGHT,
    {
      width: WIDTH - 10,
      height: HEIGHT,
      marginLeft: 46,
      marginRight: 24,
      marginTop: 28,
      marginBottom: 44,
      x: {
        label: 'optimizer step',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 38,
        ticks: 4,
        tickFormat: formatStep,
      },
      y: {
        label,
        labelArrow: 'none',
        grid: true,
        ...(y.type === 'log' ? { ticks: 4, tickFormat: powerOfTen } : { ticks: 5 }),
        ...y,
      },
      marks: [
        ...(usual === undefined
          ? []
          : [plotOf(charts).ruleY([usual], { stroke: theme.muted, strokeDasharray: '2 3' })]),
        plotOf(charts).lineY(of(false), look),
        plotOf(charts).lineY(of(true), { ...look, strokeDasharray: '5 3' }),
      ],
    },
    charts,
  );
}

/** A colour per block; attention solid, MLP dashed. */
function legend(palette: readonly string[], groups: readonly string[]): string {
  const x = MARGIN + 2 * WIDTH + 12;
  const rows: [label: string, color: string, dash: string][] = palette.map((color, i) => [
    `block ${i}`,
    color,
    '',
  ]);
  if (groups.length > 0) {
    rows.push(['attention', theme.ink, ''], ['MLP', theme.ink, '5 3']);
    for (const [name, color] of Object.entries(NO_BLOCK))
      if (groups.includes(name)) rows.push([name, color, '']);
  }
  return rows
    .map(([label, color, dash], i) => {
      const y = BODY_TOP + 34 + 22 * i;
      return line(x, y - 4, x + 24, y - 4, color, 2.5, dash) + text(x + 32, y, label);
    })
    .join('');
}
