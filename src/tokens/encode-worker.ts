// A thread that encodes units. Read next: encode-unit.ts.
import { Tokenizer } from '../tokenizer/index.ts';
import type { TokenizerParts } from '../tokenizer/parts.ts';
import { serveUnits } from './crew.ts';
import { type Encoded, encodeUnit } from './encode-unit.ts';

/** What the thread is told. */
export interface EncodeData {
  parts: TokenizerParts;
  /** The token between documents, if one is put there. */
  separator: number | null;
  /** Whether the text comes back with its tokens. */
  keep: boolean;
}

/** A unit's tokens, and its text where it was kept. */
export interface EncodedText extends Encoded {
  bytes: Uint8Array<ArrayBuffer> | null;
}

serveUnits(({ parts, separator, keep }: EncodeData) => {
  const tokenizer = new Tokenizer(parts);
  return (order) => {
    const result: EncodedText = {
      ...encodeUnit(tokenizer, order, separator),
      bytes: keep ? order.bytes : null,
    };
    return { result, transfer: [result.ids.buffer, ...(keep ? [order.bytes.buffer] : [])] };
  };
});
