// Names of texts, runs and models, as they are typed and as the browser's file system can keep them.

/** What a store takes (`checkName`), less the number that tells equal names apart. */
const MOST_CHARACTERS = 190;
/** In UTF-8. Some browsers keep these files as files of the system, whose names end at 255 bytes. */
const MOST_BYTES = 240;

/** `wanted`, or what is nearest to it among the names that a file can have. */
export function storable(wanted: string): string {
  const possible = wanted
    .toWellFormed()
    .replace(/[/\\:]/g, '-') // they lead into folders
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .replace(/^[.-]*\.[.-]*/, '') // files with a dot first are hidden
    .trim();
  return cut(possible) || 'unnamed';
}

/** The beginning of a name that is too long, with its ending: `a long n.txt`. */
function cut(name: string): string {
  const ending = endingOf(name);
  const characters = [...new Intl.Segmenter().segment(name.slice(0, name.length - ending.length))];
  const fits = (count: number): boolean => {
    const whole = joined(count);
    return whole.length <= MOST_CHARACTERS && new TextEncoder().encode(whole).length <= MOST_BYTES;
  };
  const joined = (count: number): string =>
    `${characters
      .slice(0, count)
      .map(({ segment }) => segment)
      .join('')}${ending}`;
  let count = Math.min(characters.length, MOST_CHARACTERS);
  while (count > 0 && !fits(count)) count--;
  return joined(count);
}

/** The name with a number that tells it from others: `whale 2`, `whale 2.txt`. */
export function numbered(name: string, n: number): string {
  const ending = endingOf(name);
  return `${name.slice(0, name.length - ending.length)} ${n}${ending}`;
}

/** `.txt` */
function endingOf(name: string): string {
  return /(?<=.)\.[A-Za-z0-9]{1,8}$/.exec(name)?.[0] ?? '';
}

/**
 * A name like `title` for a file, which a shell takes as one word: `moby-dick tiny, INT8` is
 * `moby-dick-tiny-INT8`.
 */
export function fileNameOf(title: string): string {
  const plain = title.normalize('NFC').replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-');
  const cut = [...plain.replace(/^[-.]+|-+$/g, '')].slice(0, 60).join('');
  return cut || 'inkhorn';
}

/** Why something wanted under one name is kept under another, in one line; null where it is the same. */
export function renamedLine(wanted: string, name: string): string | null {
  if (wanted.trim() === name) return null;
  const possible = storable(wanted);
  if (possible === wanted.trim()) return `it is called ${name}: ${possible} is here already`;
  const long = wanted.length > MOST_CHARACTERS / 2 && possible.length < wanted.trim().length;
  const reason = long
    ? `a name has at most ${MOST_CHARACTERS} characters, and ${MOST_BYTES} bytes in UTF-8`
    : 'a name has no / \\ : and no line break, and begins with no dot';
  return `it is called ${name}: ${reason}`;
}
