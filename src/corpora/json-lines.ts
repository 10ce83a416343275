// JSON Lines: one object per line, of which a field holds the text of a document.
import { formatCount } from '../base/format.ts';
import { excerpt } from '../base/schema.ts';
import { decodeText } from '../tokenizer/utf8.ts';
import type { DocumentPart } from './corpus.ts';

/** A longer line is no document. */
const LONGEST = 2 ** 28;

/**
 * The texts of `field`, a document for each line; empty lines are skipped. Throws one line about the line
 * that is no object in JSON, lacks the field, or is cut off.
 */
export async function* jsonTexts(
  parts: AsyncIterable<Uint8Array>,
  field: string,
  name: string,
): AsyncGenerator<DocumentPart> {
  let number = 0;
  for await (const line of linesOf(parts, name)) {
    number++;
    const text = textIn(line, field, `${name}, line ${formatCount(number)}`);
    if (text) yield { bytes: text, ends: true };
  }
}

function textIn(line: Uint8Array, field: string, where: string): Uint8Array | null {
  const text = decodeText(line).trim();
  if (text === '') return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error(`${where} is not JSON: ${excerpt(text)}`);
  }
  const value = Object(parsed)[field];
  if (typeof value === 'string') return new TextEncoder().encode(value);
  const fields = Object.keys(Object(parsed)).slice(0, 8).join(', ');
  throw new Error(
    value === undefined
      ? `${where} has no field '${field}': it has ${fields || 'none'}`
      : `${where}: field '${field}' is no text, but ${excerpt(value)}`,
  );
}

async function* linesOf(parts: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array[] = [];
  let length = 0;
  const line = (end: Uint8Array): Uint8Array => {
    if (begun.length === 0) return end;
    const whole = Buffer.concat([...begun, end]);
    begun = [];
    length = 0;
    return whole;
  };
  for await (const part of parts) {
    let from = 0;
    for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, from)) {
      yield line(part.subarray(from, at));
      from = at + 1;
    }
    if (from === part.length) continue;
    begun.push(part.slice(from));
    length += part.length - from;
    if (length > LONGEST)
      throw new Error(`${name} has a line of more than ${formatCount(LONGEST)} bytes: it is not JSON Lines`);
  }
  if (begun.length > 0) yield line(new Uint8Array(0));
}

const LINE_FEED = 0x0a;
