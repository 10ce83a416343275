// The entry point `inkhorn/report`: the reports of a run, from its folder in any store. It loads no drawing
// library: see `Charts`. Read next: page/run-page.ts.
export type { Charts } from '../figures/plot.ts';
export type { SavedComparison } from '../runs/comparison.ts';
export { readLook } from '../runs/findings.ts';
export { saveLook } from '../runs/look.ts';
export { runModel } from '../runs/open.ts';
export { readRun } from '../runs/read.ts';
export type { RunSummary } from '../runs/summary.ts';
export { allFigures, type DrawnRun, drawRun, type ShownCopy } from './drawn.ts';
export { runPage } from './page/run-page.ts';
export { renderReport } from './report.ts';
