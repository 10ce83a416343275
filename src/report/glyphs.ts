// Which letters the fonts of this machine can draw: the rasteriser draws a box, or nothing, for the others, and does not say so.
import { Resvg, type ResvgRenderOptions } from '@resvg/resvg-js';
import { missingGlyphs } from './missing-glyphs.ts';

type Font = NonNullable<ResvgRenderOptions['font']>;

/** The side of a cell of a proof sheet, and the size of the letters on it, pixels. */
const CELL = 32;
const SIZE = 20;
const ROW = 64;
/** In no font, unless by somebody's private use: what a letter without a glyph looks like. */
const UNKNOWN = '\u{10fffd}';

/** Letters that DejaVu has beyond doubt, and what is not drawn by itself: marks, blanks, controls. */
const PLAIN = /[!-\u02af\u0370-\u04ff]|\p{M}|\p{Z}|\p{C}/u;

/** What draws a letter: the fonts that come with this package, those of the machine, nothing. */
type Source = 'own' | 'system' | 'nothing';
const sources = new Map<string, Source>();

/** The fonts to draw `svg` with: those of the machine, too, where its letters ask for them; loading these takes a moment. */
export function fontsFor(svg: string, own: Font): Font {
  const system = { ...own, loadSystemFonts: true };
  const letters = lettersOf(svg);
  const unseen = letters.filter((letter) => !sources.has(letter));
  const beyond = undrawn(unseen, own);
  const lost = beyond.size > 0 ? undrawn([...beyond], system) : beyond;
  for (const letter of unseen)
    sources.set(letter, lost.has(letter) ? 'nothing' : beyond.has(letter) ? 'system' : 'own');
  for (const letter of letters) if (sources.get(letter) === 'nothing') missingGlyphs.add(letter);
  return letters.some((letter) => sources.get(letter) === 'system') ? system : own;
}

/** The letters of a picture that not every font has. */
function lettersOf(svg: string): string[] {
  const text = svg.replace(/<style>.*?<\/style>|<title>.*?<\/title>|<[^>]*>/gs, '');
  return [...new Set(text)].filter((letter) => !PLAIN.test(letter));
}

/** Those of `letters` that `font` does not draw: they look like an unknown one, or like nothing. */
function undrawn(letters: readonly string[], font: Font): Set<string> {
  if (letters.length === 0) return new Set();
  const sheet = [UNKNOWN, ' ', ...letters];
  const [width, height] = [ROW * CELL, Math.ceil(sheet.length / ROW) * CELL];
  const cells = sheet.map((letter, i) => {
    const [x, y] = [(i % ROW) * CELL + 6, Math.floor(i / ROW) * CELL + 24];
    return `<text x="${x}" y="${y}">${letter}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans" font-size="${SIZE}" xml:space="preserve">${cells.join('')}</svg>`;
  const { pixels } = new Resvg(svg, { font, logLevel: 'off' }).render();
  const cell = (i: number): string => {
    const rows = Array.from({ length: CELL }, (_, y) => {
      const start = 4 * ((Math.floor(i / ROW) * CELL + y) * width + (i % ROW) * CELL);
      return pixels.subarray(start, start + 4 * CELL).toString('latin1');
    });
    return rows.join('');
  };
  const blanks = new Set([cell(0), cell(1)]);
  return new Set(letters.filter((_, i) => blanks.has(cell(i + 2))));
}
