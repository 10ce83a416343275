// UTF-8 where bytes need not be text: which bytes are a character, and how to show those that are not.
import { formatCount } from '../base/format.ts';
import { shown } from '../base/schema.ts';
import { visibleByte, visibleCharacter } from '../base/visible.ts';

/**
 * Text as bytes; bytes as they are. A lone surrogate has no UTF-8 form and becomes U+FFFD, as in TextEncoder.
 * Throws one line for anything else.
 */
export function toBytes(text: string | Uint8Array): Uint8Array {
  if (typeof text === 'string') return new TextEncoder().encode(text);
  if (isBytes(text)) return text;
  throw new Error(`text ${shown(text)} is not a text or its bytes`);
}

/** Whether it is a Uint8Array, of this page or of another one. */
export function isBytes(value: unknown): value is Uint8Array {
  return Object(value)[Symbol.toStringTag] === 'Uint8Array';
}

/**
 * UTF-16 units of the longest string that JavaScript engines hold (V8: 2^29 - 24; others at least as many).
 */
const LONGEST_STRING = 2 ** 29 - 24;

/**
 * Bytes as a string; those that are not UTF-8 become U+FFFD, a byte order mark stays. Throws a RangeError for
 * a text that is too long for one string.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new RangeError(
      `${formatCount(bytes.length)} bytes of text are too many for one string, which holds ` +
        `${formatCount(LONGEST_STRING)} characters: take its bytes, or decode it part by part`,
      { cause: error },
    );
  }
}

/**
 * How many bytes (1 to 4) the character at `i` has; 0 if none begins there that is complete and valid
 * (Unicode, table 3-7).
 */
export function characterWidth(bytes: Uint8Array, i: number): number {
  const lead = bytes[i];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const width = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte's range is narrower where overlong forms, surrogates or values above U+10FFFF begin.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (!(bytes[i + 1] >= low && bytes[i + 1] <= high)) return 0;
  for (let k = 2; k < width; k++) if ((bytes[i + k] & 0xc0) !== 0x80) return 0;
  return width;
}

/** Bytes as text: those that are no character, such as part of one, as `\\xE2`. */
export function textOf(bytes: Uint8Array): string {
  return charactersOf(bytes, String);
}

/**
 * A token as one visible line: a space is `␣`, control characters and backslashes are escaped as in
 * JavaScript, and bytes that are not UTF-8 are `\\xE2`.
 */
export function printable(bytes: Uint8Array): string {
  return charactersOf(bytes, visibleCharacter);
}

/** The characters of `bytes`, shown by `show`, and what is none in hexadecimal. */
function charactersOf(bytes: Uint8Array, show: (character: string) => string): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const width = characterWidth(bytes, i);
    out += width === 0 ? visibleByte(bytes[i]) : show(decoder.decode(bytes.subarray(i, i + width)));
    i += Math.max(width, 1);
  }
  return out;
}
