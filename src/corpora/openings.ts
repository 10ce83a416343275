// How the parts of a text begin: what a model that was trained on it can go on from.

/** Characters of an opening at most: a speaker's name, or a word or two. */
const LONGEST = 24;
/** So many paragraphs make the lines within them irrelevant. */
const ENOUGH = 3;

/**
 * The `count` most frequent openings of the paragraphs of `text`, of its lines where it has no paragraphs,
 * the most frequent first: short lines as a whole (`KING:`), of others the first two words. Only what can be
 * typed at a prompt: each has a letter or number, begins with no dash and holds no control characters. May be
 * fewer.
 */
export function openings(text: string, count: number): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  const first = lines.filter((line, i) => line.trim() !== '' && (i === 0 || lines[i - 1].trim() === ''));
  const counts = new Map<string, number>();
  for (const line of first.length >= ENOUGH ? first : lines) {
    const opening = openingOf(line.trim());
    if (USABLE.test(opening) && !UNUSABLE.test(opening)) counts.set(opening, (counts.get(opening) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a) // equal ones in the order of the text: a sort is stable
    .slice(0, count)
    .map(([opening]) => opening);
}

const USABLE = /[\p{L}\p{N}]/u;
const UNUSABLE = /^-|[\p{C}\uFFFD]/u;

function openingOf(line: string): string {
  const characters = Array.from(line);
  if (characters.length <= LONGEST) return line;
  const words = line.split(/\s+/).slice(0, 2).join(' ');
  return words.length <= LONGEST ? words : characters.slice(0, LONGEST / 2).join('');
}
