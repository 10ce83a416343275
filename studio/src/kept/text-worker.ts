// Looks through texts in a thread of its own: a hundred megabytes take seconds.
import {
  checkText,
  type Identify,
  type Problem,
  type Remark,
  type TextFacts,
  textFacts,
  textOddities,
  toUtf8,
} from 'inkhorn';

/** An encoding in which bytes may be text, and what their odd characters are in it. */
export interface Reading {
  encoding: string;
  preview: string;
}

/**
 * What is known of a text; or why the bytes are none, and the encodings in which they are, the likeliest
 * first.
 */
export type Inspected =
  | { problem: string; readings: readonly Reading[] }
  | { bytes: Uint8Array; remark: Remark | null; facts: Omit<TextFacts, 'first'>; odd: string[] };

export interface Ask {
  number: number;
  bytes: Uint8Array;
  /** Whether a text in another encoding is converted to UTF-8: from the likeliest one, or this one. */
  convert: boolean | string;
}

declare const self: {
  onmessage: ((event: MessageEvent<Ask>) => void) | null;
  postMessage(answer: { number: number; inspected: Inspected }, transfer: Transferable[]): void;
};

self.onmessage = async ({ data: { number, bytes, convert } }): Promise<void> => {
  const inspected = await inspect(bytes, convert);
  const transfer = 'bytes' in inspected ? [inspected.bytes.buffer as ArrayBuffer] : [];
  self.postMessage({ number, inspected }, transfer);
};

async function inspect(raw: Uint8Array, convert: boolean | string): Promise<Inspected> {
  const checked = await checkText(raw, identify);
  if (!('problem' in checked)) return described(checked.bytes, checked.remark ?? null);
  const { what, fix, encoding: guess } = checked.problem;
  const refused = { problem: fix ? `${what}: ${wordsOf(fix)}` : what, readings: [] };
  if (guess === undefined) return refused;
  if (convert === false) {
    const readings = await readingsOf(raw, guess);
    return readings.length > 0 ? { problem: what, readings } : refused;
  }
  const chosen = convert === true ? guess : convert;
  const utf8 = decoded(raw, chosen);
  if (!utf8) return convert === true ? refused : { problem: `is not text in ${chosen}`, readings: [] };
  const how = convert === true ? `${what}: converted` : `is converted from ${chosen}`;
  return described(utf8, { kind: `${how} to UTF-8` });
}

/** Bytes at the beginning of a text by which encodings are told apart. */
const PREVIEWED = 1 << 16;

/** The text in each encoding that it may be in, the guessed one first. Those that agree are one. */
async function readingsOf(raw: Uint8Array, guess: string): Promise<Reading[]> {
  const { plausibleEncodings } = await import('inkhorn/identify');
  const known = new Map<string, string>();
  for (const encoding of [guess, ...plausibleEncodings(raw)]) {
    const text = beginningIn(raw.subarray(0, PREVIEWED), encoding);
    if (text !== null && !known.has(text)) known.set(text, new TextDecoder(encoding).encoding);
  }
  return Array.from(known, ([text, encoding]) => ({ encoding, preview: oddWords(text) }));
}

function beginningIn(bytes: Uint8Array, encoding: string): string | null {
  try {
    const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes, { stream: true });
  } catch {
    return null; // some bytes are no character in it, or the browser does not know it
  }
}

/** Characters of a preview, and of a word in it. */
const PREVIEW = 90;
const WORD = 24;

/** The first different words with characters beyond ASCII: `Grüße · für · Söhne`. */
function oddWords(text: string): string {
  const words = new Set<string>();
  let length = 0;
  for (const [word] of text.matchAll(/\S*\P{ASCII}\S*/gu)) {
    const shown = word.slice(0, WORD);
    if (words.has(shown)) continue;
    length += shown.length + 3;
    if (length > PREVIEW && words.size > 0) break;
    words.add(shown);
  }
  return [...words].join(' · ');
}

/** Loads its libraries only for bytes that are not text. */
const identify: Identify = async (bytes, damage) =>
  (await import('inkhorn/identify')).identify(bytes, damage);

/** The text in UTF-8; null where the browser does not know the encoding, or the bytes are not in it. */
function decoded(raw: Uint8Array, encoding: string): Uint8Array | null {
  try {
    return toUtf8(raw, encoding, { fatal: true });
  } catch {
    return null;
  }
}

function wordsOf({ what, command }: NonNullable<Problem['fix']>): string {
  return command ? `${what} with ${command.line}` : what;
}

function described(text: Uint8Array, remark: Remark | null): Inspected {
  const bytes = text.slice(); // of their own, so that they can be handed over
  const { first: _, ...facts } = textFacts(bytes, 0);
  return { bytes, remark, facts, odd: textOddities(bytes) };
}
