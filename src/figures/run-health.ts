// The health of a run (../runs/health.ts) as tables and pictures.
import { formatCount } from '../base/format.ts';
import { probesOf } from '../runs/facts.ts';
import type { RunHealth } from '../runs/health.ts';
import { activationsFigure, activationsTable, gradientsFigure } from './activations.ts';
import type { Charts } from './charts.ts';
import type { Figure } from './figure.ts';
import { groupsTable, healthFigure } from './health.ts';
import { activationLabel } from './labels.ts';
import { overTimeFigure } from './over-time.ts';
import type { Table } from './table.ts';
import { tapsFigure, tapsTable } from './taps.ts';

/** At the last probe: the activations of every block, the groups of parameters, other probed values. */
export function healthTables({ activation, probes }: RunHealth): Table[] {
  const activations = probesOf(probes, 'activations');
  const units = activationsTable(activations);
  const others = probesOf(probes, 'others').at(-1);
  return [
    units && { ...units, title: `${activationLabel[activation]} of every block` },
    groupsTable(activations),
    others ? tapsTable(others.taps, `At step ${formatCount(others.step)}.`) : null,
  ].filter((table) => table !== null);
}

/** The same over the run, and the distributions at the last probe. */
export function healthFigures({ activation, probes }: RunHealth, charts: Charts): Figure[] {
  const drawing = { activation, charts };
  const activations = probesOf(probes, 'activations');
  const others = probesOf(probes, 'others').at(-1);
  return [
    healthFigure(activations, drawing),
    overTimeFigure(activations, 'activations', drawing),
    overTimeFigure(activations, 'gradients', drawing),
    activationsFigure(activations, drawing),
    gradientsFigure(activations, drawing),
    others ? tapsFigure(others.taps, drawing) : null,
  ].filter((figure) => figure !== null);
}
