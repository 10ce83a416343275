// A store: named files in one place, of whatever kind. Read next: node-store.ts (a folder on disk).
import { formatAmount, formatCount } from '../base/format.ts';

/** Reads and writes files by name. Every write is all or nothing: no reader ever sees half a file. */
export interface Store {
  /** The place, for people: `runs/seed/last`. */
  readonly location: string;
  /**
   * The whole file, in bytes of the caller's own. Throws when it does not exist, and, before reading, when it
   * has more than `atMost` bytes.
   */
  read(name: string, atMost?: number): Promise<Uint8Array>;
  /**
   * The file, to be read in parts. Throws when it does not exist. Absent where only whole files can be read:
   * `openFile` does it with any store.
   */
  open?(name: string): Promise<OpenFile>;
  exists(name: string): Promise<boolean>;
  /** The names of all files, sorted; empty while the place does not exist. */
  list(): Promise<string[]>;
  /** The names of all folders, sorted. Absent where the store cannot list them. */
  folders?(): Promise<string[]>;
  /** Writes or replaces one file. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes several files together and removes those given as `null`. Contents in parts are written as they
   * come; when one of them throws, nothing happens. Afterwards, and after a kill at any
   * moment, either all of it has happened or nothing. Other files stay as they are. A place may have one
   * writer at a time.
   */
  writeAll(files: ReadonlyMap<string, Content | null>): Promise<void>;
  /** Removes one file; no error when it does not exist. */
  remove(name: string): Promise<void>;
  /** The store of the folder `name` in this one. */
  folder(name: string): Store;
  /**
   * Keeps other writers out until `release`, or until this process ends, however it ends. `what` names this
   * process to them: `inkhorn train`. Reading is always allowed. Rejects when the place is locked. Absent
   * where nobody else can write.
   */
  lock?(what: string): Promise<Lock>;
}

/** What a file will hold: bytes, or parts that are made one after another. */
export type Content = Uint8Array | Parts;

/** Bytes that are made while the ones before are written. */
export interface Parts {
  /** Number of bytes in all. */
  readonly length: number;
  /** To be called once. */
  parts(): AsyncIterable<Uint8Array>;
}

/** The bytes of a content; parts are made and joined. */
export async function wholeOf(content: Content): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const whole = new Uint8Array(content.length);
  let at = 0;
  for await (const part of content.parts()) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A file that is read in parts. */
export interface OpenFile {
  /** Number of bytes. */
  readonly size: number;
  /** The bytes from `begin` up to `end`, of the caller's own. Throws when the file has become shorter. */
  read(begin: number, end: number): Promise<Uint8Array>;
  /** To be called at the end. */
  close(): Promise<void>;
}

/** The file, to be read in parts; where the store cannot do that, it is read whole. */
export async function openFile(store: Store, name: string): Promise<OpenFile> {
  if (store.open) return store.open(name);
  const bytes = await store.read(name);
  return inParts(bytes.length, async (begin, end) => bytes.slice(begin, end));
}

/** Bytes by which a kind of file is known. */
const SEEN = 512;

/** The first bytes of a file, by which its kind is known. */
export async function firstBytes(store: Store, name: string): Promise<Uint8Array> {
  const file = await openFile(store, name);
  try {
    return await file.read(0, Math.min(file.size, SEEN));
  } finally {
    await file.close();
  }
}

/** An open file that `read` reads from. Every part is checked to be whole. */
export function inParts(
  size: number,
  read: (begin: number, end: number) => Promise<Uint8Array>,
  close: () => Promise<void> = async () => {},
): OpenFile {
  return {
    size,
    async read(begin, end): Promise<Uint8Array> {
      const bytes = await read(begin, end);
      if (bytes.length === end - begin) return bytes;
      throw new Error(`it ends at byte ${formatCount(begin + bytes.length)}: another program changes it`);
    },
    close,
  };
}

/** The exclusive right to write to a place. */
export interface Lock {
  /** Releases the lock. A second call does nothing. */
  release(): void;
}

/**
 * Throws unless `name` can be the name of a file or folder on every system: no separators, no leading dot
 * (temporary files have one).
 */
export function checkName(name: string): void {
  if (!/^[^./\\:\0][^/\\:\0]{0,199}$/.test(name)) {
    throw new Error(
      `${JSON.stringify(name.slice(0, 80))} is no file name: use 1 to 200 characters without / \\ : and not starting with a dot`,
    );
  }
}

/**
 * Throws when a file of `length` bytes is longer than the reader expects. `place`: its name, where nobody
 * else adds it.
 */
export function checkLength(length: number, atMost: number = Number.POSITIVE_INFINITY, place?: string): void {
  if (length <= atMost) return;
  const failure = place === undefined ? '' : `cannot read ${place}: `;
  throw new Error(
    `${failure}it has ${formatAmount(length, 'byte')}: at most ${formatCount(atMost)} are read`,
  );
}

/** `first` of `runs/first`, on every system. */
export function baseName(location: string): string {
  return location.split(/[/\\]/).findLast((part) => part !== '' && part !== '.') ?? location;
}

/** The part of a store that writes, for one that cannot: throws `<location> is <what>: it cannot be ...`. */
export function readOnly(
  location: string,
  what: string,
  instead: string,
): { refuse(done: string): () => Promise<never> } & Pick<Store, 'write' | 'writeAll' | 'remove'> {
  const refuse = (done: string) => async (): Promise<never> => {
    throw new Error(`${location} is ${what}: it cannot be ${done}; ${instead} instead`);
  };
  const written = refuse('written to');
  return { refuse, write: written, writeAll: written, remove: written };
}

/** A store in memory, for tests and browsers. Copies on reading and writing. */
export function memoryStore(location = 'memory'): Store {
  const files = new Map<string, Uint8Array>();
  const folders = new Map<string, Store>();
  let locked = '';
  return {
    location,
    async read(name, atMost): Promise<Uint8Array> {
      const bytes = files.get(name);
      if (!bytes) throw new Error(`${location}/${name}: no such file`);
      checkLength(bytes.length, atMost, `${location}/${name}`);
      return bytes.slice();
    },
    async exists(name): Promise<boolean> {
      return files.has(name);
    },
    async list(): Promise<string[]> {
      return [...files.keys()].sort();
    },
    async folders(): Promise<string[]> {
      return [...folders.keys()].sort();
    },
    async write(name, bytes): Promise<void> {
      checkName(name);
      files.set(name, new Uint8Array(bytes)); // not `slice`: a Buffer's shares its memory
    },
    async writeAll(all): Promise<void> {
      for (const name of all.keys()) checkName(name);
      const whole: [string, Uint8Array | null][] = [];
      for (const [name, content] of all) whole.push([name, content && (await wholeOf(content))]);
      for (const [name, bytes] of whole) {
        if (bytes)
          files.set(name, new Uint8Array(bytes)); // not `slice`: a Buffer's shares its memory
        else files.delete(name);
      }
    },
    async remove(name): Promise<void> {
      files.delete(name);
    },
    folder(name): Store {
      checkName(name);
      const store = folders.get(name) ?? memoryStore(`${location}/${name}`);
      folders.set(name, store);
      return store;
    },
    async lock(what): Promise<Lock> {
      if (locked) throw new Error(`${location} is in use (${locked}): wait for it, or take another store`);
      locked = what;
      let ours = true;
      return {
        release(): void {
          if (ours) locked = '';
          ours = false;
        },
      };
    },
  };
}
