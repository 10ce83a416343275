// The libraries that draw pictures, as far as they are used. What npm installs has this module as a package
// of its own, @inkhorn/pictures, instead of the sixty packages that these consist of (scripts/pack.mjs).
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { dot, lineY, plot, ruleY, scale, text } from '@observablehq/plot';
import type { PlotFunctions } from '../figures/charts.ts';

export { parseHTML } from 'linkedom';

const require = createRequire(import.meta.url);
/** Not imported: Node 20 would end the process where its binary for this platform is missing. */
export const { Resvg } = require('@resvg/resvg-js') as typeof import('@resvg/resvg-js');

export const plotting: PlotFunctions = { plot, scale, dot, lineY, ruleY, text };

/** The names of the fonts' files. */
export const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf', 'DejaVuSansMono.ttf'];

/** The folder of the fonts. */
export function fontFolder(): string {
  return dirname(require.resolve(`dejavu-fonts-ttf/ttf/${FONTS[0]}`));
}
