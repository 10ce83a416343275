// What the page keeps in the browser's own file system: `texts/`, `runs/` and `models/`, a folder or a file
// for each.
import { signal } from '@preact/signals';
import { opfsStore } from 'inkhorn/browser';

export type Shelf = 'texts' | 'runs' | 'models';

/** Counts the changes of each shelf, so that lists of it are drawn anew. */
export const changes: Readonly<Record<Shelf, { value: number }>> = {
  texts: signal(0),
  runs: signal(0),
  models: signal(0),
};

/** Tells that something on the shelf has changed. */
export function changed(shelf: Shelf): void {
  changes[shelf].value++;
}

/** The names on a shelf, sorted. */
export async function namesOn(shelf: Shelf): Promise<string[]> {
  const store = opfsStore(shelf);
  const names = shelf === 'texts' ? await store.list() : ((await store.folders?.()) ?? []);
  return names.filter((name) => !name.startsWith('.'));
}

/** A name like `wanted` that is not on the shelf yet: `whale`, `whale 2`. */
export async function freeName(shelf: Shelf, wanted: string): Promise<string> {
  const clean =
    wanted
      .replace(/[^\p{L}\p{N}._ -]+/gu, ' ')
      .trim()
      .replace(/^\.+/, '')
      .slice(0, 60) || 'unnamed';
  const taken = new Set(await namesOn(shelf));
  let name = clean;
  for (let n = 2; taken.has(name); n++) name = `${clean} ${n}`;
  return name;
}

/** Removes a file or a folder with everything in it. */
export async function discard(shelf: Shelf, name: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(shelf);
  await folder.removeEntry(name, { recursive: true });
  changed(shelf);
}

/** Asks the browser to keep the files when the disk is full. It may say no, and need not ask the person. */
export async function persist(): Promise<void> {
  await navigator.storage?.persist?.().catch(() => false);
}
