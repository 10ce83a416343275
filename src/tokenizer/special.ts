// Special tokens: names such as `<|endoftext|>` that stand for one token each. Merging never produces them.
import { toBytes } from './utf8.ts';

/** What to do with the names of special tokens in a text. */
export interface SpecialOptions {
  /**
   * Names that become their token: all, none (the default) or those listed. With `all`, text from users could
   * end a document or change a role.
   */
  allowedSpecial?: 'all' | 'none' | readonly string[];
  /**
   * What happens to other names in the text: an error (`refuse`, the default), or they are encoded like any
   * other text (`text`).
   */
  otherSpecial?: 'refuse' | 'text';
}

/**
 * A stretch of text: ordinary bytes `[start, end)` and the special token that follows them (-1 at the end of
 * the text).
 */
export interface Segment {
  start: number;
  end: number;
  special: number;
}

/**
 * Cuts `bytes` at the names of special tokens. Of names that begin at the same place the longest wins. Throws
 * for a name in the text that is neither allowed nor declared ordinary text, and for an allowed name that is
 * not registered.
 */
export function* segments(
  bytes: Uint8Array,
  specials: ReadonlyMap<string, number>,
  { allowedSpecial = 'none', otherSpecial = 'refuse' }: SpecialOptions,
): Generator<Segment> {
  const allowed = allowedNames(specials, allowedSpecial);
  const sought = otherSpecial === 'refuse' ? [...specials.keys()] : allowed;
  const searches = sought.map((name): Search => ({ name, bytes: toBytes(name), at: -1 }));
  for (let start = 0; ; ) {
    const next = nextOf(searches, bytes, start);
    if (!next) return yield { start, end: bytes.length, special: -1 };
    if (!allowed.includes(next.name))
      throw new Error(
        `the text holds special token '${next.name}' at byte ${next.at}: allow it (allowedSpecial: ['${next.name}']) or take it for text (otherSpecial: 'text')`,
      );
    yield { start, end: next.at, special: specials.get(next.name) ?? -1 };
    start = next.at + next.bytes.length;
  }
}

/**
 * The special token that ends a document: `<|endoftext|>`, or the only one there is. Null if there is none,
 * or if several have other names, since nothing says which one it is.
 */
export function endToken(specials: ReadonlyMap<string, number>): { name: string; id: number } | null {
  const [name, id] = [...specials].find(([one]) => one === END || specials.size === 1) ?? [];
  return name === undefined || id === undefined ? null : { name, id };
}

const END = '<|endoftext|>';

function allowedNames(
  specials: ReadonlyMap<string, number>,
  allowed: 'all' | 'none' | readonly string[],
): readonly string[] {
  if (allowed === 'all') return [...specials.keys()];
  if (allowed === 'none') return [];
  const unknown = allowed.find((name) => !specials.has(name));
  if (unknown === undefined) return allowed;
  const known = specials.size > 0 ? [...specials.keys()].join(' ') : 'none';
  throw new Error(`allowedSpecial '${unknown}' is not a special token of this tokenizer: it has ${known}`);
}

/** A name and its next occurrence: -1 before the first search, Infinity when there is none. */
interface Search {
  name: string;
  bytes: Uint8Array;
  at: number;
}

function nextOf(searches: readonly Search[], text: Uint8Array, from: number): Search | undefined {
  let first: Search | undefined;
  for (const search of searches) {
    if (search.at < from) search.at = placeOf(search.bytes, text, from);
    if (search.at === Number.POSITIVE_INFINITY) continue;
    const sooner = !first || search.at < first.at;
    const longer = search.at === first?.at && search.bytes.length > first.bytes.length;
    if (sooner || longer) first = search;
  }
  return first;
}

function placeOf(sought: Uint8Array, text: Uint8Array, from: number): number {
  for (let i = text.indexOf(sought[0], from); i >= 0; i = text.indexOf(sought[0], i + 1))
    if (sought.every((byte, k) => text[i + k] === byte)) return i;
  return Number.POSITIVE_INFINITY;
}
