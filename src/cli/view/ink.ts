// The border between our text and the terminal: our colours pass, other control characters are made visible.
// Everything that the command line prints goes through `terminalText`.
import { randomInt } from 'node:crypto';
import pc from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import { revealControls, revealLine } from '../../base/controls.ts';

/**
 * Our colour sequences begin with these numbers, which nobody else knows, so that nothing in a text, file
 * name or model can pass for a colour. A terminal never sees them. Four digits each, as functions that
 * measure width expect.
 */
const SEAL = Array.from({ length: 3 }, () => randomInt(1000, 10_000)).join(';');
const ESCAPE = '\u001b';
const COLOR = new RegExp(`${ESCAPE}\\[([0-9;]+)m`, 'g');
const SEALED = new RegExp(`\u001b\\[${SEAL};([0-9;]+)m`, 'g');

/** Colours for text that goes through `terminalText`. */
export function createColors(enabled: boolean): Colors {
  const plain = pc.createColors(enabled);
  if (!enabled) return plain;
  const sealed = Object.entries(plain).map(([name, style]) =>
    typeof style === 'function' ? [name, sealedStyle(style)] : [name, style],
  );
  return Object.fromEntries(sealed) as Colors;
}

function sealedStyle(style: (text: string) => string): (text: string | number | null | undefined) => string {
  const [open, close] = ours(style('\n')).split('\n');
  // A colour that ends inside another one must not end the outer one.
  return (text) => open + String(text).replaceAll(close, close + open) + close;
}

/** Text of our own, whose colours are kept. */
export function ours(text: string): string {
  return text.replace(COLOR, `\u001b[${SEAL};$1m`);
}

/**
 * Text that may be written to a terminal or to a file for people: control characters are visible, our colours
 * become real.
 */
export function terminalText(text: string): string {
  return passing(text, revealControls);
}

/** Cells of tables: on one line, still to be measured and printed. */
export function cellText(text: string): string {
  return passing(text, revealLine, (code) => `\u001b[${SEAL};${code}m`);
}

/** `text` converted by `show`, except our colour sequences. */
function passing(
  text: string,
  show: (text: string) => string,
  write = (code: string): string => `\u001b[${code}m`,
): string {
  // In a split by an expression with a group, every second part is the group's match.
  return text
    .split(SEALED)
    .map((part, i) => (i % 2 === 0 ? show(part) : write(part)))
    .join('');
}
