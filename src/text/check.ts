// Decides whether bytes are text, and if not, what they are: a picture, an archive, text in another encoding.

import { formatAmount, formatCount } from '../base/format.ts';
import { toUtf8 } from './convert.ts';
import { CONTROLS, type Damage, describeDamage, foundDamage, measureDamage } from './damage.ts';
import { byteOrderMark, inEncoding, type Problem } from './problem.ts';

/** The result of checking one file. */
export type Checked =
  /** Text, in UTF-8. `remark` is set where something should be said about it. */
  | { bytes: Uint8Array; remark?: Remark }
  /** Not text: what it is instead, and how to make text of it. */
  | { problem: Problem };

/** Names what bytes that are not text are. `damage` says why they are not. */
export type Identify = (bytes: Uint8Array, damage: Damage) => Promise<Problem>;

/** A remark about a text that is accepted nevertheless. */
export interface Remark {
  /** The same words for all files of this kind: `begins with a byte order mark, which is left out`. */
  kind: string;
  /** What concerns this file only: how many bytes, where the first one is. */
  detail?: string;
}

/**
 * The largest damaged share of a text's bytes: not UTF-8, NULs or other control characters. A text in Latin-1
 * or Windows-1252 has a few per cent, a damaged download far less than one in a thousand.
 */
export const DAMAGE_AT_MOST = 1e-3;

/**
 * The largest share of control characters in valid UTF-8 without NULs, such as a recording of a terminal.
 * Random bytes below 128 have 19 %.
 */
const CONTROLS_AT_MOST = 0.1;

/**
 * The text in `bytes`: without its byte order mark, and converted to UTF-8 where the mark says UTF-16. If
 * they are not text: what they are, as far as `identify` knows; it is asked only then. A character that is
 * cut off at the very end is no damage.
 */
export async function checkText(bytes: Uint8Array, identify: Identify = unnamed): Promise<Checked> {
  const mark = byteOrderMark(bytes);
  if (mark === 'UTF-8')
    return afterMark(bytes.subarray(3), 'begins with a byte order mark, which is left out', identify);
  if (mark === 'UTF-16LE' || mark === 'UTF-16BE') {
    const kind = `is ${mark} by its byte order mark: converted to UTF-8`;
    const text = toUtf8(bytes.subarray(2), mark);
    if (replaced(text) <= DAMAGE_AT_MOST * text.length) return afterMark(text, kind, identify);
    return { problem: { what: `begins with the byte order mark of ${mark}, but is not text in it` } };
  }
  const document = documentKind(bytes);
  if (document)
    return { problem: { what: `is ${document}, not text`, fix: { what: 'save it as plain text' } } };
  if (shiftsCharacterSets(bytes)) return { problem: inEncoding('ISO-2022-JP', 'by its escape sequences') };
  if (mark === null) {
    const damage = measureDamage(bytes);
    if (damage.count === 0) return { bytes };
    if (isSlight(damage, bytes.length)) return { bytes, remark: remarkOf(damage) };
  }
  return { problem: await identify(bytes, measureDamage(bytes)) };
}

function isSlight({ count, invalid, nul, control }: Damage, bytes: number): boolean {
  if (count <= DAMAGE_AT_MOST * bytes) return true;
  return invalid.count + nul.count === 0 && control.count <= Math.max(1, CONTROLS_AT_MOST * bytes);
}

async function unnamed(bytes: Uint8Array, damage: Damage): Promise<Problem> {
  const mark = byteOrderMark(bytes);
  if (mark) return inEncoding(mark, 'by its byte order mark');
  const what = `is not text in UTF-8 (${describeDamage(damage, bytes.length)})`;
  const foreign = damage.invalid.count > damage.nul.count + damage.control.count;
  return foreign ? { what, fix: { what: 'if it is text, save it as UTF-8' } } : { what };
}

async function afterMark(bytes: Uint8Array, kind: string, identify: Identify): Promise<Checked> {
  const checked = await checkText(bytes, identify);
  if ('problem' in checked) return checked;
  const more = checked.remark?.detail ?? checked.remark?.kind;
  return { bytes: checked.bytes, remark: { kind, ...(more ? { detail: `${kind}; ${more}` } : {}) } };
}

/** Number of U+FFFD that stand for invalid characters. */
function replaced(utf8: Uint8Array): number {
  let count = 0;
  for (let i = utf8.indexOf(0xef); i >= 0; i = utf8.indexOf(0xef, i + 1))
    if (utf8[i + 1] === 0xbf && utf8[i + 2] === 0xbd) count++;
  return count;
}

/** Documents that begin like text but are not. */
const DOCUMENTS = [
  ['%PDF-', 'a PDF document'],
  ['{\\rtf', 'an RTF document'],
  ['%!PS', 'a PostScript document'],
] as const;

function documentKind(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 8));
  return DOCUMENTS.find(([magic]) => start.startsWith(magic))?.[1];
}

/**
 * ISO-2022-JP is pure ASCII and marks Japanese characters by escape sequences. Other bytes have them by
 * chance.
 */
function shiftsCharacterSets(bytes: Uint8Array): boolean {
  // ESC $ B, and ESC $ @
  for (let i = bytes.indexOf(0x1b); i >= 0; i = bytes.indexOf(0x1b, i + 1))
    if (bytes[i + 1] === 0x24 && (bytes[i + 2] === 0x42 || bytes[i + 2] === 0x40))
      return bytes.every((byte) => byte !== 0 && byte < 0x80);
  return false;
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
