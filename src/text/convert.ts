// Text of another encoding, in UTF-8.
import { concatBytes } from '../base/concat.ts';
import { decoderOf } from '../base/decoder.ts';

/** Bytes decoded at a time, so that no string becomes as long as the text. */
const DECODED_AT_A_TIME = 1 << 24;

/**
 * The text `bytes`, which is in `encoding` (a name that `TextDecoder` knows), in UTF-8. Bytes that are no
 * character in it become U+FFFD; with `fatal` they are refused with a TypeError. Throws a RangeError for a
 * name that nobody knows.
 */
export function toUtf8(
  bytes: Uint8Array,
  encoding: string,
  { fatal = false }: { fatal?: boolean } = {},
): Uint8Array {
  const decoder = decoderOf(encoding, { ignoreBOM: true, fatal });
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += DECODED_AT_A_TIME) {
    const stream = at + DECODED_AT_A_TIME < bytes.length;
    parts.push(encoder.encode(decoder.decode(bytes.subarray(at, at + DECODED_AT_A_TIME), { stream })));
  }
  return concatBytes(parts);
}
