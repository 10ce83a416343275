// A read-only store of files that somebody chose or dropped on a page: a model folder, a run, or the archive
// of one. Read next: tree-store.ts.
import { archiveStore } from './browser-archive.ts';
import type { Store } from './store.ts';
import { type TreeFile, treeStore } from './tree-store.ts';

/**
 * A read-only store of what was dropped (`event.dataTransfer` of a `drop` event) or chosen (`input.files`;
 * with `webkitdirectory` whole folders), read when it is asked for. A single .zip file, as `download` makes
 * it, is opened. Call it in the event's own turn: afterwards a browser has forgotten what was dropped. Throws
 * when there are no files, or two of the same path.
 */
export async function droppedStore(dropped: DataTransfer | Iterable<File>): Promise<Store> {
  const found = await ('items' in dropped ? transferred(dropped) : chosen(dropped));
  if (found.length === 0)
    throw new Error('there are no files in what was dropped: drop a folder or its files');
  if (found.length === 1 && /\.zip$/i.test(found[0][0])) return archiveStore(found[0][1]);
  const files = new Map<string, TreeFile>();
  for (const [path, file] of found) {
    if (files.has(path))
      throw new Error(`two of the dropped files are called ${path}: drop one folder at a time`);
    files.set(path, {
      size: file.size,
      bytes: async () => new Uint8Array(await file.arrayBuffer()),
      part: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()),
    });
  }
  return treeStore('dropped files', 'a set of dropped files', files);
}

type Found = [path: string, file: File][];

function chosen(files: Iterable<File>): Found {
  return Array.from(files, (file) => [file.webkitRelativePath || file.name, file]);
}

/** All files of a drop, those in folders too. Everything is taken before the first `await`. */
async function transferred({ items, files }: DataTransfer): Promise<Found> {
  const entries = Array.from(items).flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return chosen(files);
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<Found> {
  if (entry.isDirectory) {
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const inside: FileSystemEntry[] = [];
    // It gives some hundred at a time, and none when it is through.
    for (let some = await next(reader); some.length > 0; some = await next(reader)) inside.push(...some);
    return (await Promise.all(inside.map(filesOf))).flat();
  }
  const file = new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
  return [[entry.fullPath.replace(/^\//, ''), await file]];
}

function next(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}
