// Identifies a file that is not UTF-8 text: by its first bytes, or as text in another encoding. Loaded only
// when needed.
import chardet from 'chardet';
import { fileTypeFromBuffer } from 'file-type';
import { decoderOf } from '../base/decoder.ts';
import { formatCount } from '../base/format.ts';
import { type Damage, describeDamage } from '../text/damage.ts';
import { byteOrderMark, inEncoding, type Problem } from '../text/problem.ts';
import { latinEncoding } from './latin.ts';

/** Bytes examined: enough for any signature and for the statistics of an encoding. */
const SEEN = 1 << 18;

/** Signatures are searched for in this many bytes only. */
const HEADER = 512;

/** Names what `bytes` are. `damage` says why they are not text. */
export async function identify(bytes: Uint8Array, damage: Damage): Promise<Problem> {
  const start = bytes.subarray(0, SEEN);
  const how = describeDamage(damage, bytes.length);
  const mark = byteOrderMark(bytes);
  if (mark) return inEncoding(mark, 'by its byte order mark');
  if (bytes.length < GUESSED_FROM) return { what: `is not text (${how})` };
  // Text in another encoding is hardly ever valid UTF-8; wide code units also contain NULs.
  const wide = damage.invalid.count + damage.nul.count > 0 ? wideEncoding(start) : null;
  if (wide) return inEncoding(wide, 'without a byte order mark');
  const text = textBefore(bytes, damage);
  // A signature of two letters (BM, MZ) may also begin a text, so a longer stretch of text outweighs it.
  const type = text < HEADER ? await fileTypeFromBuffer(start).catch(() => undefined) : undefined;
  if (type) return { what: `is ${nameOf(type)}, not text (${how})` };
  if (text >= TEXT_AT_LEAST) {
    return {
      what: `is text up to byte ${formatCount(text)}, then binary data (${how})`,
      fix: { what: 'take the text of it', command: { line: `head -c ${text}`, kind: 'text' } },
    };
  }
  const encoding = damage.invalid.count > 0 ? byteEncoding(start) : null;
  if (encoding)
    return {
      ...inEncoding(encoding, how),
      what: `looks like ${encoding === 'ISO-8859-1' ? 'ISO-8859-1 (Latin-1)' : encoding} (${how})`,
    };
  return { what: `is binary data, not text (${how})` };
}

/** The fewest bytes from which an encoding is guessed. */
const GUESSED_FROM = 4;

/** The fewest bytes of text before binary data that are mentioned. */
const TEXT_AT_LEAST = 64;

/** Bytes after the text that are examined for binary data. */
const TAIL = 4096;

/** Length of the text that precedes binary data; 0 where the rest may be characters of another encoding. */
function textBefore(bytes: Uint8Array, { invalid, nul, control }: Damage): number {
  const first = Math.min(...[invalid, nul, control].map(({ first }) => (first < 0 ? bytes.length : first)));
  return controlShare(bytes.subarray(first, first + TAIL)) > CONTROLS_AT_MOST ? first : 0;
}

/** The largest share of control characters in a text of any 8-bit encoding. */
const CONTROLS_AT_MOST = 0.005;

function controlShare(bytes: Uint8Array): number {
  const controls = bytes.filter((byte) => byte < 0x20 && ![9, 10, 12, 13, 27].includes(byte));
  return controls.length / bytes.length;
}

const NAMES: Readonly<Record<string, string>> = {
  gz: 'gzip data',
  zip: 'a ZIP archive',
  docx: 'a Word document (docx)',
  xlsx: 'an Excel workbook (xlsx)',
  pptx: 'a PowerPoint presentation (pptx)',
  odt: 'an OpenDocument text',
  epub: 'an EPUB book',
  sqlite: 'an SQLite database',
  cfb: 'an old Microsoft Office document, or another compound file',
};

/** `a PNG image`, `WAV audio`, `an SQLite database`. */
function nameOf({ ext, mime }: { ext: string; mime: string }): string {
  if (ext in NAMES) return NAMES[ext];
  const name = ext.toUpperCase();
  const [kind] = mime.split('/');
  const article = /^[AEFHILMNORSX]/.test(name) ? 'an' : 'a';
  if (kind === 'image') return `${article} ${name} image`;
  if (kind === 'audio') return `${name} audio`;
  if (kind === 'video') return `${article} ${name} video`;
  if (kind === 'font') return `${article} ${name} font`;
  return `${article} ${name} file (${mime})`;
}

const WIDE = ['UTF-32LE', 'UTF-32BE', 'UTF-16LE', 'UTF-16BE'] as const;

/** UTF-16 or UTF-32 without a byte order mark, if the code units decode to characters of a text. */
function wideEncoding(bytes: Uint8Array): (typeof WIDE)[number] | null {
  const fits = WIDE.map((encoding) => ({ encoding, quality: wideQuality(decodeWide(bytes, encoding)) }));
  const [best] = fits.sort((a, b) => b.quality - a.quality);
  return best.quality > 0 ? best.encoding : null;
}

/** The decoded text, or null where a code unit is invalid. */
function decodeWide(bytes: Uint8Array, encoding: (typeof WIDE)[number]): string | null {
  try {
    if (encoding.startsWith('UTF-16'))
      return new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, bytes.length & ~1), {
        stream: true,
      });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length & ~3);
    const units = Array.from({ length: view.byteLength / 4 }, (_, i) =>
      view.getUint32(4 * i, encoding === 'UTF-32LE'),
    );
    return units.map((unit) => String.fromCodePoint(unit)).join('');
  } catch {
    return null; // a lone surrogate, or a number above U+10FFFF
  }
}

/** ASCII, and the punctuation of Chinese and Japanese. */
const COMMON = /[\t\n\r\x20-\x7e\u3000-\u3002\uff01\uff0c\uff1f]/;

/**
 * How much a string looks like text; 0 if it does not. Almost all characters of a text are letters, marks,
 * numbers, punctuation and spaces, and every text has some of COMMON. An 8-bit encoding read in pairs of
 * bytes gives Chinese characters and none of COMMON.
 */
function wideQuality(text: string | null): number {
  const characters = [...(text ?? '')];
  const share = (expression: RegExp): number =>
    characters.filter((c) => expression.test(c)).length / characters.length;
  if (characters.length === 0 || share(/[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\r\n\t]/u) < 0.97) return 0;
  const common = share(COMMON);
  return common >= 0.01 ? common : 0;
}

/**
 * An encoding of one or two bytes per character, guessed from the statistics of the bytes. Null where the
 * bytes are not characters.
 */
function byteEncoding(bytes: Uint8Array): string | null {
  const counts = new Array<number>(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  const share = (of: (byte: number) => boolean): number =>
    counts.reduce((sum, n, byte) => sum + (of(byte) ? n : 0), 0) / bytes.length;
  if (looksLikeEbcdic(share)) return 'EBCDIC';
  if (controlShare(bytes) > CONTROLS_AT_MOST) return null;
  const [best] = chardet.analyse(bytes);
  if (!best) return null;
  const latin = LATIN.has(best.name) || best.confidence <= GUESS_AT_MOST ? latinEncoding(bytes) : null;
  if (latin !== null) return latin;
  return best.confidence > GUESS_AT_MOST ? best.name : (plausibleEncodings(bytes)[0] ?? best.name);
}

/** Of these, chardet knows one from another only in a text of several lines. */
const LATIN: ReadonlySet<string> = new Set([
  ...['ISO-8859-1', 'ISO-8859-2', 'ISO-8859-9', 'windows-1250', 'windows-1252', 'windows-1254'],
  ...['windows-1257', 'windows-1258'],
]);

/** The confidence, of 100, up to which chardet says only that the bytes are possible in an encoding. */
const GUESS_AT_MOST = 10;

/** The usual encodings of Europe before UTF-8, as texts of a few words do not tell which one they are in. */
const USUAL = [
  ...['windows-1252', 'iso-8859-15', 'macintosh', 'ibm866', 'windows-1250', 'iso-8859-2'],
  ...['windows-1251', 'koi8-r', 'windows-1253', 'windows-1254', 'windows-1257'],
] as const;

/** No text has other control characters than white space, nor characters for private use. */
const UNWRITTEN = /[^\P{Cc}\s]|\p{Co}/u;

/**
 * The encodings in which `bytes`, which are not UTF-8, can be text, by their names in the Encoding Standard:
 * the likeliest first, as far as the statistics of the bytes say, then the usual ones. For people to choose.
 */
export function plausibleEncodings(bytes: Uint8Array): string[] {
  const start = bytes.subarray(0, SEEN);
  const ranked = chardet.analyse(start);
  const likely = ranked.filter(({ confidence }) => confidence > GUESS_AT_MOST);
  const names = [...likely, ...USUAL.map((name) => ({ name })), ...ranked].map(({ name }) =>
    standardName(name),
  );
  return [...new Set(names)].filter(
    (name) => name !== null && name !== 'utf-8' && isTextIn(start, name),
  ) as string[];
}

/** `windows-1252` of `ISO-8859-1`; null for an encoding that no browser knows. */
function standardName(name: string): string | null {
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return null;
  }
}

function isTextIn(bytes: Uint8Array, encoding: string): boolean {
  try {
    const text = decoderOf(encoding, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return !UNWRITTEN.test(text);
  } catch {
    return false; // some bytes are no character in it
  }
}

/**
 * EBCDIC (code page 037 and its relatives) has its letters, digits and spaces where other encodings have few.
 */
function looksLikeEbcdic(share: (of: (byte: number) => boolean) => number): boolean {
  const letters = share(
    (byte) => byte >= 0x81 && (byte & 0x0f) >= 1 && (byte & 0x0f) <= 9 && (byte & 0xf0) !== 0xb0,
  );
  const spaces = share((byte) => byte === 0x40);
  const asciiSpaces = share((byte) => byte === 0x20);
  return letters > 0.5 && spaces > 0.05 && spaces < 0.4 && asciiSpaces < 0.01;
}
