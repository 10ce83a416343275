// The border between our words and the terminal: colours of ours pass, control characters of anything else
// are written out. All that the command line prints goes through `terminalText`.
import { randomInt } from 'node:crypto';
import pc from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import { revealControls, revealLine } from '../../base/controls.ts';

/**
 * Sequences of ours begin with these numbers, which nobody else knows: what a text, the name of a file or a
 * model brings along cannot pass for a colour. A terminal never sees them. Four digits each, as measures of
 * width expect.
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
  // A colour that ends inside another one must not end that, too.
  return (text) => open + String(text).replaceAll(close, close + open) + close;
}

/** Text of our own making, whose colours are meant. */
export function ours(text: string): string {
  return text.replace(COLOR, `\u001b[${SEAL};$1m`);
}

/**
 * What may be written to a terminal, or to a file that people read: control characters are visible, our
 * colours are colours.
 */
export function terminalText(text: string): string {
  return passing(text, revealControls);
}

/** Cells of tables: the same on one line, still to be measured and printed. */
export function cellText(text: string): string {
  return passing(text, revealLine, (code) => `\u001b[${SEAL};${code}m`);
}

/** `text` as `show` makes it, but for the sequences of ours between. */
function passing(
  text: string,
  show: (text: string) => string,
  write = (code: string): string => `\u001b[${code}m`,
): string {
  // Of a split by an expression with a group, every second part is what the group held.
  return text
    .split(SEALED)
    .map((part, i) => (i % 2 === 0 ? show(part) : write(part)))
    .join('');
}
