// Frequent openings of a text: prompts that a model trained on it can continue.

/** The most characters of an opening: a speaker's name, or a word or two. */
const LONGEST = 24;
/** From this many paragraphs on, the lines within them are not considered. */
const ENOUGH = 3;

/**
 * The `count` most frequent openings of the paragraphs of `text` (of its lines where it has no paragraphs),
 * most frequent first. The opening is the whole first line if that is short (`KING:`), else its first two
 * words. Only openings that can be typed at a prompt: with a letter or number, no leading dash and no control
 * characters. May be fewer.
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
    .sort(([, a], [, b]) => b - a) // the sort is stable: ties stay in the order of the text
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
