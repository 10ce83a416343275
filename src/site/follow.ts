// A run on disk, followed while a command trains it: what was, then what comes. Read next: live.ts.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { folderStore, reason } from '../io/node-store.ts';
import { baseName } from '../io/store.ts';
import { loadConfig } from '../model/folder.ts';
import { HISTORY_FILE, LAST, TRAINING_FILE } from '../runs/layout.ts';
import { modelStore, openRun } from '../runs/open.ts';
import type { TrainEvent } from '../train/events.ts';
import { type LiveLook, readLive } from './live.ts';
import type { FollowMessage } from './messages.ts';

/** Milliseconds between two looks at the folder. */
const LOOK_MS = 300;

/**
 * The messages about the run in `folder`, until `signal` is aborted. A run that does not exist yet is waited
 * for, and one that has ended, too: it may be resumed.
 */
export async function* followRun(folder: string, signal: AbortSignal): AsyncGenerator<FollowMessage, void> {
  const look = readLive(folder);
  let files = '';
  let told = '';
  while (!signal.aborted) {
    try {
      const live = await look();
      if (live?.another) yield await begun(folder, live);
      else if (live && live.events.length > 0) yield { type: 'events', events: live.events };
      else if (!live) {
        const now = await changed(folder);
        if (now !== files) yield await asKept(folder);
        files = now;
      }
      if (live) files = '';
      told = '';
    } catch (error) {
      files = ''; // told again once it can be read
      const line = reason(error);
      if (line !== told) yield { type: 'waiting', reason: line };
      told = line;
    }
    await setTimeout(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A training that goes on, with what the run had before it. */
async function begun(folder: string, { head, events }: LiveLook): Promise<FollowMessage> {
  const { before, settings, config } = head;
  const past: TrainEvent[] = before > 0 ? (await openRun(folderStore(folder)).history()).events : [];
  const all = [...past.slice(0, before), ...events];
  return { type: 'run', run: { name: baseName(folder), settings, config }, events: all };
}

/** A run that nobody trains now. */
async function asKept(folder: string): Promise<FollowMessage> {
  const store = folderStore(folder);
  const run = openRun(store);
  const { settings, events } = await run.history();
  const config = await loadConfig(await modelStore(store, run));
  return { type: 'run', run: { name: baseName(folder), settings, config }, events };
}

/** When the files of its history were written: they are read again only when this changes. */
async function changed(folder: string): Promise<string> {
  const files = [join(folder, HISTORY_FILE), join(folder, LAST, TRAINING_FILE)];
  const times = files.map(async (file) => (await stat(file).catch(() => null))?.mtimeMs ?? 0);
  return (await Promise.all(times)).join();
}
