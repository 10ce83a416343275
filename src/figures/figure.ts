// What every finding can be shown as. Nothing in this folder needs Node, a page or a file: results are
// strings. Read next: findings.ts.
import type { Activation } from '../backend/contract.ts';
import type { Charts } from './charts.ts';
import type { Table } from './table.ts';

/** A picture: a name, an SVG document and the numbers behind it. */
export interface Figure {
  /** File name without extension: `loss`. */
  name: string;
  title: string;
  /** An SVG document. */
  svg: string;
  /** The numbers in the picture, ready for JSON. */
  data: unknown;
}

/** What a table needs besides the finding. */
export interface Naming {
  /** The activation function of the model, which gives its outputs their name. */
  activation?: Activation;
}

/** What a picture needs besides the finding. */
export interface Drawing extends Naming {
  charts: Charts;
}

/** One kind of finding, as shown everywhere: on a terminal, in Markdown, on a page. */
export interface Finding<T> {
  title: string;
  /** What it shows, in a sentence or two. */
  about: string;
  tables(found: T, naming: Naming): Table[];
  /** Empty if the finding is too large for a picture. */
  figures(found: T, drawing: Drawing): Figure[];
}
