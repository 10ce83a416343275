// Whether bytes are text, and what they are where they are not: a picture, an archive, text in another
// encoding.

import { formatAmount, formatCount } from '../base/format.ts';
import { CONTROLS, type Damage, foundDamage, measureDamage } from './damage.ts';
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
 * Up to this share of its bytes a text may be damaged: no UTF-8, NULs or other control characters. A text in
 * Latin-1 or Windows-1252 has a few in a hundred, a damaged download far fewer than one in a thousand.
 */
export const DAMAGE_AT_MOST = 1e-3;

/**
 * Up to this share of control characters, UTF-8 without NULs is a text all the same: a recording of a
 * terminal, say. Random bytes below 128 have 19 %.
 */
const CONTROLS_AT_MOST = 0.1;

/**
 * The text in `bytes`: without its byte order mark, and as UTF-8 where that mark says UTF-16; else what is
 * there instead. A character that was cut at the very end is no damage.
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
  if (document) return { problem: { what: `is ${document}, not text`, fix: () => 'save it as plain text' } };
  if (shiftsCharacterSets(bytes)) return { problem: inEncoding('ISO-2022-JP', 'by its escape sequences') };
  if (mark === null) {
    const damage = measureDamage(bytes);
    if (damage.count === 0) return { bytes };
    if (isSlight(damage, bytes.length)) return { bytes, remark: remarkOf(damage) };
  }
  const { identify } = await import('./identify.ts'); // its libraries are needed for what is no text only
  return { problem: await identify(bytes, measureDamage(bytes)) };
}

function isSlight({ count, invalid, nul, control }: Damage, bytes: number): boolean {
  if (count <= DAMAGE_AT_MOST * bytes) return true;
  return invalid.count + nul.count === 0 && control.count <= Math.max(1, CONTROLS_AT_MOST * bytes);
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

function remarkOf(damage: Damage): Remark {
  const parts = foundDamage(damage);
  const details = parts.map(({ what, count: n, first }) => {
    const place = `${n === 1 ? 'byte' : 'the first is byte'} ${formatCount(first)}`;
    const are = n > 1 ? `are ${what}` : what === CONTROLS ? 'is a control character' : `is ${what}`;
    return `${formatAmount(n, 'byte')} that ${are} (${place})`;
  });
  const taken = damage.count === 1 ? 'taken as it is' : 'taken as they are';
  return {
    kind: `holds some bytes that are ${parts.map(({ what }) => what).join(' or ')}: taken as they are`,
    detail: `holds ${details.join(' and ')}: ${taken}`,
  };
}
