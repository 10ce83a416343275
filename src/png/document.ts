// What charts are drawn in where there is no page: see ../figures/plot.ts.

import { parseHTML } from 'linkedom';
import type { SvgDocument } from '../figures/plot.ts';

/** An empty page that nobody looks at. */
export const document: SvgDocument = parseHTML('<!doctype html><html><body></body></html>').document;
