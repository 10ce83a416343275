// Texts to train on: those of the site, and those that somebody brought, which stay in the browser.
import { effect } from '@preact/signals';
import { type DataRecord, textRecord } from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { complain } from '../notices.ts';
import { changed, changes, discard, freeName, namesOn, persist } from './files.ts';

/** A text of the site. */
export interface PublishedText {
  name: string;
  title: string;
  /** Where it is published, compressed by gzip. */
  url: string;
}

export const published: readonly PublishedText[] = [
  ['moby-dick', 'Moby-Dick; or, The Whale, by Herman Melville (1851)'],
  ['first-names', 'First names of English-speaking countries'],
].map(([name, title]) => ({
  ...{ name, title },
  url: new URL(`./texts/${name}.txt.gz`, document.baseURI).href,
}));

/** The text in the folder of a run that is packed, where `inkhorn train --resume` finds it. */
export const TEXT_FILE = 'text.txt';

/** The text that the page begins with. */
export const FIRST_TEXT = published[0].name;

const cache = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
effect(() => {
  changes.texts.value;
  cache.clear(); // a text may be gone, or another one of the same name
});

/** The bytes of a text. Rejects with one line when it is not here. */
export function readText(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const known = cache.get(name);
  if (known) return known;
  const bytes = read(name);
  bytes.catch(() => cache.delete(name));
  cache.clear(); // one text at a time is enough
  cache.set(name, bytes);
  return bytes;
}

async function read(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const ours = published.find((text) => text.name === name);
  if (ours) return fetchPacked(ours);
  const store = opfsStore('texts');
  if (!(await store.exists(name)))
    throw new Error(`the text ${name} is not in this browser: bring it again, or take another one`);
  return new Uint8Array(await store.read(name));
}

async function fetchPacked({ name, url }: PublishedText): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) throw new Error(`${name} cannot be fetched: is the page online?`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b; // some servers unpack .gz on their own
  if (!packed) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

/** The names of all texts: those of the site first. */
export async function textNames(): Promise<string[]> {
  return [...published.map(({ name }) => name), ...(await namesOn('texts'))];
}

/** Keeps a text under a name like `wanted`, and returns the name. */
export async function keepText(wanted: string, bytes: Uint8Array): Promise<string> {
  const name = await freeName('texts', wanted);
  await opfsStore('texts').write(name, bytes);
  void persist();
  changed('texts');
  return name;
}

/** Gives a text another name, one like `wanted`, and returns it. Runs find their text by its contents. */
export async function renameText(name: string, wanted: string): Promise<string> {
  if (wanted.trim() === '' || wanted.trim() === name) return name;
  const renamed = await keepText(wanted, await readText(name));
  await discard('texts', name);
  return renamed;
}

/** A text as a list shows it. */
export interface ListedText {
  name: string;
  title: string;
  /** Number of bytes; null for a text of the site, which is there already and cannot be deleted. */
  size: number | null;
}

/** All texts, those of the site first. */
export async function listTexts(): Promise<ListedText[]> {
  const listed: ListedText[] = published.map(({ name, title }) => ({ name, title, size: null }));
  const names = await namesOn('texts').catch((error) => {
    complain(error); // the texts of the site are there without storage, too
    return [];
  });
  if (names.length === 0) return listed;
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('texts');
  for (const name of names) {
    const file = await (await folder.getFileHandle(name)).getFile();
    listed.push({ name, title: name, size: file.size });
  }
  return listed;
}

/** A text as the record of a run describes it. */
export type TextFacts = Pick<DataRecord, 'name' | 'bytes' | 'sha256'>;

/**
 * The name of the text that a record describes, whatever it is called here; null if it is not in this
 * browser. Its name is tried first.
 */
export async function nameOfText(record: TextFacts): Promise<string | null> {
  const store = opfsStore('texts');
  const isHere = async (name: string): Promise<boolean> => {
    if (published.some((text) => text.name === name)) return isTextOf(record, await readText(name));
    const bytes = await store.read(name, record.bytes).catch(() => null); // a longer one is not read
    return bytes !== null && isTextOf(record, bytes);
  };
  const names = await textNames();
  if (names.includes(record.name) && (await isHere(record.name))) return record.name;
  for (const name of await namesOn('texts')) if (name !== record.name && (await isHere(name))) return name;
  return null;
}

/** The bytes of the text that a record describes. Throws one line when it is not here. */
export async function readTextOf(record: TextFacts): Promise<Uint8Array<ArrayBuffer>> {
  const name = await nameOfText(record);
  if (name !== null) return readText(name);
  throw new Error(
    `the text of the run, ${record.name} (${record.bytes.toLocaleString('en')} bytes), is not in this browser: bring it in the room Shrink & take`,
  );
}

/** Whether these bytes are the text of a record. */
export async function isTextOf({ bytes: length, sha256 }: TextFacts, bytes: Uint8Array): Promise<boolean> {
  return bytes.length === length && (await textRecord(bytes, { name: '' })).sha256 === sha256;
}
