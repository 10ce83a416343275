// Counts what a text should not contain: bytes that are not UTF-8, NULs, control characters.
import { formatCount } from '../base/format.ts';
import { characterWidth } from '../tokenizer/utf8.ts';

/** What a text should not contain, by kind, with the place of the first byte. */
export interface Damage {
  /** The number of them. */
  count: number;
  invalid: { count: number; first: number };
  nul: { count: number; first: number };
  control: { count: number; first: number };
}

/** Counts the damage. A character that is cut off at the very end does not count. */
export function measureDamage(bytes: Uint8Array): Damage {
  const none = (): { count: number; first: number } => ({ count: 0, first: -1 });
  const [invalid, nul, control] = [none(), none(), none()];
  const add = (to: { count: number; first: number }, at: number): void => {
    if (to.count++ === 0) to.first = at;
  };
  const end = bytes.length - unfinishedCharacter(bytes);
  for (let i = 0; i < end; ) {
    const byte = bytes[i];
    if (byte < 0x80) {
      if (byte < 0x20 && NO_TEXT[byte] === 1) add(byte === 0 ? nul : control, i);
      i++;
      continue;
    }
    const width = characterWidth(bytes, i);
    if (width === 0) add(invalid, i);
    i += Math.max(width, 1);
  }
  return { count: invalid.count + nul.count + control.count, invalid, nul, control };
}

/**
 * Control characters that texts do not contain. Texts may contain tabs, line and page breaks, backspaces and
 * escapes.
 */
const NO_TEXT = Uint8Array.from({ length: 32 }, (_, byte) =>
  [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1a, 0x1b].includes(byte) ? 0 : 1,
);

/** Number of bytes (0 to 3) of an unfinished character at the end. */
export function unfinishedCharacter(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const lead = bytes[bytes.length - length];
    if ((lead & 0xc0) === 0x80) continue;
    const needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    return needs > length && length < bytes.length ? length : 0;
  }
  return 0;
}

/** The word for one of the kinds. */
export const CONTROLS = 'control characters';

/** The kinds of damage that were found, as words. */
export function foundDamage({
  invalid,
  nul,
  control,
}: Damage): { what: string; count: number; first: number }[] {
  const kinds = [
    { what: 'not UTF-8', ...invalid },
    { what: 'NUL', ...nul },
    { what: CONTROLS, ...control },
  ];
  return kinds.filter(({ count }) => count > 0);
}

/** The most frequent kind of damage: `14 % of its bytes are not UTF-8, from byte 6 on`. */
export function describeDamage(damage: Damage, bytes: number): string {
  const [most] = foundDamage(damage).sort((a, b) => b.count - a.count);
  if (!most) return '';
  const share = `${Number(((100 * most.count) / bytes).toPrecision(2))} %`;
  return `${share} of its bytes are ${most.what}, from byte ${formatCount(most.first)} on`;
}
