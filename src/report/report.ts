// The report of a run, `report.md`: what was trained, how it went, its samples, and the commands that repeat
// it. Everything comes from the settings, the events and the findings. The same as a page: page/run-page.ts.
// Read next: ../figures/loss.ts.
import { formatCount, formatDuration, formatLoss, formatShort } from '../base/format.ts';
import { activationsTable } from '../figures/activations.ts';
import type { Figure } from '../figures/figure.ts';
import type { ShownFinding } from '../figures/findings.ts';
import { activationLabel } from '../figures/labels.ts';
import type { Table } from '../figures/table.ts';
import { tapsTable } from '../figures/taps.ts';
import {
  againNote,
  bestEval,
  ending,
  engineFact,
  forgotten,
  medianSpeed,
  probesOf,
  setupFacts,
  totalSeconds,
  unevaluated,
} from '../runs/facts.ts';
import { FIGURES_FOLDER } from '../runs/layout.ts';
import type { RunSummary } from '../runs/summary.ts';
import type { EvalEvent, TrainEvent } from '../train/events.ts';
import type { DrawnRun } from './drawn.ts';
import { fence, markdownTable, section } from './markdown.ts';

/** The files in which the pictures of a Markdown report are. */
export type PictureFormat = 'png' | 'svg';

/**
 * The Markdown of a report, whose pictures are in a folder beside it, as PNG or SVG. Sections without numbers
 * are left out.
 */
export function renderReport(run: RunSummary, drawn: DrawnRun, format: PictureFormat = 'png'): string {
  const { history, findings, copies } = drawn;
  const sections = [
    `# ${run.title}`,
    outcome(run),
    losses(run, history, format),
    samples(run.events),
    health(run, history, format),
    namedValues(run.events),
    inside(findings, format),
    warnings(run.events),
    ...copies.flatMap(({ tables, figures }) => [
      ...tables.map((table) => tableSection(`## ${table.title}`, table)),
      ...figures.map((figure) => picture(figure, format)),
    ]),
    setup(run),
    section('Do it again', fence(run.command, 'sh'), againNote(run)),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

function tableSection(heading: string, { columns, rows, note = '' }: Table): string {
  return [heading, markdownTable(columns, rows), note].filter((part) => part !== '').join('\n\n');
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
  const old = forgotten(events);
  if (old)
    sentences.push(
      `On the text that the model knew before, its loss went from ${formatLoss(old.before, 4)} to ${formatLoss(old.after, 4)} nats per token.`,
    );
  if (!best) sentences.push('It has not been evaluated.');
  sentences.push(`The run ${ending(run)}, in ${formatDuration(totalSeconds(run))} with evaluations.`);
  if (unevaluated(events)) sentences.push(unevaluated(events));
  const speed = medianSpeed(events);
  if (speed !== null)
    sentences.push(`Median speed of a training step: ${formatShort(speed)} tokens per second.`);
  return sentences.join('\n');
}

/** Says so if evaluations did not use the weights as trained. */
function ofAverage({ weights }: EvalEvent): string {
  return weights === 'average' ? ', of the averaged weights' : '';
}

function losses({ events }: RunSummary, figures: readonly Figure[], format: PictureFormat): string {
  const evals = events.filter((event) => event.type === 'eval');
  const best = bestEval(events);
  const old = evals.some(({ oldLoss }) => oldLoss !== undefined);
  const table = markdownTable(
    ['step', 'train', 'validation', 'bits/byte', 'perplexity', ...(old ? ['old text'] : []), ''],
    evals.map((e) => [
      formatCount(e.step),
      formatLoss(e.trainLoss, 4),
      formatLoss(e.valLoss, 4),
      formatLoss(e.bitsPerByte, 3),
      formatLoss(e.perplexity, 2),
      ...(old ? [e.oldLoss === undefined ? '' : formatLoss(e.oldLoss, 4)] : []),
      e === best ? 'best' : '',
    ]),
  );
  const method = {
    whole: 'Nats per token, over the whole validation part and as many tokens of the training part.',
    sampled: 'Nats per token, mean of random batches of both parts.',
  };
  const whose = best?.weights === 'average' ? ' The weights are the moving average of those trained.' : '';
  const numbers = evals.length > 0 ? [table, method[evals[0].method] + whose] : [];
  const picture = embed(figures, 'loss', format);
  return picture || numbers.length > 0 ? section('Loss', picture, ...numbers) : '';
}

function samples(events: readonly TrainEvent[]): string {
  const all = events.filter((event) => event.type === 'sample');
  if (all.length === 0) return '';
  // The first and the last show the progress; all of them would be too long.
  const shown = all.length > 1 ? [all[0], all[all.length - 1]] : all;
  const parts = shown.flatMap(({ step, prompt, text }) => [
    `Step ${formatCount(step)}:`,
    fence(prompt + text, 'text'),
  ]);
  return section('Samples', ...parts);
}

function health({ events, config }: RunSummary, figures: readonly Figure[], format: PictureFormat): string {
  const probes = probesOf(events, 'activations');
  const table = activationsTable(probes);
  if (!table) return '';
  const label = activationLabel[config.activation];
  const explanation =
    'Sparsity is the share of outputs that are 0 or less in one batch: normal, and wanted in a ReLU. A dead unit was above ' +
    '0 for none of the tokens of the window: behind a ReLU it passes no gradient and learns nothing any more.';
  return section(
    `${label} health`,
    embed(figures, `${config.activation}-activations`, format),
    markdownTable(table.columns, table.rows),
    explanation,
    embed(figures, `${config.activation}-gradients`, format),
    embed(figures, 'health', format),
    embed(figures, `${config.activation}-activations-over-time`, format),
    embed(figures, `${config.activation}-gradients-over-time`, format),
  );
}

/** The findings, the same as on the page. */
function inside(findings: readonly ShownFinding[], format: PictureFormat): string {
  const parts = findings.map(({ title, about, tables, figures }) =>
    [
      `### ${title}`,
      about,
      ...figures.map((figure) => picture(figure, format)),
      ...tables.map((table) => tableSection(table.title === title ? '' : `#### ${table.title}`, table)),
    ].join('\n\n'),
  );
  return parts.length > 0 ? section('Inside', ...parts) : '';
}

/** Further probed values; see `train --probe-taps`. */
function namedValues(events: readonly TrainEvent[]): string {
  const last = probesOf(events, 'others').at(-1);
  if (!last) return '';
  return tableSection('## Named values', tapsTable(last.taps, `At step ${formatCount(last.step)}.`));
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

function embed(figures: readonly Figure[], name: string, format: PictureFormat): string {
  const figure = figures.find((candidate) => candidate.name === name);
  return figure ? picture(figure, format) : '';
}

function picture({ name, title }: Figure, format: PictureFormat): string {
  return `![${title}](${FIGURES_FOLDER}/${name}.${format})`;
}
