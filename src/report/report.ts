// The report of a run, `report.md`: what was trained, how it went, what it says, and the commands that do it again.
// Everything comes from the settings and the events. Read next: loss-plot.ts, histogram-plot.ts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatCount,
  formatDuration,
  formatLoss,
  formatNumber,
  formatPercent,
  formatShort,
} from '../base/format.ts';
import { makeFolder } from '../io/node-store.ts';
import type { GPTConfig } from '../model/config.ts';
import type { RunSummary } from '../runs/summary.ts';
import type { EvalEvent, ProbeEvent, TrainEvent } from '../train/events.ts';
import { comparisonTables } from './compare-tables.ts';
import {
  againNote,
  bestEval,
  ending,
  engineFact,
  medianSpeed,
  probesOf,
  setupFacts,
  totalSeconds,
  unevaluated,
} from './facts.ts';
import { type Figure, writeFigure } from './figure.ts';
import { healthFigure } from './health-plot.ts';
import { activationLabel, activationsFigure, gradientsFigure, tapLabel } from './histogram-plot.ts';
import { lossFigure } from './loss-plot.ts';
import { fence, markdownTable } from './markdown.ts';
import { overTimeFigure } from './over-time-plot.ts';
import { runPage } from './page/run-page.ts';
import { lookFigures } from './run-look.ts';
import { tapsTable } from './taps-table.ts';

/** `loss`, `health`, `relu-activations`, `relu-gradients`, and these over time: as many of them as the events have numbers for. */
export function runFigures(events: readonly TrainEvent[], activation: GPTConfig['activation']): Figure[] {
  const probes = probesOf(events, 'activations');
  const figures = [
    lossFigure(events),
    activationsFigure(probes, activation),
    gradientsFigure(probes, activation),
    healthFigure(probes, activation),
    overTimeFigure(probes, 'activations', activation),
    overTimeFigure(probes, 'gradients', activation),
  ];
  return figures.filter((figure) => figure !== null);
}

/**
 * Draws the figures into `folder` (made if missing), writes `report.md` and `report.html` beside them, and returns all paths, those of
 * the two reports first.
 */
export async function writeReport(folder: string, run: RunSummary): Promise<string[]> {
  await makeFolder(folder);
  const figures = [...runFigures(run.events, run.config.activation), ...lookFigures(run.findings)];
  const paths: string[] = [];
  for (const figure of figures) paths.push(...(await writeFigure(folder, figure)));
  const [markdown, page] = ['report.md', 'report.html'].map((name) => join(folder, name));
  await writeFile(markdown, renderReport(run, figures));
  await writeFile(page, runPage(run));
  return [page, markdown, ...paths];
}

/** The Markdown of a report that embeds `figures` as files beside it. Parts without numbers are left out. */
export function renderReport(run: RunSummary, figures: readonly Figure[]): string {
  const sections = [
    `# ${run.title}`,
    outcome(run),
    losses(run, figures),
    samples(run.events),
    health(run, figures),
    namedValues(run.events),
    inside(figures),
    warnings(run.events),
    ...comparisonTables(run.comparisons).map(({ title, columns, rows, note }) =>
      section(title, markdownTable(columns, rows), note ?? ''),
    ),
    setup(run),
    section('Do it again', fence(run.command, 'sh'), againNote(run)),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

function section(title: string, ...parts: string[]): string {
  return [`## ${title}`, ...parts.filter((part) => part !== '')].join('\n\n');
}

/** The run in one paragraph. */
function outcome(run: RunSummary): string {
  const { parameters, data, events } = run;
  const engine = engineFact(run);
  const by = engine === undefined ? '' : ` by ${engine}`;
  const sentences = [`A GPT of ${formatShort(parameters)} parameters, trained on ${data.name}${by}.`];
  const best = bestEval(events);
  if (best) {
    const measured = data.validate === 'inner' ? 'loss on the inner split' : 'validation loss';
    sentences.push(
      `Best ${measured} **${formatLoss(best.valLoss, 4)}** nats per token = **${formatLoss(best.bitsPerByte, 3)}** bits per byte ` +
        `(perplexity ${formatLoss(best.perplexity, 2)}), at step ${formatCount(best.step)}${ofAverage(best)}.`,
    );
  }
  if (!best) sentences.push('It has not been evaluated.');
  sentences.push(`The run ${ending(run)}, in ${formatDuration(totalSeconds(run))} with evaluations.`);
  if (unevaluated(events)) sentences.push(unevaluated(events));
  const speed = medianSpeed(events);
  if (speed !== null)
    sentences.push(`Median speed of a training step: ${formatShort(speed)} tokens per second.`);
  return sentences.join('\n');
}

/** Says so when an evaluation was not of the weights as trained. */
function ofAverage({ weights }: EvalEvent): string {
  return weights === 'average' ? ', of the averaged weights' : '';
}

function losses({ events }: RunSummary, figures: readonly Figure[]): string {
  const evals = events.filter((event) => event.type === 'eval');
  const best = bestEval(events);
  const table = markdownTable(
    ['step', 'train', 'validation', 'bits/byte', 'perplexity', ''],
    evals.map((e) => [
      formatCount(e.step),
      formatLoss(e.trainLoss, 4),
      formatLoss(e.valLoss, 4),
      formatLoss(e.bitsPerByte, 3),
      formatLoss(e.perplexity, 2),
      e === best ? 'best' : '',
    ]),
  );
  const method = {
    whole: 'Nats per token, over the whole validation part and as many tokens of the training part.',
    sampled: 'Nats per token, mean of random batches of both parts.',
  };
  const whose = best?.weights === 'average' ? ' The weights are the moving average of those trained.' : '';
  const numbers = evals.length > 0 ? [table, method[evals[0].method] + whose] : [];
  const picture = embed(figures, 'loss');
  return picture || numbers.length > 0 ? section('Loss', picture, ...numbers) : '';
}

function samples(events: readonly TrainEvent[]): string {
  const all = events.filter((event) => event.type === 'sample');
  if (all.length === 0) return '';
  // The first and the last show how far it came; all of them would be a long read.
  const shown = all.length > 1 ? [all[0], all[all.length - 1]] : all;
  const parts = shown.flatMap(({ step, prompt, text }) => [
    `Step ${formatCount(step)}:`,
    fence(prompt + text, 'text'),
  ]);
  return section('Samples', ...parts);
}

function health({ events, config }: RunSummary, figures: readonly Figure[]): string {
  const probes = probesOf(events, 'activations');
  const last = probes.at(-1);
  if (!last) return '';
  const label = activationLabel[config.activation];
  const explanation =
    'Sparsity is the share of outputs that are 0 or less in one batch: normal, and wanted in a ReLU. A dead unit was above ' +
    '0 for none of the tokens of the window: behind a ReLU it passes no gradient and learns nothing any more.';
  return section(
    `${label} health`,
    embed(figures, `${config.activation}-activations`),
    healthTable(probes[0], last),
    explanation,
    embed(figures, `${config.activation}-gradients`),
    embed(figures, 'health'),
    embed(figures, `${config.activation}-activations-over-time`),
    embed(figures, `${config.activation}-gradients-over-time`),
  );
}

/** The pictures of the inside; the page has them too. */
function inside(figures: readonly Figure[]): string {
  const pictures = ['attention', 'attention-heads', 'token-loss', 'logit-lens'].map((name) =>
    embed(figures, name),
  );
  return pictures.some((picture) => picture !== '') ? section('Inside', ...pictures) : '';
}

/** What else the probes saw; see `train --probe-taps`. */
function namedValues(events: readonly TrainEvent[]): string {
  const last = probesOf(events, 'others').at(-1);
  if (!last) return '';
  const { title, columns, rows, note = '' } = tapsTable(last);
  return section(title, markdownTable(columns, rows), note);
}

function healthTable(first: ProbeEvent, last: ProbeEvent): string {
  const steps = first === last ? [last] : [first, last];
  const sparsity = ({ taps }: ProbeEvent, name: string): string => {
    const tap = taps.find((candidate) => candidate.name === name);
    return tap ? formatPercent(tap.zeroFraction) : '';
  };
  return markdownTable(
    [
      'outputs of',
      ...steps.map(({ step }) => `sparsity, step ${formatCount(step)}`),
      ...['dead units', 'window (tokens)', 'mean', 'std', 'gradient std'],
    ],
    last.taps.map((tap) => [
      tapLabel(tap.name),
      ...steps.map((probe) => sparsity(probe, tap.name)),
      `${formatCount(tap.deadUnits.length)} of ${formatCount(tap.units)}`,
      formatCount(tap.windowTokens),
      formatNumber(tap.value.mean),
      formatNumber(tap.value.std),
      tap.gradient ? formatNumber(tap.gradient.std) : '',
    ]),
  );
}

function warnings(events: readonly TrainEvent[]): string {
  const found = events.filter((event) => event.type === 'warning');
  return found.length > 0
    ? section(
        'Warnings',
        found.map(({ step, kind, message }) => `- step ${formatCount(step)}, ${kind}: ${message}`).join('\n'),
      )
    : '';
}

function setup(run: RunSummary): string {
  const pairs = (record: object): string[][] =>
    Object.entries(record).map(([name, value]) => [`\`${name}\``, String(value)]);
  return section(
    'Set-up',
    markdownTable(['what', 'value'], setupFacts(run)),
    '### Model',
    markdownTable(['field', 'value'], pairs(run.config)),
    '### Training',
    markdownTable(['setting', 'value'], pairs(run.settings)),
  );
}

function embed(figures: readonly Figure[], name: string): string {
  const figure = figures.find((candidate) => candidate.name === name);
  return figure ? `![${figure.title}](${figure.name}.png)` : '';
}
