// Token ids as text, part by part: there may be more of them than fit into one string or one array.
import { shown } from '../base/schema.ts';
import { misuse } from './errors.ts';

/** Ids of one write, of about a megabyte. */
const LINE_PART = 2 ** 17;

/** `72 105 261` in pieces, with `separator` between ids. */
export async function* idText(
  parts: AsyncIterable<Int32Array> | Iterable<Int32Array>,
  separator: string,
): AsyncGenerator<string> {
  let before = '';
  for await (const part of parts)
    for (let at = 0; at < part.length; at += LINE_PART) {
      yield before + part.subarray(at, at + LINE_PART).join(separator);
      before = separator;
    }
}

/** What stands between ids: spaces, commas, and the brackets of a JSON list. */
const BETWEEN = /[\s,[\]]+/;

/** The ids below `vocabSize` in a stream of text, in parts as they arrive. Throws a misuse for what is no id. */
export async function* readIds(
  text: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  vocabSize: number,
): AsyncGenerator<Int32Array> {
  const decoder = new TextDecoder();
  let rest = ''; // a word that may go on in the next piece
  for await (const piece of text) {
    const words = (rest + decoder.decode(piece, { stream: true })).split(BETWEEN);
    rest = words.pop() ?? '';
    yield toIds(words, vocabSize);
    if (rest.length > 100) throw noId(rest, vocabSize); // no id is that long: do not gather a whole file
  }
  yield toIds([rest + decoder.decode()], vocabSize);
}

function toIds(words: readonly string[], vocabSize: number): Int32Array {
  const ids = new Int32Array(words.length);
  let n = 0;
  for (const word of words) {
    if (word === '') continue;
    const id = Number(word);
    if (!(/^\d+$/.test(word) && id < vocabSize)) throw noId(word, vocabSize);
    ids[n++] = id;
  }
  return ids.subarray(0, n);
}

function noId(word: string, vocabSize: number): Error {
  return misuse(`${shown(word)} is not a token id: they go from 0 to ${vocabSize - 1}`);
}
