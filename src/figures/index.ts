// The entry point `inkhorn/figures`: findings and runs as tables and SVG. It loads no drawing library: a page
// passes Observable Plot and its own document, Node those of linkedom (see `Charts`).
export { shortLine, visibleLine } from '../base/visible.ts';
export { activationsFigure, gradientsFigure } from './activations.ts';
export type { Charts, PlotFunctions } from './charts.ts';
export { compareTables } from './comparison.ts';
export type { Drawing, Figure, Finding, Naming } from './figure.ts';
export { type ShownFinding, shownFindings } from './findings.ts';
export { healthFigure } from './health.ts';
export { choicesLine, layerLabel } from './labels.ts';
export { layerErrorFigure } from './layer-errors.ts';
export { lossFigure } from './loss.ts';
export { overTimeFigure } from './over-time.ts';
export { healthFigures, healthTables } from './run-health.ts';
export type { Table, Tone } from './table.ts';
