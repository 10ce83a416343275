// From tokens to text one token at a time. A token may end inside a character: its bytes wait for the next
// one.

/** Text as it becomes complete. */
export interface StreamDecoder {
  /** The characters that token `id` completes, often none. Throws when `id` is not in the vocabulary. */
  push(id: number): string;
  /** The same for bytes, such as the rest of a token whose beginning is known. */
  pushBytes(bytes: Uint8Array): string;
  /** What is left: an unfinished character as U+FFFD, or nothing. Ready for the next text afterwards. */
  flush(): string;
}

/**
 * All that `push` and then `flush` return, joined, is the text that `decode` gives for the same ids.
 * `bytesOf`: the bytes of a token.
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
