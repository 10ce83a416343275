// Text in columns: the width of a string on a terminal, and fitting it. Escape sequences have no width.
import { stripVTControlCharacters } from 'node:util';
import { characterColumns, textColumns } from '../../base/columns.ts';
import { revealControls } from '../../base/controls.ts';

const ESCAPE = '\u001b';
/** A colour sequence, or one character. */
const PIECES = new RegExp(`${ESCAPE}\\[[0-9;]*m|.`, 'gsu');

/** Columns that `text` takes. */
export function textWidth(text: string): number {
  return textColumns(stripVTControlCharacters(text));
}

/**
 * Columns of a terminal, else `COLUMNS`, else 80. Some pseudo-terminals report 0, which counts as unknown.
 */
export function columnsOf(stream: { columns?: number }): number {
  return stream.columns || Number(process.env.COLUMNS) || 80;
}

/**
 * `text` cut to `columns`, with … at the end if something is missing. Colours are kept and closed.
 */
export function fitLine(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let width = 0;
  let kept = '';
  let full = false;
  for (const piece of text.match(PIECES) ?? []) {
    if (piece.startsWith(ESCAPE)) {
      kept += piece; // also those after the cut: they end the colours
      continue;
    }
    full ||= width + characterColumns(piece) > columns - 1;
    if (full) continue;
    kept += piece;
    width += characterColumns(piece);
  }
  return columns > 0 ? `${kept}…` : '';
}

/** Breaks plain text between words into lines of at most `columns`. A longer word is cut. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    const joined = current === '' ? word : `${current} ${word}`;
    if (textWidth(joined) <= columns || current === '') current = joined;
    else {
      lines.push(current);
      current = word;
    }
  }
  return [...lines, current].flatMap((line) => cutText(line, columns));
}

/** Cuts plain text every `columns` columns. */
export function cutText(text: string, columns: number): string[] {
  const lines = [''];
  let width = 0;
  for (const character of text) {
    const next = characterColumns(character);
    if (width + next > Math.max(columns, 2)) {
      lines.push('');
      width = 0;
    }
    lines[lines.length - 1] += character;
    width += next;
  }
  return lines;
}

/**
 * Text from a model in a view of ours: control characters are visible, tabs are two spaces; line feeds stay.
 */
export function viewText(text: string): string {
  return revealControls(text.replaceAll('\t', '  '));
}
