// Fonts of the machine for letters that our fonts lack. The rasteriser draws a box, or nothing, for a letter
// without a glyph, and does not report it. If it may use all fonts of the machine, it searches them all for
// every word of every picture. So the few fonts that are needed are found once, and passed by name.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ResvgRenderOptions } from '@resvg/resvg-js';
import { inHome } from '../base/node-home.ts';
import { Resvg } from './libraries.ts';
import { missingGlyphs } from './missing-glyphs.ts';

type Font = NonNullable<ResvgRenderOptions['font']>;

/** The side of a cell of a test sheet, and the size of the letters on it, in pixels. */
const CELL = 32;
const SIZE = 20;
const ROW = 64;
/** In no font, except for private use: shows how a letter without a glyph is drawn. */
const UNKNOWN = '\u{10fffd}';

/**
 * Letters that DejaVu certainly has, and characters that are not drawn by themselves: marks, blanks,
 * controls.
 */
const PLAIN = /[!-\u02af\u0370-\u04ff]|\p{M}|\p{Z}|\p{C}/u;

/** The folders of the systems' fonts. */
const FOLDERS: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: ['/usr/share/fonts', '/usr/local/share/fonts', ...ofUser('.fonts', '.local/share/fonts')],
  darwin: ['/System/Library/Fonts', '/Library/Fonts', ...ofUser('Library/Fonts')],
  win32: [join(process.env.SystemRoot ?? 'C:\\Windows', 'Fonts')],
};

function ofUser(...paths: string[]): string[] {
  return paths.map((path) => inHome(path)).filter((folder) => folder !== null);
}

/** Font files of the machine that draw letters which ours do not. */
const found: string[] = [];
/** Letters that were searched for, and whether some font draws them. */
const known = new Map<string, boolean>();

/**
 * The fonts to draw `svg` with: `own`, and those of the machine that its letters need. Letters that no font
 * has are recorded.
 */
export function fontsFor(svg: string, own: Font): Font {
  const letters = lettersOf(svg);
  const unseen = letters.filter((letter) => !known.has(letter));
  if (unseen.length > 0) {
    const lost = search(undrawn(unseen, withFiles(own, found)), own);
    for (const letter of unseen) known.set(letter, !lost.includes(letter));
  }
  for (const letter of letters) if (!known.get(letter)) missingGlyphs.add(letter);
  return withFiles(own, found);
}

function withFiles(own: Font, files: readonly string[]): Font {
  return { ...own, fontFiles: [...(own.fontFiles ?? []), ...files] };
}

/** Adds files to `found` until all `letters` are drawn. Returns the letters that no font draws. */
function search(letters: readonly string[], own: Font): string[] {
  let left = [...letters];
  for (const file of left.length > 0 ? machineFonts() : []) {
    const lacking = undrawn(left, { ...own, fontFiles: [file], defaultFontFamily: '' });
    if (lacking.length === left.length) continue;
    found.push(file);
    left = lacking;
    if (left.length === 0) break;
  }
  return left;
}

/** Variants of a typeface that are not used for a line of text. */
const SPECIAL = /bold|black|heavy|light|thin|medium|italic|oblique|condensed|serif|mono/i;

let files: string[] | undefined;

/** The font files of this machine, regular variants first. */
function machineFonts(): string[] {
  files ??= (FOLDERS[process.platform] ?? FOLDERS.linux ?? []).flatMap((folder) => {
    try {
      const names = readdirSync(folder, { recursive: true }).map(String);
      return names.filter((name) => /\.(ttf|otf|ttc|otc)$/i.test(name)).map((name) => join(folder, name));
    } catch {
      return []; // no such folder
    }
  });
  files.sort((a, b) => Number(SPECIAL.test(a)) - Number(SPECIAL.test(b)));
  return files;
}

/** The letters of a picture that not every font has. */
function lettersOf(svg: string): string[] {
  const text = svg.replace(/<style>.*?<\/style>|<title>.*?<\/title>|<[^>]*>/gs, '');
  return [...new Set(text)].filter((letter) => !PLAIN.test(letter));
}

/** Those of `letters` that `font` does not draw: they look like an unknown letter, or empty. */
function undrawn(letters: readonly string[], font: Font): string[] {
  if (letters.length === 0) return [];
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
  return letters.filter((_, i) => blanks.has(cell(i + 2)));
}
