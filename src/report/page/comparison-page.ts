// The page of several runs: their losses in one chart, by steps, tokens and time; their results, and their
// differences.
import { formatCount, formatDuration, formatLoss, formatShort, formatTick } from '../../base/format.ts';
import type { Charts } from '../../figures/charts.ts';
import { compareRuns, measured, type RunComparison } from '../../runs/compare.ts';
import { clock, tokensPerStep } from '../../runs/facts.ts';
import type { RunSummary } from '../../runs/summary.ts';
import type { EvalEvent } from '../../train/events.ts';
import { type Axis, lineChart, stepAxis } from './charts.ts';
import { CATEGORIES, categoryColor } from './colors.ts';
import { type Html, html } from './html.ts';
import { page, shellCommand, table } from './page.ts';

/** The whole page. */
export function comparisonPage(runs: readonly RunSummary[], charts: Charts | null): string {
  const comparison = compareRuns(runs);
  return page({
    charts,
    title: `${comparison.runs
      .map(({ label }) => label)
      .join(', ')
      .replace(/, ([^,]*)$/, ' and $1')}`,
    kicker: `Inkhorn · ${runs.length} runs compared`,
    header: html`<p class="lead">${verdict(comparison)}</p>`,
    sections: [
      { id: 'results', title: 'Results', body: results(comparison) },
      { id: 'curves', title: 'Validation loss', body: curves(runs, comparison, charts) },
      { id: 'differences', title: 'What differs', body: differences(comparison) },
      { id: 'again', title: 'Do it again', body: runs.map(({ command }) => shellCommand(command)) },
    ],
    depth: 0,
  });
}

/** The best run in a sentence. */
function verdict({ runs, measure }: RunComparison): string {
  const ranked = runs
    .flatMap(({ label, best }) => (best ? [{ label, loss: measured(best, measure) }] : []))
    .sort((a, b) => a.loss - b.loss);
  if (ranked.length < 2) return 'Fewer than two of these runs have been evaluated.';
  const [first, second] = ranked;
  return `${first.label} is best, with ${first.loss.toFixed(4)} ${measure}: ${(second.loss - first.loss).toFixed(4)} below ${second.label}.`;
}

function results({ runs, measure }: RunComparison): Html {
  const losses = runs.map(({ best }) => (best ? measured(best, measure) : Number.POSITIVE_INFINITY));
  const least = losses.indexOf(Math.min(...losses));
  const rows = runs.map(({ label, parameters, best, steps, seconds, tokensPerSecond }, i) => [
    html`<span class="key" style="--c:${categoryColor(i)}">${label}</span>`,
    ...(best
      ? [
          formatLoss(best.valLoss, 4),
          formatLoss(best.bitsPerByte, 3),
          formatLoss(best.trainLoss, 4),
          formatCount(best.step),
        ]
      : ['', '', '', '']),
    formatCount(steps),
    formatDuration(seconds),
    tokensPerSecond === null ? '' : formatShort(tokensPerSecond),
    formatShort(parameters),
  ]);
  const columns = [
    'run',
    'validation',
    'bits/byte',
    'train',
    'at step',
    'steps',
    'time',
    'tokens/s',
    'parameters',
  ];
  const note =
    measure === 'bits/byte' &&
    html`<p class="note">The runs have different texts or tokens: nats per token say nothing about each other, bits per byte do.</p>`;
  return html`${table(columns, rows, Number.isFinite(losses[least]) ? least : undefined)}${note}`;
}

/** One chart for each x axis, of which one is shown at a time. */
function curves(runs: readonly RunSummary[], comparison: RunComparison, charts: Charts | null): Html {
  const { measure } = comparison;
  const longest = Math.max(...comparison.runs.map(({ seconds }) => seconds));
  const time = timeAxis(longest);
  const axes: [id: string, name: string, axis: Axis, at: (run: RunSummary) => (step: number) => number][] = [
    ['step', 'by step', stepAxis, () => (step) => step],
    [
      'tokens',
      'by tokens',
      { label: 'tokens trained on', format: formatTick },
      (run) => (step) => step * tokensPerStep(run),
    ],
    [
      'time',
      'by time',
      { label: `${time.unit} of training, with evaluations`, format: formatTick },
      (run) => {
        const times = clock(run);
        return (step) => (times.get(step) ?? 0) / time.seconds;
      },
    ],
  ];
  const drawn = axes.map(([id, name, x, at]) => ({
    id,
    chart: lineChart(
      {
        title: `${measure === 'nats/token' ? 'Nats per token' : 'Bits per byte'}, ${name}`,
        x,
        y: { label: '', format: (loss) => loss.toFixed(1), precise: (loss) => loss.toFixed(4) },
        series: runs.map((run, i) => {
          const place = at(run);
          const evals = worthShowing(run.events.filter((event) => event.type === 'eval'));
          return {
            name: comparison.runs[i].label,
            color: categoryColor(i),
            dots: true,
            dash: i >= CATEGORIES ? '5 3' : undefined,
            points: evals.map((event) => ({ x: place(event.step), y: measured(event, measure) })),
          };
        }),
      },
      charts,
    ),
  }));
  return html`<div class="by">${axes.map(
    ([id, name], i) =>
      html`<input type="radio" name="by" id="by-${id}" aria-label="${name}"${i === 0 && html` checked`}>`,
  )}<div class="tabs">${axes.map(([id, name]) => html`<label for="by-${id}">${name}</label>`)}</div>
${drawn.map(({ id, chart }) => chart && html`<div class="of of-${id}">${chart}</div>`)}</div>`;
}

/** The start of every run, with an untrained model, is left out if it would flatten the rest. */
function worthShowing(evals: readonly EvalEvent[]): EvalEvent[] {
  return evals.filter(({ step }) => step > 0 || evals.length < 3);
}

function timeAxis(seconds: number): { unit: string; seconds: number } {
  if (seconds < 180) return { unit: 'seconds', seconds: 1 };
  return seconds < 3 * 3600 ? { unit: 'minutes', seconds: 60 } : { unit: 'hours', seconds: 3600 };
}

function differences({ runs, differences: rows }: RunComparison): Html {
  if (rows.length === 0)
    return html`<p>Nothing that is recorded: configs, settings, text and tokens are the same.</p>`;
  return table(
    [
      '',
      ...runs.map(({ label }, i) => html`<span class="key" style="--c:${categoryColor(i)}">${label}</span>`),
    ],
    rows.map(({ name, values }) => [name, ...values]),
  );
}
