// What the page keeps in the browser's own file system: `texts/`, `runs/` and `models/`, a folder or a file
// for each.
import { signal } from '@preact/signals';
import type { Store } from 'inkhorn';
import { opfsHolder, opfsStore } from 'inkhorn/browser';
import { dismiss, notice, tell } from '../notices.ts';
import { numbered, storable } from './names.ts';

export type Shelf = 'texts' | 'runs' | 'models';

/** Counts the changes of each shelf, so that lists of it are drawn anew. */
export const changes: Readonly<Record<Shelf, { value: number }>> = {
  texts: signal(0),
  runs: signal(0),
  models: signal(0),
};

/** What this tab changes is drawn anew in the others, too. */
const tabs = new BroadcastChannel('inkhorn shelves');
tabs.onmessage = ({ data }: MessageEvent<Shelf>): void => {
  changes[data].value++;
};

/** Tells that something on the shelf has changed. */
export function changed(shelf: Shelf): void {
  changes[shelf].value++;
  tabs.postMessage(shelf);
}

/**
 * Works on the run `name` while no other tab writes to it. A tab that was just closed is waited for, which is
 * said; then rejects with who has it.
 */
export async function alone<T>(name: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = opfsStore(`runs/${name}`);
  const holder = await opfsHolder(`runs/${name}`);
  const line = `${name} is in use by another tab of this site (${holder}): stop it there, or wait`;
  if (holder !== null) tell(line);
  const lock = await store.lock?.('a training run').catch((error) => {
    throw holder === null ? error : new Error(line);
  });
  if (notice.value?.line === line) dismiss();
  try {
    // Without a lock of its own: this one is held.
    return await work({ ...store, lock: undefined });
  } finally {
    lock?.release();
  }
}

/** By their numbers: `volume 9` is before `volume 10`. */
const order = new Intl.Collator('en', { numeric: true });

/** The names on a shelf, sorted. */
export async function namesOn(shelf: Shelf): Promise<string[]> {
  const store = opfsStore(shelf);
  const names = shelf === 'texts' ? await store.list() : ((await store.folders?.()) ?? []);
  return names.filter((name) => !name.startsWith('.')).sort(order.compare);
}

/** A name like `wanted` that is not on the shelf yet: `whale`, `whale 2`. See `renamedLine`. */
export async function freeName(shelf: Shelf, wanted: string): Promise<string> {
  const possible = storable(wanted);
  const taken = new Set(await namesOn(shelf));
  let name = possible;
  for (let n = 2; taken.has(name); n++) name = numbered(possible, n);
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
