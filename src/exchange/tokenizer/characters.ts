// nanoGPT's `meta.pkl` numbers the characters of a text. The tokenizer of such a model has its characters
// with their numbers, and behind them what a tokenizer of bytes needs besides: the other bytes, and the
// beginnings of characters of several bytes. Read next: read.ts, ../fill.ts.
import { excerpt } from '../../base/schema.ts';
import { type Merge, Tokenizer } from '../../tokenizer/index.ts';
import { characterWidth } from '../../tokenizer/utf8.ts';

/** Whether the value of a pickle is that of `meta.pkl`. */
export function isCharacters(value: unknown): value is Map<unknown, unknown> {
  return value instanceof Map && value.get('stoi') instanceof Map && value.has('itos');
}

/**
 * The tokenizer of the characters in `meta`. Throws when they are no whole characters, or not numbered from 0
 * on.
 */
export function characterTokenizer(meta: ReadonlyMap<unknown, unknown>): Tokenizer {
  const characters = inOrder(meta.get('stoi') as ReadonlyMap<unknown, unknown>);
  let next = characters.length; // the id of the next token that is no character
  const ids = Array.from({ length: 256 }, () => -1);
  const merges: Merge[] = [];
  const known = new Map<string, number>(); // number of the token, by the pair that makes it
  const spelled = characters.map((character) => new TextEncoder().encode(character));
  spelled.forEach((bytes, id) => {
    if (bytes.length === 1) ids[bytes[0]] = id;
  });
  // 0xFF, which is in no character, comes first: it tells where the characters end.
  for (let byte = 255; byte >= 0; byte--) if (ids[byte] < 0) ids[byte] = next++;
  spelled.forEach((bytes, id) => {
    let number = bytes[0];
    for (let k = 1; k < bytes.length; k++) {
      const pair: Merge = [number, bytes[k]];
      const key = pair.join();
      number = known.get(key) ?? 256 + merges.length;
      if (known.has(key)) continue;
      known.set(key, number);
      merges.push(pair);
      ids.push(k === bytes.length - 1 ? id : next++);
    }
  });
  return new Tokenizer({ merges, ids: Int32Array.from(ids) });
}

function inOrder(stoi: ReadonlyMap<unknown, unknown>): string[] {
  const characters: string[] = [];
  for (const [character, id] of stoi) {
    if (typeof character !== 'string' || [...character].length !== 1 || /\p{Cs}/u.test(character))
      throw new Error(`${excerpt(character)} is not a character, which nanoGPT's stoi numbers`);
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= stoi.size)
      throw new Error(
        `character ${excerpt(character)} has number ${excerpt(id)}: ${stoi.size} are numbered from 0`,
      );
    if (characters[id as number] !== undefined)
      throw new Error(
        `number ${id} is that of two characters, ${excerpt(characters[id as number])} and ${excerpt(character)}`,
      );
    characters[id as number] = character;
  }
  if (characters.length === 0) throw new Error('stoi is empty: expected characters and their numbers');
  return characters;
}

/**
 * Whether the tokenizer is one of `size` characters, with nothing behind them but other bytes, 0xFF first,
 * and beginnings of characters.
 */
export function isOfCharacters(tokenizer: Tokenizer, size: number): boolean {
  const { vocabSize } = tokenizer;
  if (vocabSize <= size || tokenizer.specialTokens.size > 0) return false;
  return Array.from({ length: vocabSize }, (_, id) => id).every((id) => {
    const bytes = tokenizer.token(id);
    const whole = characterWidth(bytes, 0) === bytes.length;
    if (id === size) return bytes.length === 1 && bytes[0] === 0xff;
    return id < size ? whole : bytes.length === 1 || !whole;
  });
}
