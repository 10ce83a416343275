// What charts are drawn with, in types of our own: those of Observable Plot name other packages of types,
// which a project that installs Inkhorn would need. Read next: plot.ts.

/**
 * The functions of Observable Plot that pictures are drawn with, taken from it one by one or as its whole
 * module: `await import('@observablehq/plot')`.
 */
export interface PlotFunctions {
  plot(options: object): { readonly outerHTML: string };
  scale(options: object): object;
  dot(data: Iterable<unknown>, options: object): object;
  lineY(data: Iterable<unknown>, options: object): object;
  ruleY(data: Iterable<unknown>, options: object): object;
  text(data: Iterable<unknown>, options: object): object;
}

/**
 * What pictures are drawn with: Observable Plot, and the `document` in which it creates elements, of a page
 * or of a library such as linkedom. The caller passes them, so that nothing here loads a library before a
 * picture is wanted.
 */
export interface Charts {
  readonly plot: PlotFunctions;
  readonly document: { createElementNS(namespace: string, name: string): unknown };
}
