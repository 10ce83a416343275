// A thread that counts the chunks of units, from which merges are learnt. Read next: learn.ts.
import { countChunks, Tokenizer } from '../tokenizer/index.ts';
import type { TokenizerParts } from '../tokenizer/parts.ts';
import { serveUnits } from './crew.ts';

/** The distinct chunks of a unit one after another, in the order in which they first occur. */
export interface CountedChunks {
  bytes: Uint8Array<ArrayBuffer>;
  /** The length of each, and how often it occurs. */
  lengths: Int32Array<ArrayBuffer>;
  copies: Int32Array<ArrayBuffer>;
}

serveUnits((parts: TokenizerParts) => {
  const untrained = new Tokenizer(parts);
  return ({ bytes, own }) => {
    const counts = countChunks(bytes.subarray(0, own), untrained);
    const result: CountedChunks = {
      bytes: new Uint8Array(counts.distinctBytes),
      lengths: new Int32Array(counts.distinct),
      copies: new Int32Array(counts.distinct),
    };
    let [k, at] = [0, 0];
    counts.forEach((chunk, copies) => {
      result.bytes.set(chunk, at);
      result.lengths[k] = chunk.length;
      result.copies[k++] = copies;
      at += chunk.length;
    });
    return { result, transfer: [result.bytes.buffer, result.lengths.buffer, result.copies.buffer] };
  };
});
