// The picture of a run: training and validation loss at every evaluation, with the best marked; each batch's
// loss in the background.

import { formatAmount, formatCount, formatLoss, formatStep } from '../base/format.ts';
import { mean } from '../base/statistics.ts';
import type { EvalEvent, StepEvent, TrainEvent } from '../train/events.ts';
import type { Charts } from './charts.ts';
import type { Drawing, Figure } from './figure.ts';
import { chart, plotOf } from './plot.ts';
import { BODY_TOP, line, MARGIN, picture, text, theme } from './svg.ts';

const WIDTH = 900;
const CHART_TOP = BODY_TOP + 34;
const CHART_HEIGHT = 400;
/** Orange, blue (Okabe & Ito 2008): distinguishable for colour-blind readers, on paper and on screens. */
const TRAIN = '#d55e00';
const VAL = '#0072b2';
/** Green, of the text that the model knew before. */
const OLD = '#009e73';
/** The least range of the axis in nats, so that two equal losses do not fill it with digits. */
const SMALLEST_SPAN = 0.2;
const LABEL_HEIGHT = 15;
/** With more batch losses than this, means of neighbours are drawn. */
const MAX_POINTS = 800;

interface Point {
  step: number;
  loss: number;
}

/** Draws `loss` from the step and eval events of a run; null if there are no finite losses. */
export function lossFigure(events: readonly TrainEvent[], { charts }: Drawing): Figure | null {
  const steps = events.filter((event) => event.type === 'step');
  const evals = events.filter((event) => event.type === 'eval');
  const batches = steps
    .filter((event) => Number.isFinite(event.loss))
    .map(({ step, loss }) => ({ step, loss }));
  const shown = evals.filter((event) => Number.isFinite(event.trainLoss) && Number.isFinite(event.valLoss));
  if (batches.length + shown.length === 0) return null;
  const best = shown.reduce<EvalEvent | null>((a, b) => (a && a.valLoss <= b.valLoss ? a : b), null);
  const perPoint = Math.ceil(batches.length / MAX_POINTS);
  const title = 'Loss';
  const body = [
    ...legend(perPoint, batches.length > 0, shown, best),
    curves(thin(batches, perPoint), shown, best, charts),
  ];
  const svg = picture({
    title,
    subtitle: subtitle(steps, shown),
    width: WIDTH,
    height: CHART_TOP + CHART_HEIGHT + 16,
    body,
  });
  return { name: 'loss', title, svg, data: { batches, evaluations: evals, best } };
}

function subtitle(steps: readonly StepEvent[], evals: readonly EvalEvent[]): string {
  const last = Math.max(steps.at(-1)?.step ?? 0, evals.at(-1)?.step ?? 0);
  const method = {
    whole: 'evaluated on the whole validation part and as many training tokens',
    sampled: 'evaluated on random batches of both parts',
  };
  const how = evals.length > 0 ? `, ${method[evals[0].method]}` : '';
  return `${formatAmount(last, 'step')}${how}`;
}

/** Means of `size` neighbours: there are more points than pixels. */
function thin(points: readonly Point[], size: number): Point[] {
  if (size <= 1) return [...points];
  const means: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    const group = points.slice(from, from + size);
    means.push({ step: mean(group.map(({ step }) => step)), loss: mean(group.map(({ loss }) => loss)) });
  }
  return means;
}

function curves(
  batches: readonly Point[],
  evals: readonly EvalEvent[],
  best: EvalEvent | null,
  charts: Charts,
): string {
  const losses = [
    ...batches.map((p) => p.loss),
    ...evals.flatMap((e) => [e.trainLoss, e.valLoss, e.oldLoss ?? e.valLoss]),
  ];
  const [lowest, highest] = [Math.min(...losses), Math.max(...losses)];
  const olds = evals.filter(({ oldLoss }) => oldLoss !== undefined && Number.isFinite(oldLoss));
  const span = Math.max(highest - lowest, SMALLEST_SPAN);
  const points = { stroke: theme.paper, strokeWidth: 1, r: 3.5 };
  const last = evals.slice(-1);
  const apart = labelOffset(last, span);
  const label = { dx: 12, textAnchor: 'start', stroke: theme.paper, strokeWidth: 4 } as const;
  return chart(
    MARGIN,
    CHART_TOP,
    {
      width: WIDTH - 2 * MARGIN + 3,
      height: CHART_HEIGHT,
      marginLeft: 52,
      marginRight: 50,
      marginTop: 28,
      marginBottom: 48,
      insetRight: 6,
      x: {
        label: 'optimizer step',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 42,
        tickFormat: formatStep,
      },
      y: {
        label: 'loss (nats per token)',
        labelArrow: 'none',
        grid: true,
        domain: [lowest - 0.06 * span, lowest + 1.02 * span],
      },
      marks: [
        plotOf(charts).lineY(batches, {
          x: 'step',
          y: 'loss',
          stroke: TRAIN,
          strokeWidth: 1,
          strokeOpacity: 0.35,
        }),
        plotOf(charts).lineY(evals, { x: 'step', y: 'trainLoss', stroke: TRAIN, strokeWidth: 2.25 }),
        plotOf(charts).lineY(evals, { x: 'step', y: 'valLoss', stroke: VAL, strokeWidth: 2.25 }),
        plotOf(charts).lineY(olds, { x: 'step', y: 'oldLoss', stroke: OLD, strokeWidth: 2.25 }),
        plotOf(charts).dot(olds, { x: 'step', y: 'oldLoss', fill: OLD, ...points }),
        plotOf(charts).dot(evals, { x: 'step', y: 'trainLoss', fill: TRAIN, ...points }),
        plotOf(charts).dot(evals, { x: 'step', y: 'valLoss', fill: VAL, ...points }),
        plotOf(charts).text(last, {
          x: 'step',
          y: 'trainLoss',
          text: (e) => formatLoss(e.trainLoss, 3),
          fill: TRAIN,
          ...label,
          dy: apart,
        }),
        plotOf(charts).text(last, {
          x: 'step',
          y: 'valLoss',
          text: (e) => formatLoss(e.valLoss, 3),
          fill: VAL,
          ...label,
          dy: -apart,
        }),
        plotOf(charts).dot(best ? [best] : [], {
          x: 'step',
          y: 'valLoss',
          stroke: VAL,
          strokeWidth: 2,
          r: 8,
        }),
      ],
    },
    charts,
  );
}

/**
 * How far to move the last two numbers apart so that they do not overlap, in pixels, each in its own
 * direction.
 * side.
 */
function labelOffset(last: readonly EvalEvent[], span: number): number {
  if (last.length === 0) return 0;
  const gap = ((last[0].valLoss - last[0].trainLoss) / span) * CHART_HEIGHT * 0.75;
  return Math.abs(gap) < LABEL_HEIGHT ? (Math.sign(gap || 1) * (LABEL_HEIGHT - Math.abs(gap))) / 2 : 0;
}

function legend(
  perPoint: number,
  hasBatches: boolean,
  evals: readonly EvalEvent[],
  best: EvalEvent | null,
): string[] {
  const entries: { label: string; stroke: string; width: number }[] = [];
  if (evals.length > 0)
    entries.push(
      { label: 'train', stroke: TRAIN, width: 2.5 },
      { label: 'validation', stroke: VAL, width: 2.5 },
    );
  if (evals.some(({ oldLoss }) => oldLoss !== undefined))
    entries.push({ label: 'old text', stroke: OLD, width: 2.5 });
  const batchLabel = perPoint > 1 ? `training batches, mean of ${perPoint}` : 'training batches';
  if (hasBatches) entries.push({ label: batchLabel, stroke: '#f0bd99', width: 1.5 });
  const parts: string[] = [];
  let x = MARGIN;
  for (const { label, stroke, width } of entries) {
    parts.push(
      line(x, BODY_TOP + 10, x + 22, BODY_TOP + 10, stroke, width),
      text(x + 30, BODY_TOP + 14, label),
    );
    x += 30 + 6.4 * label.length + 28;
  }
  if (best) {
    const label = `best validation ${formatLoss(best.valLoss, 4)} at step ${formatCount(best.step)} (${formatLoss(best.bitsPerByte, 3)} bits/byte)`;
    parts.push(
      `<circle cx="${x + 8}" cy="${BODY_TOP + 10}" r="6" fill="none" stroke="${VAL}" stroke-width="2"/>`,
      text(x + 22, BODY_TOP + 14, label),
    );
  }
  return parts;
}
