// The page of one run, `report.html`: the same as report.md, with interactive charts, and more of them. Read
// next: page.ts, charts.ts.
import {
  formatAmount,
  formatCount,
  formatDuration,
  formatLoss,
  formatNumber,
  formatShort,
  formatTick,
} from '../../base/format.ts';
import { mean } from '../../base/statistics.ts';
import type { Charts } from '../../figures/charts.ts';
import {
  againNote,
  bestEval,
  ending,
  engineFact,
  forgotten,
  lastStep,
  medianSpeed,
  setupFacts,
  tokensPerStep,
  totalSeconds,
  unevaluated,
} from '../../runs/facts.ts';
import type { RunSummary } from '../../runs/summary.ts';
import type { TrainEvent } from '../../train/events.ts';
import { type DrawnRun, drawRun, type ShownCopy } from '../drawn.ts';
import { type Axis, lineChart, type Point, stepAxis } from './charts.ts';
import { groupsSection } from './groups.ts';
import { healthSection } from './health.ts';
import { type Html, html, type Part } from './html.ts';
import { findingSection, wide } from './look.ts';
import { facts, folded, headlines, page, reportTable, type Section, shellCommand, table } from './page.ts';
import { tapsSection } from './taps.ts';

/** The whole page. */
export function runPage(
  run: RunSummary,
  charts: Charts | null,
  { findings, copies }: DrawnRun = drawRun(run, charts),
): string {
  const sections: Section[] = [
    { id: 'loss', title: 'Loss', body: lossSection(run, charts) },
    { id: 'pace', title: 'Learning rate, gradient, speed', body: paceSection(run, charts) },
    { id: 'samples', title: 'Samples', body: samplesSection(run.events) },
    { id: 'health', title: 'Activations', body: healthSection(run, charts) },
    { id: 'groups', title: 'Gradients and updates', body: groupsSection(run, charts) },
    { id: 'values', title: 'Named values', body: tapsSection(run, charts) },
    ...findings.map((found) => findingSection(found, run.findings)).filter((found) => found !== null),
    { id: 'comparison', title: 'Quantised', body: copies.length > 0 && copies.map(copySection) },
    { id: 'setup', title: 'Set-up', body: setupSection(run) },
    {
      id: 'again',
      title: 'Do it again',
      body: html`${shellCommand(run.command)}<p class="note">${againNote(run)}</p>`,
    },
  ];
  return page({
    charts,
    title: run.title,
    kicker: 'Inkhorn · a training run',
    header: header(run),
    sections,
    depth: run.config.nLayer,
  });
}

function header(run: RunSummary): Html {
  const { events, parameters, data, config } = run;
  const engine = engineFact(run);
  const measured = data.validate === 'inner' ? 'loss on the inner split' : 'validation loss';
  const best = bestEval(events);
  const old = forgotten(events);
  const speed = medianSpeed(events);
  const step = lastStep(events);
  const { nLayer, nHead, nEmbd, blockSize } = config;
  return html`<p class="lead">A GPT of ${formatShort(parameters)} parameters (${formatAmount(nLayer, 'layer')} of ${formatAmount(nHead, 'head')}, width ${nEmbd},
context ${blockSize}) learns ${data.name}${engine !== undefined && ` on ${engine}`}. The run ${ending(run)}.
${unevaluated(events)}</p>
${headlines([
  ...(best
    ? ([
        [`best ${measured}`, formatLoss(best.valLoss, 4), 'nats/token'],
        [`at step ${formatCount(best.step)}`, formatLoss(best.bitsPerByte, 3), 'bits/byte'],
        ['perplexity there', formatLoss(best.perplexity, 2)],
      ] as const)
    : []),
  ...(old
    ? ([
        ['on the old text', `${formatLoss(old.before, 3)} → ${formatLoss(old.after, 3)}`, 'nats/token'],
      ] as const)
    : []),
  ['trained on', formatShort(step * tokensPerStep(run)), 'tokens'],
  ['time, with evaluations', formatDuration(totalSeconds(run))],
  ...(speed === null ? [] : ([['median speed', formatShort(speed), 'tokens/s']] as const)),
])}
${warnings(events)}`;
}

function warnings(events: readonly TrainEvent[]): Part {
  const found = events.filter((event) => event.type === 'warning');
  const lines = found.map(
    ({ step, message }) => html`<p class="warning"><b>Step ${formatCount(step)}.</b> ${message}</p>`,
  );
  return lines.length > 3
    ? [lines.slice(0, 3), folded(`${lines.length - 3} more warnings`, lines.slice(3))]
    : lines;
}

function lossSection({ events }: RunSummary, charts: Charts | null): Part {
  const evals = events.filter((event) => event.type === 'eval');
  const steps = events.filter((event) => event.type === 'step');
  const best = bestEval(events);
  const old = evals.flatMap(({ step, oldLoss }) => (oldLoss === undefined ? [] : [{ x: step, y: oldLoss }]));
  const batches = thin(steps.map(({ step, loss }) => ({ x: step, y: loss })));
  const chart = lineChart(
    {
      title: 'Nats per token',
      x: stepAxis,
      y: { label: '', format: (loss) => loss.toFixed(1), precise: (loss) => loss.toFixed(4) },
      series: [
        { name: 'training batches', color: 'var(--train)', points: batches, faint: true },
        {
          name: 'train',
          color: 'var(--train)',
          points: evals.map(({ step, trainLoss }) => ({ x: step, y: trainLoss })),
          dots: true,
        },
        {
          name: 'validation',
          color: 'var(--val)',
          points: evals.map(({ step, valLoss }) => ({ x: step, y: valLoss })),
          dots: true,
        },
        ...(old.length > 0 ? [{ name: 'old text', color: 'var(--old)', points: old, dots: true }] : []),
      ],
      highlight: best ? { x: best.step, y: best.valLoss, color: 'var(--val)' } : undefined,
    },
    charts,
  );
  if (!chart && (charts || evals.length === 0)) return null;
  const method = {
    whole: 'over the whole validation part and as many tokens of the training part',
    sampled: 'the mean of random batches of both parts',
  };
  const rows = evals.map((e) => [
    formatCount(e.step),
    formatLoss(e.trainLoss, 4),
    formatLoss(e.valLoss, 4),
    formatLoss(e.bitsPerByte, 3),
    formatLoss(e.perplexity, 2),
    ...(old.length > 0 ? [e.oldLoss === undefined ? '' : formatLoss(e.oldLoss, 4)] : []),
  ]);
  const values = folded(
    `All ${rows.length} evaluations`,
    table(
      ['step', 'train', 'validation', 'bits/byte', 'perplexity', ...(old.length > 0 ? ['old text'] : [])],
      rows,
      best ? evals.indexOf(best) : undefined,
    ),
  );
  return html`${best && gap(best.valLoss, best.trainLoss, evals.at(-1)?.valLoss ?? best.valLoss)}${chart}
${evals.length > 0 && [html`<p class="note">Evaluations are ${method[evals[0].method]}${evals[0].weights === 'average' && ', by the moving average of the weights'}.</p>`, values]}`;
}

/** The message of the two curves, in a sentence. */
function gap(best: number, train: number, last: number): Html {
  const after = last - best;
  const turn =
    after > 0.0005
      ? `, and ${after.toFixed(3)} above its best at the end: the model has begun to learn its text by heart`
      : '';
  return html`<p>At its best, validation lies ${Math.abs(best - train).toFixed(3)} nats ${best >= train ? 'above' : 'below'} training${turn}.</p>`;
}

/** Means of neighbours: more points than pixels are useless. */
const MOST_POINTS = 400;

function thin(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size);
    return { x: Math.round(mean(group.map(({ x }) => x))), y: mean(group.map(({ y }) => y)) };
  });
}

function paceSection(run: RunSummary, charts: Charts | null): Part {
  const steps = run.events.filter((event) => event.type === 'step');
  if (steps.length < 2) return null;
  const one = (
    title: string,
    color: string,
    value: (step: (typeof steps)[number]) => number,
    y: Axis,
  ): Html | null =>
    lineChart(
      {
        title,
        x: stepAxis,
        y,
        size: 'small',
        series: [
          { name: title, color, points: thin(steps.map((step) => ({ x: step.step, y: value(step) }))) },
        ],
      },
      charts,
    );
  const short = (label: string): Axis => ({ label, format: formatTick, precise: formatNumber, zero: true });
  return html`<div class="row">
${one('Learning rate', 'var(--ink)', ({ lr }) => lr, { ...short(''), format: rate, precise: (lr) => lr.toExponential(2) })}
${one('Gradient norm, before clipping', 'var(--ink)', ({ gradNorm }) => gradNorm, short(''))}
${one('Tokens per second', 'var(--ink)', ({ tokensPerSecond }) => tokensPerSecond, { ...short(''), precise: formatShort })}
</div>`;
}

/** 3e-4 rather than 0.0003. */
function rate(lr: number): string {
  return lr === 0 ? '0' : Number(lr.toPrecision(3)).toExponential().replace(/e\+0$/, '');
}

/** Samples that are shown first: the first, the last, and some evenly between them. */
const SHOWN_SAMPLES = 3;

function samplesSection(events: readonly TrainEvent[]): Part {
  const all = events.filter((event) => event.type === 'sample');
  if (all.length === 0) return null;
  const last = all.length - 1;
  const shown = new Set(
    Array.from({ length: SHOWN_SAMPLES }, (_, i) => all[Math.round((i * last) / (SHOWN_SAMPLES - 1))]),
  );
  const sample = ({
    step,
    prompt,
    text,
  }: (typeof all)[number]): Html => html`<div class="sample"><h3>Step ${formatCount(step)}</h3>
<blockquote><b>${prompt}</b>${text}</blockquote></div>`;
  const rest = all.filter((one) => !shown.has(one));
  return html`<p>What it writes, from noise to words.</p><div class="samples">${[...shown].map(sample)}</div>
${rest.length > 0 && folded(`${rest.length} more`, html`<div class="samples">${rest.map(sample)}</div>`)}`;
}

function copySection({ tables, figures }: ShownCopy): Html {
  return html`${tables.map(reportTable)}${figures.map(wide)}`;
}

function setupSection(run: RunSummary): Html {
  const pairs = (record: object): [string, string][] =>
    Object.entries(record).map(([name, value]) => [name, value === '' ? '(nothing)' : String(value)]);
  return html`${facts(setupFacts(run))}
${folded('The model, field by field', facts(pairs(run.config)))}
${folded('The training, setting by setting', facts(pairs(run.settings)))}`;
}
