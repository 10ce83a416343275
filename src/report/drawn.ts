// All pictures and tables of a run's reports, drawn once for both of them.
import { activationsFigure, gradientsFigure } from '../figures/activations.ts';
import type { Charts } from '../figures/charts.ts';
import { comparisonFinding } from '../figures/comparison.ts';
import type { Drawing, Figure } from '../figures/figure.ts';
import { type ShownFinding, shownFindings } from '../figures/findings.ts';
import { healthFigure } from '../figures/health.ts';
import { lossFigure } from '../figures/loss.ts';
import { overTimeFigure } from '../figures/over-time.ts';
import type { Table } from '../figures/table.ts';
import { probesOf } from '../runs/facts.ts';
import type { RunSummary } from '../runs/summary.ts';

/** A quantised copy in a folder of the run. */
export interface ShownCopy {
  /** The name of the folder, `int8`. */
  name: string;
  tables: Table[];
  figures: Figure[];
}

export interface DrawnRun {
  /** The pictures of the history. */
  history: Figure[];
  findings: ShownFinding[];
  copies: ShownCopy[];
}

/** Draws everything for which the run has numbers; without `charts` only tables. */
export function drawRun(run: RunSummary, charts: Charts | null): DrawnRun {
  const { activation } = run.config;
  const drawing = charts && { activation, charts };
  return {
    history: drawing ? historyFigures(run.events, drawing) : [],
    findings: shownFindings(run.findings, { activation }, drawing).map((shown) =>
      shown.kind === 'activations' ? { ...shown, figures: prefixed('inspected', shown.figures) } : shown,
    ),
    copies: [...run.comparisons].map(([name, comparison]) => ({
      name,
      tables: comparisonFinding
        .tables(comparison, { activation })
        .map((table) => ({ ...table, title: `${name}: ${table.title.toLowerCase()}` })),
      figures: drawing ? prefixed(name, comparisonFinding.figures(comparison, drawing)) : [],
    })),
  };
}

/** Pictures of the same name are in one folder. */
function prefixed(prefix: string, figures: readonly Figure[]): Figure[] {
  return figures.map((figure) => ({ ...figure, name: `${prefix}-${figure.name}` }));
}

/**
 * `loss`, `health`, `relu-activations`, `relu-gradients`, and the latter two over time, if the events have
 * numbers for them.
 */
export function historyFigures(events: RunSummary['events'], drawing: Drawing): Figure[] {
  const probes = probesOf(events, 'activations');
  return [
    lossFigure(events, drawing),
    activationsFigure(probes, drawing),
    gradientsFigure(probes, drawing),
    healthFigure(probes, drawing),
    overTimeFigure(probes, 'activations', drawing),
    overTimeFigure(probes, 'gradients', drawing),
  ].filter((figure) => figure !== null);
}

/** Every picture. */
export function allFigures({ history, findings, copies }: DrawnRun): Figure[] {
  return [...history, ...[...findings, ...copies].flatMap(({ figures }) => figures)];
}
