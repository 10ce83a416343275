// The entry point `inkhorn/report`: the reports of runs as strings, in Node and in pages. It loads no drawing
// library: a page passes Observable Plot and its own document (see `Charts`). Read next: page/run-page.ts.
//
//   const charts = { plot: await import('@observablehq/plot'), document };
//   const html = runPage(await readRun(opfsStore('runs/first')), charts);

export type { Charts, PlotFunctions } from '../figures/charts.ts';
export type { Figure } from '../figures/figure.ts';
export type { ShownFinding } from '../figures/findings.ts';
export type { Table, Tone } from '../figures/table.ts';
export { compareRuns, type RunComparison, type RunOutcome } from '../runs/compare.ts';
export type { Comparison, SavedComparison } from '../runs/comparison.ts';
export type { Difference } from '../runs/differences.ts';
export { readLook } from '../runs/findings.ts';
export { saveLook } from '../runs/look.ts';
export { runModel } from '../runs/open.ts';
export { readRun } from '../runs/read.ts';
export type { RunSummary } from '../runs/summary.ts';
export { renderCard } from './card.ts';
export {
  type CardCopy,
  type CardFormat,
  type CardMeasures,
  type CardSample,
  type MeasureCardOptions,
  measureCard,
} from './card-measures.ts';
export { allFigures, type DrawnRun, drawRun, type ShownCopy } from './drawn.ts';
export { comparisonPage } from './page/comparison-page.ts';
export { runPage } from './page/run-page.ts';
export { type PictureFormat, renderReport } from './report.ts';
export { type Pictures, writeCard, writeFigures, writeReport } from './write.ts';
