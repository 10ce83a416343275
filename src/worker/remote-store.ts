// A store of the page, as the worker sees it: its functions are calls of the page's store. Read next:
// serve.ts.
import { checkName, type Lock, type Store, wholeOf } from '../io/store.ts';
import type { SentStore, StoreWish } from './messages.ts';

/** Asks for something of the store, in the folder `path` of it. Buffers in `transfer` are handed over. */
export type Ask = (
  path: readonly string[],
  wish: StoreWish,
  transfer?: readonly ArrayBuffer[],
) => Promise<unknown>;

/** The files that it writes are handed over, not copied: they must be of no more use to the caller. */
export function remoteStore(sent: SentStore, ask: Ask, path: readonly string[] = []): Store {
  const { location } = sent;
  return {
    location,
    read: (name, atMost) => ask(path, { do: 'read', name, atMost }) as Promise<Uint8Array>,
    exists: (name) => ask(path, { do: 'exists', name }) as Promise<boolean>,
    list: () => ask(path, { do: 'list' }) as Promise<string[]>,
    ...(sent.lists && { folders: () => ask(path, { do: 'folders' }) as Promise<string[]> }),
    async write(name, bytes) {
      await ask(path, { do: 'write', name, bytes }, buffersOf([bytes]));
    },
    async writeAll(all) {
      const files = new Map<string, Uint8Array | null>();
      for (const [name, content] of all) files.set(name, content && (await wholeOf(content)));
      await ask(path, { do: 'writeAll', files }, buffersOf(files.values()));
    },
    async remove(name) {
      await ask(path, { do: 'remove', name });
    },
    folder(name) {
      checkName(name);
      return remoteStore({ ...sent, location: `${location}/${name}` }, ask, [...path, name]);
    },
    ...(sent.locks && {
      async lock(what: string): Promise<Lock> {
        const lock = (await ask(path, { do: 'lock', what })) as number;
        return { release: () => void ask(path, { do: 'release', lock }) };
      },
    }),
  };
}

/** The buffers that these arrays fill from end to end: the others are part of something that stays. */
export function buffersOf(arrays: Iterable<ArrayBufferView | null>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const array of arrays)
    if (array?.buffer instanceof ArrayBuffer && array.byteLength === array.buffer.byteLength)
      buffers.add(array.buffer);
  return [...buffers];
}

/** All typed arrays in a result. */
export function arraysIn(value: unknown): ArrayBufferView[] {
  if (typeof value !== 'object' || value === null) return [];
  return ArrayBuffer.isView(value) ? [value] : Object.values(value).flatMap(arraysIn);
}
