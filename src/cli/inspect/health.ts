// `inspect health`: how the parts of a model learnt, from the history of its run.
import { formatCount } from '../../base/format.ts';
import { activationsFigure, activationsTable, gradientsFigure } from '../../figures/activations.ts';
import { groupsTable, healthFigure } from '../../figures/health.ts';
import { activationLabel } from '../../figures/labels.ts';
import { overTimeFigure } from '../../figures/over-time.ts';
import { tapsFigure, tapsTable } from '../../figures/taps.ts';
import { folderStore } from '../../io/node-store.ts';
import type { GPTConfig } from '../../model/config.ts';
import { probesOf } from '../../runs/facts.ts';
import type { History } from '../../runs/history.ts';
import { readHistory } from '../../runs/open.ts';
import type { WarningEvent } from '../../train/events.ts';
import { asked, misuse } from '../errors.ts';
import { runOf } from '../models.ts';
import type { Output } from '../output.ts';
import { showTable } from '../show-table.ts';
import { wrapText } from '../view/width.ts';
import type { Findings } from './subject.ts';

/** The history of the run in `folder`, or of the run whose checkpoint `folder` is. */
export async function openHistory(folder: string): Promise<History> {
  return asked(() => readHistory(folderStore(runOf(folder))));
}

/** Throws a misuse when the run has no probes. */
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
      `the run has no probes (probeEvery ${settings.probeEvery}): train with --probe-every 100, or inspect its model with \`inkhorn inspect\``,
    );
  }
  return {
    data: { activation, probes: events.filter((event) => event.type === 'probe'), warnings },
    figures(charts) {
      const drawing = { activation, charts };
      return [
        healthFigure(probes, drawing),
        overTimeFigure(probes, 'activations', drawing),
        overTimeFigure(probes, 'gradients', drawing),
        activationsFigure(probes, drawing),
        gradientsFigure(probes, drawing),
        others ? tapsFigure(others.taps, drawing) : null,
      ];
    },
    show(output): void {
      const units = activationsTable(probes);
      if (units) showTable({ ...units, title: `${activationLabel[activation]} of every block` }, output);
      const groups = groupsTable(probes);
      if (groups) showTable(groups, output);
      else
        output.print('Gradients and updates by group are not in the history of runs of the first version.\n');
      if (others) showTable(tapsTable(others.taps, `At step ${formatCount(others.step)}.`), output);
      showWarnings(warnings, output);
    },
  };
}

function showWarnings(warnings: readonly WarningEvent[], output: Output): void {
  if (warnings.length === 0) output.print('No warnings.');
  for (const { step, message } of warnings) {
    for (const line of wrapText(`warning  step ${formatCount(step)}: ${message}`, 80))
      output.print(output.colors.yellow(line));
  }
}
