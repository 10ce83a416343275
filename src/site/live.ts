// The events of a training as they come, in a file beside its history, so that other programs can follow it.
// Only checkpoints and the history count for a resume: this file may be lost.
import { appendFile, type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GPTConfig } from '../model/config.ts';
import { LIVE_FILE } from '../runs/layout.ts';
import type { TrainEvent } from '../train/events.ts';
import type { TrainSettings } from '../train/settings.ts';

/** The first line of the file. */
export interface LiveHead {
  /** When the command began to train, ISO 8601. */
  began: string;
  /** Events of the run before. */
  before: number;
  settings: TrainSettings;
  config: GPTConfig;
}

// ---- writing ---------------------------------------------------------------------------------------------

/** The log of a training that goes on. */
export interface LiveLog {
  add(event: TrainEvent): void;
  /** Removes the file: from now on the history has everything. */
  end(): Promise<void>;
}

/** Milliseconds between two writes: as often as an eye follows. */
const WRITE_MS = 250;

/** Begins the log of the run in `folder`. A disk that does not take it does not disturb the training. */
export function writeLive(folder: string, head: Omit<LiveHead, 'began'>): LiveLog {
  const path = join(folder, LIVE_FILE);
  const first: LiveHead = { began: new Date().toISOString(), ...head };
  let lines = '';
  let written = writeFile(path, `${JSON.stringify(first)}\n`).catch(() => undefined);
  const flush = (): void => {
    if (lines === '') return;
    const text = lines;
    lines = '';
    written = written.then(() => appendFile(path, text)).catch(() => undefined);
  };
  const timer = setInterval(flush, WRITE_MS).unref();
  return {
    add(event) {
      lines += `${JSON.stringify(event)}\n`;
    },
    async end() {
      clearInterval(timer);
      await written;
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

// ---- reading ---------------------------------------------------------------------------------------------

/** What a look at the file has found. */
export interface LiveLook {
  head: LiveHead;
  /** Whether it is another log than at the last look: then `events` are all of it. */
  another: boolean;
  /** The events since the last look. */
  events: TrainEvent[];
}

/** A reader of the log in `folder`. Each look reads what was added; null while there is no log. */
export function readLive(folder: string): () => Promise<LiveLook | null> {
  let headLine = '';
  let head: LiveHead | null = null;
  let at = 0;
  return async () => {
    const file = await open(join(folder, LIVE_FILE)).catch(() => null);
    if (!file) {
      head = null;
      return null;
    }
    try {
      const same = head !== null && (await textOf(file, 0, Buffer.byteLength(headLine))) === headLine;
      const from = same ? at : 0;
      const { size } = await file.stat();
      const text = await textOf(file, from, size - from);
      const whole = text.slice(0, text.lastIndexOf('\n') + 1); // the last line may be half written
      const lines = whole.split('\n').slice(0, -1);
      at = from + Buffer.byteLength(whole);
      if (!same || !head) {
        const first = lines.shift();
        if (first === undefined) return null;
        headLine = `${first}\n`;
        head = JSON.parse(first) as LiveHead;
      }
      return { head, another: !same, events: lines.map((line) => JSON.parse(line) as TrainEvent) };
    } finally {
      await file.close();
    }
  };
}

async function textOf(file: FileHandle, from: number, length: number): Promise<string> {
  const buffer = Buffer.alloc(Math.max(0, length));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  return buffer.toString('utf8', 0, bytesRead);
}
