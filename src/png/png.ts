// From SVG to PNG in Node: the rasteriser with its fonts. Read next: glyphs.ts.
import { join } from 'node:path';
import { fontsFor } from './glyphs.ts';
import { FONTS, fontFolder, Resvg } from './libraries.ts';

/** Without a font the renderer draws no text, and does not report it, so these are always passed. */
const fontFiles = FONTS.map((name) => join(fontFolder(), name));
const own = { loadSystemFonts: false, fontFiles, defaultFontFamily: 'DejaVu Sans' };

/** Renders an SVG document to PNG at `zoom` pixels per unit. */
export function toPng(svg: string, zoom = 2): Buffer {
  return new Resvg(svg, { font: fontsFor(svg, own), fitTo: { mode: 'zoom', value: zoom }, logLevel: 'error' })
    .render()
    .asPng();
}
