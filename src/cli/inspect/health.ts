// `inspect health`: how the parts of a model fared while it was trained, from the history of its run.

import { formatCount, formatNumber, formatPercent } from '../../base/format.ts';
import { typicalGroups } from '../../inspect/groups.ts';
import { folderStore } from '../../io/node-store.ts';
import type { GPTConfig } from '../../model/config.ts';
import { probesOf } from '../../report/facts.ts';
import { healthFigure } from '../../report/health-plot.ts';
import {
  activationLabel,
  activationsFigure,
  gradientsFigure,
  tapLabel,
} from '../../report/histogram-plot.ts';
import { overTimeFigure } from '../../report/over-time-plot.ts';
import { tapsFigure } from '../../report/taps-plot.ts';
import { tapsTable } from '../../report/taps-table.ts';
import type { History } from '../../runs/history.ts';
import { readHistory } from '../../runs/open.ts';
import type { ProbeEvent, WarningEvent } from '../../train/events.ts';
import { asked, misuse } from '../errors.ts';
import { runOf } from '../models.ts';
import type { Output } from '../output.ts';
import { wrapText } from '../view/width.ts';
import type { Findings } from './subject.ts';

/** The history of the run in `folder`, or of the run that `folder` is a checkpoint of. */
export async function openHistory(folder: string): Promise<History> {
  return asked(() => readHistory(folderStore(runOf(folder))));
}

/** Throws a misuse when the run was not probed. */
export function health(
  { events, settings }: History,
  { activation }: Pick<GPTConfig, 'activation'>,
): Findings {
  const probes = probesOf(events, 'activations');
  const others = probesOf(events, 'others').at(-1);
  const warnings = events.filter((event) => event.type === 'warning');
  const last = probes.at(-1);
  if (!last) {
    throw misuse(
      `the run has no probes (probeEvery ${settings.probeEvery}): train with --probe-every 100, or look at its model with \`inkhorn inspect\``,
    );
  }
  const figures = [
    healthFigure(probes, activation),
    overTimeFigure(probes, 'activations', activation),
    overTimeFigure(probes, 'gradients', activation),
    activationsFigure(probes, activation),
    gradientsFigure(probes, activation),
    others ? tapsFigure(others.taps) : null,
  ].filter((figure) => figure !== null);
  return {
    data: { activation, probes: events.filter((event) => event.type === 'probe'), warnings },
    figures,
    show(output): void {
      showUnits(probes[0], last, activationLabel[activation], output);
      showGroups(probes, output);
      if (others) showOthers(others, output);
      showWarnings(warnings, output);
    },
  };
}

function showUnits(first: ProbeEvent, last: ProbeEvent, label: string, output: Output): void {
  const tokens = formatCount(Math.max(...last.taps.map(({ windowTokens }) => windowTokens)));
  output.print(
    output.colors.bold(
      `${label} of every block; dead: fired for none of the last ${tokens} tokens looked at`,
    ),
  );
  const at = (probe: ProbeEvent): string => `<= 0, step ${formatCount(probe.step)}`;
  output.table(
    ['', ...(first === last ? [] : [at(first)]), at(last), 'dead units', 'std', 'gradient std'],
    last.taps.map(({ name, zeroFraction, deadUnits, units, value, gradient }) => {
      const before = first.taps.find((tap) => tap.name === name)?.zeroFraction;
      return [
        tapLabel(name),
        ...(first === last ? [] : [before === undefined ? '' : formatPercent(before)]),
        ...[formatPercent(zeroFraction), `${deadUnits.length} of ${formatCount(units)}`],
        ...[formatNumber(value.std), gradient ? formatNumber(gradient.std) : ''],
      ];
    }),
  );
  output.print();
}

function showGroups(probes: readonly ProbeEvent[], output: Output): void {
  const groups = typicalGroups(probes);
  if (groups.length === 0) {
    output.print('Gradients and updates by group are not in the history of runs of the first version.\n');
    return;
  }
  output.print(output.colors.bold(`Groups of parameters; median of ${probes.length} looks`));
  output.table(
    ['', 'weights', 'norm at the end', 'gradient norm', 'update / weights'],
    groups.map(({ name, parameters, weightNorm, gradNorm, updateRatio }) => [
      ...[name, formatCount(parameters), formatNumber(weightNorm), formatNumber(gradNorm)],
      updateRatio === null ? '' : formatNumber(updateRatio),
    ]),
  );
  output.print();
}

/** What `train --probe-taps` asked for. */
function showOthers(last: ProbeEvent, output: Output): void {
  const { title, columns, rows, note } = tapsTable(last);
  output.print(output.colors.bold(title));
  output.table(
    columns,
    rows.map((cells) => cells.map(String)),
  );
  output.print(`${note}\n`);
}

function showWarnings(warnings: readonly WarningEvent[], output: Output): void {
  if (warnings.length === 0) output.print('No warnings.');
  for (const { step, message } of warnings) {
    for (const line of wrapText(`warning  step ${formatCount(step)}: ${message}`, 80))
      output.print(output.colors.yellow(line));
  }
}
