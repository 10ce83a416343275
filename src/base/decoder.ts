// Decoding of encodings other than UTF-8.

/** Characters of the bytes 0x80 to 0x9F in windows-1252 (https://encoding.spec.whatwg.org/#windows-1252). */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

export interface Decoder {
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}

/**
 * A `TextDecoder` that decodes windows-1252, also by its other names such as latin1, as the Encoding Standard
 * says: that of some versions of Node, such as 20, leaves its quotation marks and dashes as control
 * characters. Throws a RangeError for a name that nobody knows.
 */
export function decoderOf(encoding: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): Decoder {
  const decoder = new TextDecoder(encoding, options);
  if (decoder.encoding !== 'windows-1252') return decoder;
  return {
    decode: (bytes, how) =>
      decoder.decode(bytes, how).replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]),
  };
}
