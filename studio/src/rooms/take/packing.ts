// What is packed into a .zip: a model, or a run with its text, under a name that every system takes.
import { type DataRecord, memoryStore, modelStore, readHistory, type Store } from 'inkhorn';
import { download, opfsStore } from 'inkhorn/browser';
import { library } from '../../engine.ts';
import { LIVE, openModel, SHIPPED, storeOf, titleOf } from '../../kept/models.ts';
import { fileNameOf } from '../../kept/names.ts';
import { nameOfText, published, readText, TEXT_FILE } from '../../kept/texts.ts';

/** The name of a model's folder, once it is unpacked. */
export function folderOf(model: string): string {
  if (model === SHIPPED) return 'shakespeare';
  const [shelf, name, copy] = model.split('/');
  if (name === undefined) return fileNameOf(titleOf(model)); // the one that is trained, or followed
  return fileNameOf(shelf === 'runs' ? `${name}-${copy ?? 'best'}` : name);
}

/** Downloads a model as one .zip with a model folder in it. */
export async function downloadModel(model: string): Promise<void> {
  const folder = folderOf(model);
  await download(await modelFolder(model, folder), folder);
}

/** The files of a model, and what is known of its quality. */
const FILES = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'model.safetensors',
  'card.json',
  'compare.json',
] as const;

/** A store that can be listed, with the files of the model and nothing else. */
async function modelFolder(model: string, folder: string): Promise<Store> {
  const copy = memoryStore(folder);
  for (const [name, bytes] of await filesOf(model)) await copy.write(name, bytes);
  return copy;
}

/** The files of a model, or some of them. Those that it does not have are left out. */
export async function filesOf(
  model: string,
  names: readonly (typeof FILES)[number][] = FILES,
): Promise<Map<string, Uint8Array>> {
  const store = model === LIVE ? await savedNow() : await modelStore(storeOf(model));
  const files = new Map<string, Uint8Array>();
  for (const name of names) if (await store.exists(name)) files.set(name, await store.read(name));
  return files;
}

/** The model that is being trained, as it is. */
async function savedNow(): Promise<Store> {
  const store = memoryStore('live');
  await (await library()).save(store, await openModel(LIVE));
  return store;
}

/** Downloads a run with everything, and its text if it is not one of the site. */
export async function downloadRun(run: string): Promise<void> {
  const store = opfsStore(`runs/${run}`);
  const { data } = await readHistory(store);
  const text = await textFor(data);
  await download(text ? withFile(store, TEXT_FILE, text) : store, fileNameOf(run));
}

/** The text to pack with a run; null for one that the command line knows, or that is not here. */
async function textFor(data: DataRecord): Promise<Uint8Array | null> {
  const name = await nameOfText(data);
  if (name === null || published.some((text) => text.name === name)) return null;
  return readText(name);
}

/** `store` with one file more. */
function withFile(store: Store, name: string, bytes: Uint8Array): Store {
  return {
    ...store,
    list: async () => [...(await store.list()).filter((other) => other !== name), name],
    read: async (wanted, atMost) => (wanted === name ? bytes.slice() : store.read(wanted, atMost)),
  };
}

/** Hands one file to the person in front of the page. */
export function handOver(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
