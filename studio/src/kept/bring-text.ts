// Texts that somebody drops, chooses or pastes: looked through, joined if there are several, and kept.
import { joinLines, type Store, TEXT_KINDS } from 'inkhorn';
import { droppedStore } from 'inkhorn/browser';
import { inspectText, type Reading } from './inspect-text.ts';
import { renamedLine } from './names.ts';
import { keepText } from './texts.ts';

/** A tab has memory for a text of this size, its tokens and a model; not for much more. */
const MOST_BYTES = 2 ** 28;
/** The most files named in a message. */
const NAMED = 3;

/** What was made of files. */
interface Remarked {
  name: string;
  /** What was left out or changed, one line each. */
  remarks: string[];
}

type Convert = (encoding: string) => Promise<Remarked>;

/** Thrown for files that are text in another encoding. */
export class OtherEncoding extends Error {
  override name = 'OtherEncoding';
  /** What they say in the encodings in which all of them are text, the likeliest first. */
  readonly readings: readonly Reading[];
  /** Keeps them all the same, converted to UTF-8 from that encoding. */
  readonly convert: Convert;

  constructor(message: string, readings: readonly Reading[], convert: Convert) {
    super(message);
    this.readings = readings;
    this.convert = convert;
  }
}

/**
 * Keeps the text of the files: one text, with a line feed between them, as `inkhorn train` reads a folder.
 * Call it in the event's own turn. Throws one line for what is no text, or too large; nothing is kept then.
 */
export async function bringFiles(dropped: DataTransfer | Iterable<File>): Promise<Remarked> {
  const store = await droppedStore(dropped);
  const bring = async (convert: string | false): Promise<Remarked> => {
    const { name, bytes, remarks } = await textIn(store, convert, bring);
    return keep(name, bytes, remarks);
  };
  return bring(false);
}

/** The text of files that are not kept yet. Throws as `bringFiles` does. */
export async function readFiles(files: Iterable<File>): Promise<{ name: string; bytes: Uint8Array }> {
  return textIn(await droppedStore(files), true);
}

async function textIn(
  store: Store,
  convert: string | boolean,
  converted?: Convert,
): Promise<Remarked & { bytes: Uint8Array }> {
  const paths = await filesIn(store, '');
  const alone = paths.length === 1;
  const wanted = alone ? paths : paths.filter(({ path }) => TEXT_KINDS.includes(endingOf(path)));
  if (paths.length === 0) throw new Error('no file was given; names that begin with a dot are left out');
  if (wanted.length === 0)
    throw new Error(
      `there is no text among the ${paths.length} files: its name ends in ${TEXT_KINDS.join(' ')}`,
    );
  const parts: Uint8Array[] = [];
  const used: Found[] = [];
  const empty: string[] = [];
  const problems: string[] = [];
  const remarks: string[] = [];
  const foreign: (readonly Reading[])[] = [];
  let total = 0;
  for (const file of wanted) {
    const { path, read } = file;
    const raw = await read(MOST_BYTES - total);
    total += raw.length;
    const inspected = await inspectText(raw, { convert });
    if ('problem' in inspected) {
      problems.push(`${path} ${inspected.problem}`);
      foreign.push(inspected.readings);
    } else {
      if (inspected.remark) remarks.push(`${path} ${inspected.remark.detail ?? inspected.remark.kind}`);
      if (isEmpty(inspected.bytes)) empty.push(path);
      else {
        used.push(file);
        parts.push(inspected.bytes);
      }
    }
  }
  const readings = readingsOfAll(foreign);
  if (readings.length > 0 && converted) throw new OtherEncoding(several(problems), readings, converted);
  if (problems.length > 0) throw new Error(several(problems));
  if (used.length === 0)
    throw new Error(`${named(empty)} ${isOrAre(empty.length)} empty: a text to train on needs words`);
  if (empty.length > 0) remarks.push(`${named(empty)} ${isOrAre(empty.length)} empty and left out`);
  const left = paths.length - wanted.length;
  if (left > 0)
    remarks.push(`${left === 1 ? 'a file of another kind is' : `${left} files of other kinds are`} left out`);
  const name = alone ? paths[0].path : nameOf(store, used);
  return { name, bytes: joinLines(parts).bytes, remarks };
}

/** The encodings in which every one of the files is text. What the first one says in them stands for all. */
function readingsOfAll([first = [], ...rest]: readonly (readonly Reading[])[]): Reading[] {
  return first.filter(({ encoding }) =>
    rest.every((readings) => readings.some((other) => other.encoding === encoding)),
  );
}

/** Keeps a text that was typed or pasted. */
export async function bringPasted(name: string, text: string): Promise<Remarked> {
  return keep(name, new TextEncoder().encode(text), []);
}

async function keep(wanted: string, bytes: Uint8Array, remarks: readonly string[]): Promise<Remarked> {
  if (isEmpty(bytes)) throw new Error(`${wanted} is empty: a text to train on needs words`);
  const name = await keepText(wanted, bytes);
  const renamed = renamedLine(wanted, name);
  return { name, remarks: renamed === null ? [...remarks] : [...remarks, renamed] };
}

function isEmpty(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte <= 0x20);
}

/** `a.txt, b.txt and 3 more` */
function named(paths: readonly string[]): string {
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return paths.slice(0, NAMED).join(', ') + more;
}

function isOrAre(count: number): 'is' | 'are' {
  return count === 1 ? 'is' : 'are';
}

/** What is said of a text that was brought. One of several files may be called after them. */
export function keptLine({ name, remarks }: Remarked): string {
  const several = / and \d+ more( \d+)?$/.test(name);
  return [`${name} ${isOrAre(several ? 2 : 1)} kept in this browser`, ...remarks].join('; ');
}

/** Of several files: the folder's, or the first one's. */
function nameOf({ location }: Store, files: readonly Found[]): string {
  const [{ path }] = files;
  if (location !== 'dropped files') return location.replace(/\.zip$/i, '');
  return files.length > 1 ? `${path} and ${files.length - 1} more` : path;
}

interface Found {
  path: string;
  read(atMost: number): Promise<Uint8Array>;
}

/** All files, sorted by their paths. */
async function filesIn(store: Store, below: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of await store.list()) {
    const path = `${below}${name}`;
    found.push({ path, read: (atMost) => readAtMost(store, name, path, atMost) });
  }
  for (const name of (await store.folders?.()) ?? [])
    found.push(...(await filesIn(store.folder(name), `${below}${name}/`)));
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function readAtMost(store: Store, name: string, path: string, atMost: number): Promise<Uint8Array> {
  try {
    return await store.read(name, atMost);
  } catch (error) {
    const [, size] = /it has ([\d,]+ bytes?): at most/.exec((error as Error).message) ?? [];
    if (size === undefined) throw error;
    const most = MOST_BYTES.toLocaleString('en');
    const left =
      atMost < MOST_BYTES ? `, of which other files take ${(MOST_BYTES - atMost).toLocaleString('en')}` : '';
    throw new Error(
      `${path} has ${size}: a tab has memory for ${most} bytes of text${left}; take a part of it, or train it with the command line`,
    );
  }
}

function endingOf(path: string): string {
  return /\.[^./]+$/.exec(path)?.[0].toLowerCase() ?? '';
}

function several(problems: readonly string[]): string {
  const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
  return [...problems.slice(0, NAMED), ...more].join('; ');
}
