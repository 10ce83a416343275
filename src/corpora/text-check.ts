// Whether bytes are text, and what they are where they are not: a picture, an archive, text in another encoding.

import { isUtf8 } from 'node:buffer';
import { formatAmount, formatCount } from '../base/format.ts';
import { characterWidth } from '../tokenizer/utf8.ts';
import { byteOrderMark, inEncoding, type Problem } from './problem.ts';

/** What was found in the bytes of one file. */
export type Checked =
  /** Text, in UTF-8; `remark` is set where something about it should be said. */
  | { bytes: Uint8Array; remark?: Remark }
  /** No text: what it is instead, and what makes text of it. */
  | { problem: Problem };

/** Something that is said about a text that is taken all the same. */
export interface Remark {
  /** The same words for every file of the kind: `begins with a byte order mark, which is left out`. */
  kind: string;
  /** About this very file: how many bytes, where the first is. */
  detail?: string;
}

/** Files that are no text. */
export class NotText extends Error {
  override name = 'NotText';
  /** What they are, and what would make text of them. */
  readonly finding: string;

  constructor(finding: string) {
    super(`${finding}; asBytes: true takes the bytes as they are`);
    this.finding = finding;
  }
}

/**
 * Up to this share of its bytes a text may be damaged: no UTF-8, NULs or other control characters. A text in Latin-1 or
 * Windows-1252 has a few in a hundred, a damaged download far fewer than one in a thousand.
 */
export const DAMAGE_AT_MOST = 1e-3;

/**
 * The text in `bytes`: without its byte order mark, and as UTF-8 where that mark says UTF-16; else what is there instead. A
 * character that was cut at the very end is no damage.
 */
export async function checkText(bytes: Uint8Array): Promise<Checked> {
  const mark = byteOrderMark(bytes);
  if (mark === 'UTF-8')
    return afterMark(bytes.subarray(3), 'begins with a byte order mark, which is left out');
  if (mark === 'UTF-16LE' || mark === 'UTF-16BE') {
    const kind = `is ${mark} by its byte order mark: converted to UTF-8`;
    const text = utf8Of(bytes.subarray(2), mark);
    if (replaced(text) <= DAMAGE_AT_MOST * text.length) return afterMark(text, kind);
    return { problem: { what: `begins with the byte order mark of ${mark}, but is not text in it` } };
  }
  const document = documentKind(bytes);
  if (document) return { problem: { what: `is ${document}, not text`, fix: 'save it as plain text' } };
  if (shiftsCharacterSets(bytes)) return { problem: inEncoding('ISO-2022-JP', 'by its escape sequences') };
  if (mark === null) {
    const damage = measureDamage(bytes);
    if (damage.count === 0) return { bytes };
    if (damage.count <= DAMAGE_AT_MOST * bytes.length) return { bytes, remark: remarkOf(damage) };
  }
  const { identify } = await import('./identify.ts'); // its libraries are needed for what is no text only
  return { problem: await identify(bytes, describe(measureDamage(bytes), bytes.length)) };
}

async function afterMark(bytes: Uint8Array, kind: string): Promise<Checked> {
  const checked = await checkText(bytes);
  if ('problem' in checked) return checked;
  const more = checked.remark?.detail ?? checked.remark?.kind;
  return { bytes: checked.bytes, remark: { kind, ...(more ? { detail: `${kind}; ${more}` } : {}) } };
}

/** Code units are decoded this many bytes at a time: a string must not become as long as the text. */
const DECODED_AT_A_TIME = 1 << 24;

function utf8Of(bytes: Uint8Array, encoding: 'UTF-16LE' | 'UTF-16BE'): Uint8Array {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += DECODED_AT_A_TIME) {
    const stream = at + DECODED_AT_A_TIME < bytes.length;
    parts.push(Buffer.from(decoder.decode(bytes.subarray(at, at + DECODED_AT_A_TIME), { stream })));
  }
  return Buffer.concat(parts);
}

/** How many characters of a text were none and became U+FFFD. */
function replaced(utf8: Uint8Array): number {
  let count = 0;
  for (let i = utf8.indexOf(0xef); i >= 0; i = utf8.indexOf(0xef, i + 1))
    if (utf8[i + 1] === 0xbf && utf8[i + 2] === 0xbd) count++;
  return count;
}

/** Documents that begin like text and are none. */
const DOCUMENTS = [
  ['%PDF-', 'a PDF document'],
  ['{\\rtf', 'an RTF document'],
  ['%!PS', 'a PostScript document'],
] as const;

function documentKind(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 8));
  return DOCUMENTS.find(([magic]) => start.startsWith(magic))?.[1];
}

/** ISO-2022-JP is ASCII throughout, and says by escape sequences where Japanese characters begin. */
function shiftsCharacterSets(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.includes(0x1b) && (view.includes('\x1b$B') || view.includes('\x1b$@'));
}

/** What is in a text that does not belong there, by kind, with the byte of the first. */
interface Damage {
  /** All of them. */
  count: number;
  invalid: { count: number; first: number };
  nul: { count: number; first: number };
  control: { count: number; first: number };
}

function measureDamage(bytes: Uint8Array): Damage {
  const none = (): { count: number; first: number } => ({ count: 0, first: -1 });
  const [invalid, nul, control] = [none(), none(), none()];
  const add = (to: { count: number; first: number }, at: number): void => {
    if (to.count++ === 0) to.first = at;
  };
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte < 0x20 && NO_TEXT[byte] === 1) add(byte === 0 ? nul : control, i);
  }
  if (!isUtf8(bytes)) {
    const end = bytes.length - cutCharacter(bytes);
    for (let i = 0; i < end; ) {
      const width = characterWidth(bytes, i);
      if (width === 0) add(invalid, i);
      i += Math.max(width, 1);
    }
  }
  return { count: invalid.count + nul.count + control.count, invalid, nul, control };
}

/** Control characters that texts do not have; tabs, line and page breaks, backspaces and escapes they do. */
const NO_TEXT = Uint8Array.from({ length: 32 }, (_, byte) =>
  [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1a, 0x1b].includes(byte) ? 0 : 1,
);

/** Bytes of a character that begins at the end and is cut off there: 0 to 3. */
function cutCharacter(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const lead = bytes[bytes.length - length];
    if ((lead & 0xc0) === 0x80) continue;
    const needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    return needs > length && length < bytes.length ? length : 0;
  }
  return 0;
}

/** The kinds of damage, in the words for them. */
function found({ invalid, nul, control }: Damage): { what: string; count: number; first: number }[] {
  const kinds = [
    { what: 'not UTF-8', ...invalid },
    { what: 'NUL', ...nul },
    { what: 'control characters', ...control },
  ];
  return kinds.filter(({ count }) => count > 0);
}

function remarkOf(damage: Damage): Remark {
  const parts = found(damage);
  const details = parts.map(
    ({ what, count: n, first }) =>
      `${formatAmount(n, 'byte')} that ${n === 1 ? 'is' : 'are'} ${what} (${n === 1 ? 'byte' : 'the first is byte'} ${formatCount(first)})`,
  );
  return {
    kind: `holds some bytes that are ${parts.map(({ what }) => what).join(' or ')}: taken as they are`,
    detail: `holds ${details.join(' and ')}: taken as they are`,
  };
}

/** `14 % of its bytes are not UTF-8, from byte 6 on`: the kind of damage that there is most of. */
function describe(damage: Damage, bytes: number): string {
  const [most] = found(damage).sort((a, b) => b.count - a.count);
  if (!most) return '';
  const share = `${Number(((100 * most.count) / bytes).toPrecision(2))} %`;
  return `${share} of its bytes are ${most.what}, from byte ${formatCount(most.first)} on`;
}
