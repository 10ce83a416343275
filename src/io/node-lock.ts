// One process at a time writes to a folder. The lock belongs to the operating system. It ends with the
// process that holds it, however that ends, so no file left behind by a killed process keeps others out.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readJson } from '../base/json.ts';
import { integer, object, type Schema, string } from '../base/schema.ts';
import type { Lock } from './store.ts';

/** The file that is locked. */
const LOCK_FILE = '.inkhorn.lock';
/** The file that names the holder, as JSON, for the message to other processes. */
const OWNER_FILE = '.inkhorn.owner';

/** Another process writes to the folder. The message names it. */
export class FolderInUse extends Error {}

/**
 * Locks `folder`, which is created if necessary, until `release` or the end of this process. `what` names
 * this process to others: `inkhorn train`. Throws `FolderInUse` when another process, or another part of this
 * one, holds the lock.
 */
export function lockFolder(folder: string, what: string): Lock {
  const root = resolve(folder);
  for (;;) {
    const made = makeFolders(root);
    const held = hold(folder, root, what);
    // `again`: the previous holder removed the file at this moment.
    if (held !== 'again') return lockOf(root, made, held);
  }
}

function lockOf(root: string, made: string[], letGo: () => void): Lock {
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    process.removeListener('exit', release);
    attempt(() => fs.unlinkSync(join(root, OWNER_FILE)));
    letGo();
    // Removes the folders that are still empty.
    for (const folder of made) attempt(() => fs.rmdirSync(folder));
  };
  process.on('exit', release);
  return { release };
}

/** Creates a folder and its parents. Returns those that did not exist, innermost first. */
function makeFolders(path: string): string[] {
  try {
    fs.mkdirSync(path);
    return [path];
  } catch (error) {
    if (attempt(() => fs.statSync(path))?.isDirectory()) return [];
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    const made = makeFolders(above);
    try {
      fs.mkdirSync(path);
      return [path, ...made];
    } catch (again) {
      // Another process was faster, or there can be no such folder, as in /proc.
      if ((again as NodeJS.ErrnoException).code === 'EEXIST') return made;
      for (const folder of made) attempt(() => fs.rmdirSync(folder));
      throw again;
    }
  }
}

// ---- the operating system's locks ------------------------------------------------------------------------

/**
 * Open flags that also lock the file, where the system has one: BSD's O_EXLOCK, and what libuv gives that
 * name on Windows.
 */
const EXCLUSIVE: Partial<Record<NodeJS.Platform, number>> = {
  darwin: 0x20 | fs.constants.O_NONBLOCK,
  freebsd: 0x20 | fs.constants.O_NONBLOCK,
  win32: 0x10000000,
};

/** Takes the lock. Returns a function that releases it, or `again` when the file was removed meanwhile. */
function hold(folder: string, root: string, what: string): (() => void) | 'again' {
  const file = join(root, LOCK_FILE);
  const opened = openLocked(file);
  if (opened === 'gone') return 'again';
  if (opened === 'taken') throw inUse(folder, root);
  const { fd } = opened;
  const locked = opened.locked || lockOpenFile(fd);
  // The previous holder may have removed the file after we opened it and before we locked it.
  const stale = locked !== 'taken' && !sameFile(fd, file);
  if (!stale && locked !== 'taken' && signOwner(root, ourselves(what), locked)) {
    return () => {
      if (process.platform !== 'win32') attempt(() => fs.unlinkSync(file));
      fs.closeSync(fd);
      if (process.platform === 'win32') attempt(() => fs.unlinkSync(file));
    };
  }
  fs.closeSync(fd);
  if (stale) return 'again';
  throw inUse(folder, root);
}

function openLocked(file: string): { fd: number; locked: boolean } | 'taken' | 'gone' {
  const exclusive = EXCLUSIVE[process.platform];
  const flags = fs.constants.O_RDWR | fs.constants.O_CREAT;
  try {
    return { fd: fs.openSync(file, flags | (exclusive ?? 0), 0o666), locked: exclusive !== undefined };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'gone';
    if (exclusive === undefined) throw error;
    if (code === 'EAGAIN' || code === 'EBUSY') return 'taken';
    if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    return { fd: fs.openSync(file, flags, 0o666), locked: false }; // a file system without locks
  }
}

/**
 * Locks an open file with the program flock(1). The lock belongs to the open file, so we keep it after that
 * program has ended. False where the program does not exist, or the file system has no locks.
 */
function lockOpenFile(fd: number): boolean | 'taken' {
  const { status } = spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  return status === 1 ? 'taken' : status === 0;
}

function sameFile(fd: number, file: string): boolean {
  const there = attempt(() => fs.statSync(file, { bigint: true }));
  return there !== undefined && there.ino === fs.fstatSync(fd, { bigint: true }).ino;
}

// ---- who holds it ----------------------------------------------------------------------------------------

interface Owner {
  pid: number;
  /**
   * When the process began, as reported by the system: together with its number it identifies the process.
   */
  began: string;
  host: string;
  what: string;
  /** ISO 8601. */
  since: string;
}

const ownerFile: Schema<Owner> = object<Owner>({
  pid: integer({ min: 1 }),
  began: string,
  host: string,
  what: string,
  since: string,
});

function ourselves(what: string): Owner {
  const { pid } = process;
  return { pid, began: beginningOf(pid), host: hostname(), what, since: new Date().toISOString() };
}

function ownerOf(root: string): Owner | undefined {
  const file = join(root, OWNER_FILE);
  return attempt(() => readJson(fs.readFileSync(file), file, ownerFile));
}

function inUse(folder: string, root: string): FolderInUse {
  const owner = ownerOf(root);
  const fix = 'wait for it, stop it, or take another folder';
  if (!owner) return new FolderInUse(`${folder} is in use by another process: ${fix}`);
  const { pid, host, what, since } = owner;
  const where = host === hostname() ? '' : ` on ${host}`;
  const time = since.slice(0, 19).replace('T', ' ');
  return new FolderInUse(
    `${folder} is in use by process ${pid}${where} (${what}, since ${time} UTC): ${fix}`,
  );
}

/**
 * Writes down who holds the lock. Where the system offers no lock, this file is the lock: then returns false
 * while the process that is named in it still runs, as far as can be told.
 */
function signOwner(root: string, owner: Owner, locked: boolean): boolean {
  const [file, temporary] = [join(root, OWNER_FILE), join(root, `${OWNER_FILE}.${owner.pid}`)];
  if (locked) {
    fs.writeFileSync(file, JSON.stringify(owner));
    return true;
  }
  const before = ownerOf(root);
  if (before && (before.host !== owner.host || beginningOf(before.pid) === before.began)) return false;
  attempt(() => fs.unlinkSync(file));
  fs.writeFileSync(temporary, JSON.stringify(owner));
  // Of two processes, only one can create the link.
  const signed = attempt(() => fs.linkSync(temporary, file) ?? true) ?? false;
  fs.unlinkSync(temporary);
  return signed;
}

/**
 * When a process began; empty where there is no such process. On Linux in ticks since the start of the
 * machine, elsewhere as a date.
 */
function beginningOf(pid: number): string {
  const stat = attempt(() => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (process.platform === 'linux') return '';
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
