// The report of a run, `report.md`: what was trained, how it went, what it says, and the commands that do it again.
// Everything comes from the settings and the events. Read next: loss-plot.ts, histogram-plot.ts.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GPTConfig } from '../model/config.ts';
import { makeFolder } from '../platform/node-store.ts';
import type { EvalEvent, ProbeEvent, TrainEvent } from '../train/events.ts';
import { type Figure, writeFigure } from './figure.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatShort,
} from './format.ts';
import { healthFigure } from './health-plot.ts';
import { activationLabel, activationsFigure, gradientsFigure, tapLabel } from './histogram-plot.ts';
import { lossFigure } from './loss-plot.ts';
import { fence, markdownTable, type ReportTable } from './markdown.ts';
import { overTimeFigure } from './over-time-plot.ts';

/** All that a report is made from: settings as they were used, and the events as they came. */
export interface RunSummary {
  /** Heading: `seed on tiny-shakespeare`. */
  title: string;
  config: GPTConfig;
  /** Numbers in all parameters. */
  parameters: number;
  data: {
    name: string;
    bytes: number;
    trainTokens: number;
    valTokens: number;
    /** Which part validated; see Split. */
    validate: 'validation' | 'inner';
  };
  tokenizer: { vocabSize: number; bytesPerToken: number; split: string };
  /** `native (AVX-512, 2 threads)`. */
  engine: string;
  /** Training settings by name, in the order in which they are shown. */
  settings: Readonly<Record<string, string | number | boolean | null>>;
  /** History of the run, earlier parts of a resumed one included. */
  events: readonly TrainEvent[];
  /** The step that a resumed run went on from. */
  resumedFrom?: number;
  /** Comparisons made afterwards, such as before and after quantisation. */
  tables?: readonly ReportTable[];
  /** Shell commands that do the same again. */
  commands: readonly string[];
}

/** `loss`, `health`, `relu-activations`, `relu-gradients`, and these over time: as many of them as the events have numbers for. */
export function runFigures(events: readonly TrainEvent[], activation: GPTConfig['activation']): Figure[] {
  const probes = events.filter((event) => event.type === 'probe');
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

/** Draws the figures into `folder` (made if missing), writes `report.md` beside them, and returns all paths. */
export async function writeReport(folder: string, run: RunSummary): Promise<string[]> {
  await makeFolder(folder);
  const figures = runFigures(run.events, run.config.activation);
  const paths: string[] = [];
  for (const figure of figures) paths.push(...(await writeFigure(folder, figure)));
  const report = join(folder, 'report.md');
  await writeFile(report, renderReport(run, figures));
  return [report, ...paths];
}

/** The Markdown of a report that embeds `figures` as files beside it. Parts without numbers are left out. */
export function renderReport(run: RunSummary, figures: readonly Figure[]): string {
  const sections = [
    `# ${run.title}`,
    outcome(run),
    losses(run, figures),
    samples(run.events),
    health(run, figures),
    warnings(run.events),
    ...(run.tables ?? []).map(({ title, columns, rows, note }) =>
      section(title, markdownTable(columns, rows), note ?? ''),
    ),
    setup(run),
    run.commands.length > 0 ? section('Do it again', fence(run.commands.join('\n'), 'sh')) : '',
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

function section(title: string, ...parts: string[]): string {
  return [`## ${title}`, ...parts.filter((part) => part !== '')].join('\n\n');
}

/** The run in one paragraph. */
function outcome({ parameters, data, engine, events, resumedFrom }: RunSummary): string {
  const sentences = [`A GPT of ${formatShort(parameters)} parameters, trained on ${data.name} by ${engine}.`];
  const best = bestEval(events);
  if (best) {
    const measured = data.validate === 'inner' ? 'loss on the inner split' : 'validation loss';
    sentences.push(
      `Best ${measured} **${best.valLoss.toFixed(4)}** nats per token = **${best.bitsPerByte.toFixed(3)}** bits per byte ` +
        `(perplexity ${best.perplexity.toFixed(2)}), at step ${formatCount(best.step)}${ofAverage(best)}.`,
    );
  }
  const done = events.findLast((event) => event.type === 'done');
  if (done) {
    const how = {
      finished: 'finished',
      aborted: 'was stopped',
      'non-finite': 'met a number that is not finite',
    };
    const part = resumedFrom ? ` (from step ${formatCount(resumedFrom)} on)` : '';
    const duration = `${formatDuration(done.seconds)}${part}, evaluations included`;
    sentences.push(`The run ${how[done.reason]} after ${formatCount(done.step)} steps in ${duration}.`);
  }
  const rates = events.flatMap((event) => (event.type === 'step' ? [event.tokensPerSecond] : []));
  if (rates.length > 0)
    sentences.push(`Median speed of a training step: ${formatShort(median(rates))} tokens per second.`);
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
      e.trainLoss.toFixed(4),
      e.valLoss.toFixed(4),
      e.bitsPerByte.toFixed(3),
      e.perplexity.toFixed(2),
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
  const probes = events.filter((event) => event.type === 'probe');
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

function setup({ config, parameters, data, tokenizer, engine, settings }: RunSummary): string {
  const rows: [string, string][] = [
    ['data', `${data.name}, ${formatBytes(data.bytes)}`],
    [
      'tokens',
      `${formatCount(data.trainTokens)} for training, ${formatCount(data.valTokens)} for validation`,
    ],
    [
      'validation',
      data.validate === 'inner'
        ? 'inner: the last share of the training part; the validation part was left out'
        : 'on the validation part',
    ],
    [
      'tokenizer',
      `byte-level BPE, ${formatCount(tokenizer.vocabSize)} tokens, split \`${tokenizer.split}\`, ${tokenizer.bytesPerToken.toFixed(2)} bytes per token`,
    ],
    ['parameters', formatCount(parameters)],
    ['engine', engine],
  ];
  const pairs = (record: object): string[][] =>
    Object.entries(record).map(([name, value]) => [`\`${name}\``, String(value)]);
  return section(
    'Set-up',
    markdownTable(['what', 'value'], rows),
    '### Model',
    markdownTable(['field', 'value'], pairs(config)),
    '### Training',
    markdownTable(['setting', 'value'], pairs(settings)),
  );
}

function embed(figures: readonly Figure[], name: string): string {
  const figure = figures.find((candidate) => candidate.name === name);
  return figure ? `![${figure.title}](${figure.name}.png)` : '';
}

function bestEval(events: readonly TrainEvent[]): EvalEvent | null {
  let best: EvalEvent | null = null;
  for (const event of events)
    if (event.type === 'eval' && !(best && best.valLoss <= event.valLoss)) best = event;
  return best;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
