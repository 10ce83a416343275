// Token ids as text, piece by piece: there may be more than fit into one string or array.
import { shown } from '../base/schema.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { misuse } from './errors.ts';

/** Number of ids per write, of about a megabyte. */
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

/** Separators of ids: spaces, commas, and the brackets of a JSON list. */
const BETWEEN = /[\s,[\]]+/;

/** Something that knows which ids exist. */
type Ids = Pick<Tokenizer, 'vocabSize' | 'hasToken'>;

/**
 * The ids in a stream of text, in parts as they arrive. Throws a misuse for text that is not the id of a
 * token.
 */
export async function* readIds(
  text: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  tokens: Ids,
): AsyncGenerator<Int32Array> {
  const decoder = new TextDecoder();
  let rest = ''; // a word that may continue in the next piece
  for await (const piece of text) {
    const words = (rest + decoder.decode(piece, { stream: true })).split(BETWEEN);
    rest = words.pop() ?? '';
    yield toIds(words, tokens);
    if (rest.length > 100) throw noId(rest, tokens); // no id is that long: do not collect a whole file
  }
  yield toIds([rest + decoder.decode()], tokens);
}

function toIds(words: readonly string[], tokens: Ids): Int32Array {
  const ids = new Int32Array(words.length);
  let n = 0;
  for (const word of words) {
    if (word === '') continue;
    const id = Number(word);
    if (!(/^\d+$/.test(word) && tokens.hasToken(id))) throw noId(word, tokens);
    ids[n++] = id;
  }
  return ids.subarray(0, n);
}

function noId(word: string, tokens: Ids): Error {
  const { vocabSize } = tokens;
  const id = Number(word);
  if (/^\d+$/.test(word) && id < vocabSize)
    return misuse(`no token has the id ${id}, which lies in a gap: the nearest are ${nearest(id, tokens)}`);
  return misuse(`${shown(word)} is not a token id: they go from 0 to ${vocabSize - 1}`);
}

/** `255 and 257`: the ids of tokens on both sides of an id in a gap. */
function nearest(id: number, tokens: Ids): string {
  let [below, above] = [id, id];
  while (below >= 0 && !tokens.hasToken(below)) below--;
  while (above < tokens.vocabSize && !tokens.hasToken(above)) above++;
  return [below, above].filter((near) => near >= 0 && near < tokens.vocabSize).join(' and ');
}
