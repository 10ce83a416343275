// A read-only store of files that are known by their paths: dropped on a page, or inside an archive.
import { checkLength, checkName, inParts, type OpenFile, readOnly, type Store } from './store.ts';

/** A file that is read when it is asked for. */
export interface TreeFile {
  /** Number of bytes. */
  readonly size: number;
  bytes(): Promise<Uint8Array>;
  /** The bytes from `begin` up to `end`. Absent where it is in memory anyway. */
  part?(begin: number, end: number): Promise<Uint8Array>;
}

/**
 * The store of the files with these paths (`best/config.json`). Where all of them are in one folder, as
 * archives and dropped folders have them, it is the store of that folder. Names that begin with a dot are
 * left out, as in a folder on disk. `what` says what the files are: `dropped files`.
 */
export function treeStore(location: string, what: string, files: ReadonlyMap<string, TreeFile>): Store {
  const visible = [...files].filter(([path]) => !path.split('/').some((part) => part.startsWith('.')));
  const tree = branch(location, what, new Map(visible));
  const { names, folders } = levelOf(visible.map(([path]) => path));
  if (names.length > 0 || folders.length !== 1) return tree;
  const [top] = folders;
  return branch(top, what, below(new Map(visible), top));
}

function branch(location: string, what: string, files: ReadonlyMap<string, TreeFile>): Store {
  const { refuse, ...writing } = readOnly(location, what, 'save to another store');
  const level = levelOf(files.keys());
  return {
    ...writing,
    location,
    async read(name, atMost): Promise<Uint8Array> {
      const file = files.get(name);
      if (!file) throw new Error(`${location}/${name}: no such file`);
      checkLength(file.size, atMost, `${location}/${name}`);
      return file.bytes().catch((error: Error) => {
        throw new Error(`cannot read ${location}/${name}: ${error.message}`, { cause: error });
      });
    },
    async open(name): Promise<OpenFile> {
      const file = files.get(name);
      if (!file) throw new Error(`${location}/${name}: no such file`);
      const { part } = file;
      if (part) return inParts(file.size, part);
      const bytes = await file.bytes();
      return inParts(bytes.length, async (begin, end) => bytes.slice(begin, end));
    },
    exists: async (name) => files.has(name),
    list: async () => level.names,
    folders: async () => level.folders,
    folder(name): Store {
      checkName(name);
      return branch(`${location}/${name}`, what, below(files, name));
    },
  };
}

/** The files and folders at the top of a tree. */
function levelOf(paths: Iterable<string>): { names: string[]; folders: string[] } {
  const [names, folders] = [new Set<string>(), new Set<string>()];
  for (const path of paths) {
    const [first, ...rest] = path.split('/');
    (rest.length === 0 ? names : folders).add(first);
  }
  return { names: [...names].sort(), folders: [...folders].sort() };
}

/** The files in the folder `name`, by their paths from there. */
function below(files: ReadonlyMap<string, TreeFile>, name: string): Map<string, TreeFile> {
  const start = `${name}/`;
  const inside = [...files].filter(([path]) => path.startsWith(start));
  return new Map(inside.map(([path, file]) => [path.slice(start.length), file]));
}
