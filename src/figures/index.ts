// The door `inkhorn/figures`: what is seen in a model or a run, as tables and as SVG. Nothing is loaded to
// draw with: a page passes Observable Plot and its own document, Node those of linkedom (see `Charts`).
export { activationsFigure, gradientsFigure } from './activations.ts';
export type { Drawing, Figure, Finding, Naming } from './figure.ts';
export { type ShownFinding, shownFindings } from './findings.ts';
export { healthFigure } from './health.ts';
export { layerErrorFigure } from './layer-errors.ts';
export { lossFigure } from './loss.ts';
export { overTimeFigure } from './over-time.ts';
export type { Charts } from './plot.ts';
export type { Table } from './table.ts';
