// What every finding can be shown as. Nothing in this folder needs Node, a page or a file: strings come out.
// Read next: findings.ts.
import type { Activation } from '../backend/contract.ts';
import type { Charts } from './plot.ts';
import type { Table } from './table.ts';

/** A picture: a name, an SVG document and the numbers behind it. */
export interface Figure {
  /** File name without ending: `loss`. */
  name: string;
  title: string;
  /** An SVG document. */
  svg: string;
  /** The numbers that it shows, ready for JSON. */
  data: unknown;
}

/** What a table depends on beside the finding. */
export interface Naming {
  /** The nonlinearity of the model, by which its outputs are called. */
  activation?: Activation;
}

/** What a picture depends on beside the finding. */
export interface Drawing extends Naming {
  charts: Charts;
}

/** One kind of finding, as it is shown everywhere: on a terminal, in Markdown, on a page. */
export interface Finding<T> {
  title: string;
  /** What can be read in it, in a sentence or two. */
  about: string;
  tables(found: T, naming: Naming): Table[];
  /** None for what is too large to be drawn. */
  figures(found: T, drawing: Drawing): Figure[];
}
