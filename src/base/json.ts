// JSON documents from files: bytes -> text -> limits -> value -> checked value. All reading of JSON files
// happens here. Read next: schema.ts, which says what a file may hold.

import { revealLine } from './controls.ts';
import { kindOf } from './first-bytes.ts';
import { formatCount } from './format.ts';
import { type Schema, shown } from './schema.ts';

/**
 * Limits checked before a document is parsed: a few bytes of brackets can ask for gigabytes of empty lists.
 */
export interface JsonLimits {
  /** Length of the document. */
  bytes?: number;
  /** Lists and objects inside each other. */
  depth?: number;
  /** Numbers, texts, lists and objects in all. */
  values?: number;
}

/** Enough for every document of ours except histories and vocabularies, which set their own limits. */
const DEFAULTS: Required<JsonLimits> = { bytes: 64e6, depth: 32, values: 2e6 };

/** The largest size in bytes within `limits`: a longer file need not be read. */
export function bytesAtMost({ bytes = DEFAULTS.bytes }: JsonLimits = {}): number {
  return bytes;
}

/**
 * The checked contents of the document `source`. `file` is its path, for errors. Throws one line that names
 * the file, the field, its value and what was expected: `runs/a/last/training.json: progress.step is null:
 * expected a whole number >= 0`.
 */
export function readJson<T>(
  source: Uint8Array | string,
  file: string,
  schema: Schema<T>,
  limits: JsonLimits = {},
): T {
  try {
    return schema(parseJson(source, limits));
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * `JSON.parse` for documents from elsewhere. `what` names the document in errors. Throws one line when the
 * document is not UTF-8 or not JSON, is cut off, exceeds a limit, or has a key twice (`JSON.parse` would
 * silently keep the last).
 */
export function parseJson(source: Uint8Array | string, limits: JsonLimits = {}, what = 'the file'): unknown {
  const { bytes, depth, values } = { ...DEFAULTS, ...limits };
  if (source.length > bytes)
    throw new Error(
      `${what} has ${formatCount(source.length)} bytes: at most ${formatCount(bytes)} are read`,
    );
  const text = typeof source === 'string' ? source : decode(source, what);
  if (text.trim() === '') throw new Error(`${what} is empty`);
  if (!/^\s*[[{]/.test(text)) refuseKind(new TextEncoder().encode(text.slice(0, SEEN)), what);
  scan(text, { depth, values }, what);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${what} is not valid JSON: ${oneLine((error as Error).message)}`);
  }
}

/** The bytes of a JSON file: UTF-8, with a line feed at the end. */
export function jsonBytes(value: unknown, indent = 0): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, indent)}\n`);
}

/** Characters by which a kind of file is known. */
const SEEN = 512;

/** Throws if the bytes are a file of another kind. */
function refuseKind(bytes: Uint8Array, what: string): void {
  const kind = kindOf(bytes);
  if (kind !== null && kind !== 'text') throw new Error(`${what} is not valid JSON: it is ${kind}`);
}

function decode(bytes: Uint8Array, what: string): string {
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))
    throw new Error(`${what} is UTF-16: save it as UTF-8`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes); // also removes a byte order mark
  } catch {
    refuseKind(bytes, what);
    throw new Error(`${what} is not valid JSON: not even UTF-8 text`);
  }
}

/**
 * One pass over the text before anything is built from it. Checks depth, number of values, repeated keys and
 * a missing end.
 */
function scan(text: string, limits: { depth: number; values: number }, what: string): void {
  const open: (Set<string> | null)[] = []; // the keys so far of each open object; null for a list
  let values = 1;
  let i = 0;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === BRACE || c === BRACKET) {
      if (open.length === limits.depth)
        throw new Error(
          `${what} has more than ${limits.depth} lists and objects inside each other: no file of its kind has`,
        );
      open.push(c === BRACE ? new Set() : null);
      values++;
    } else if (c === END_BRACE || c === END_BRACKET) {
      open.pop();
    } else if (c === COMMA) {
      values++;
    } else if (c === QUOTE) {
      const start = i;
      i = endOfString(text, start);
      const keys = open.at(-1);
      if (keys && followedByColon(text, i)) noteKey(keys, text.slice(start, i + 1), what);
    }
    if (values > limits.values)
      throw new Error(`${what} has more than ${formatCount(limits.values)} values: no file of its kind has`);
  }
  if (open.length > 0 || i > text.length) {
    throw new Error(
      `${what} is not valid JSON: cut off after ${formatCount(text.length)} characters, in the middle of a value`,
    );
  }
}

const [BRACE, END_BRACE, BRACKET, END_BRACKET, COMMA, QUOTE, BACKSLASH] = [...'{}[],"\\'].map((c) =>
  c.charCodeAt(0),
);

/**
 * The place of the closing quote of the string that begins at `start`; the length of the text where there is
 * none.
 */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function followedByColon(text: string, end: number): boolean {
  let next = end + 1;
  while (' \t\n\r'.includes(text[next] ?? '-')) next++;
  return text[next] === ':';
}

function noteKey(keys: Set<string>, quoted: string, what: string): void {
  let key = quoted.slice(1, -1);
  try {
    if (key.includes('\\')) key = JSON.parse(quoted);
  } catch {
    return; // JSON.parse has the better message
  }
  if (keys.has(key))
    throw new Error(`${shown(key)} occurs twice in ${what}: which one is meant cannot be known`);
  keys.add(key);
}

/** A parser's message may quote the file, with its line breaks and control characters. */
function oneLine(message: string): string {
  const escaped = revealLine(message.replace(/\s+/g, ' '));
  return escaped.length > 160 ? `${escaped.slice(0, 157)}...` : escaped;
}
