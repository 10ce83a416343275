// From SVG to PNG in Node: the rasteriser with its fonts. Read next: glyphs.ts.
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { fontsFor } from './glyphs.ts';

const require = createRequire(import.meta.url);
/** Without a font the renderer draws no text, and does not report it, so these are always passed. */
const fontFiles = ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSansMono'].map((face) =>
  require.resolve(`dejavu-fonts-ttf/ttf/${face}.ttf`),
);
const own = { loadSystemFonts: false, fontFiles, defaultFontFamily: 'DejaVu Sans' };

/** Renders an SVG document to PNG at `zoom` pixels per unit. */
export function toPng(svg: string, zoom = 2): Buffer {
  return new Resvg(svg, { font: fontsFor(svg, own), fitTo: { mode: 'zoom', value: zoom }, logLevel: 'error' })
    .render()
    .asPng();
}
