// Which known names a misspelt name may have meant.

/**
 * The `count` names of `known` with the smallest edit distance to `name`, nearest first. Ties keep the order
 * of `known`.
 */
export function nearest(name: string, known: readonly string[], count: number): string[] {
  return known
    .map((other) => ({ other, distance: editDistance(other, name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ other }) => other);
}

/**
 * The number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, where no
 * letter is edited twice (Damerau 1964).
 */
export function editDistance(a: string, b: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          row[j - 1] + 1,
          above[j] + 1,
          above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
          swapped ? twoAbove[j - 2] + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [twoAbove, above] = [above, row];
  }
  return above[b.length];
}

/**
 * The name of `known` that `name` probably means; undefined where none is near. Case and word separators do
 * not count: `max_tokens` is `maxTokens`.
 */
export function similar(name: string, known: readonly string[]): string | undefined {
  const word = bare(name);
  const [near] = known
    .map((other) => ({ other, typos: typosBetween(other, name) }))
    .filter(({ typos }) => typos < Infinity)
    .sort((a, b) => a.typos - b.typos);
  if (near) return near.other;
  return word.length > 2 ? known.find((other) => bare(other).includes(word)) : undefined;
}

/**
 * The edit distance of `other` to `name`, which somebody may have mistyped; Infinity if it is too large for
 * that. Case and word separators do not count.
 */
export function typosBetween(other: string, name: string): number {
  const word = bare(name);
  const distance = editDistance(bare(other), word);
  return distance <= Math.min(3, Math.floor(word.length * 0.4)) ? distance : Infinity;
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
