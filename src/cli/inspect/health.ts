// `inspect health`: how the parts of a model learnt, from the history of its run.
import { formatCount } from '../../base/format.ts';
import { healthFigures, healthTables } from '../../figures/run-health.ts';
import { folderStore } from '../../io/node-store.ts';
import type { GPTConfig } from '../../model/config.ts';
import { healthOf } from '../../runs/health.ts';
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
export function health(history: History, { activation }: Pick<GPTConfig, 'activation'>): Findings {
  const found = healthOf(history, activation);
  if (!found) {
    throw misuse(
      `the run has no probes (probeEvery ${history.settings.probeEvery}): train with --probe-every 100, or inspect its model with \`inkhorn inspect\``,
    );
  }
  return {
    data: found,
    figures: (charts) => healthFigures(found, charts),
    show(output): void {
      for (const table of healthTables(found)) showTable(table, output);
      if (!found.probes.some(({ groups }) => groups))
        output.print('Gradients and updates by group are not in the history of runs of the first version.\n');
      showWarnings(found.warnings, output);
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
