// From tokens to text, one token at a time. Where a token ends inside a character, its bytes wait for the
// next token.

/** Text as it becomes complete. */
export interface StreamDecoder {
  /** The characters that token `id` completes, often none. Throws when `id` is not in the vocabulary. */
  push(id: number): string;
  /** As `push`, for bytes, such as the rest of a token whose beginning is already known. */
  pushBytes(bytes: Uint8Array): string;
  /**
   * The rest: U+FFFD for an unfinished character, or nothing. Afterwards the decoder is ready for the next
   * text.
   */
  flush(): string;
}

/**
 * A decoder whose results, joined, are the text that `decode` gives for the same ids. `bytesOf` gives the
 * bytes of a token.
 */
export function makeStreamDecoder(bytesOf: (id: number) => Uint8Array): StreamDecoder {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const pushBytes = (bytes: Uint8Array): string => decoder.decode(bytes, { stream: true });
  return {
    push: (id) => pushBytes(bytesOf(id)),
    pushBytes,
    flush: () => decoder.decode(),
  };
}
