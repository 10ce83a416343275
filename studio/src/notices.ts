// What the page has to say in one line: errors, and what went well. They stay until they are closed or
// replaced, or until one leaves the room that they are about.
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { type Room, room } from './route.ts';

export interface Notice {
  tone: 'bad' | 'good';
  line: string;
  /** Where it is of use: the room that asked for the work, and the one where it was said. */
  rooms: readonly Room[];
  /** What can be done about it, in one of several ways. */
  fix?: { label: string; ways: readonly Way[]; work(way: string): void };
}

/** A way of doing something, what it is called, and what comes of it. */
export interface Way {
  value: string;
  title: string;
  preview: string;
}

const shown = signal<Notice | null>(null);
export const notice: ReadonlySignal<Notice | null> = shown;
effect(() => {
  const here = room.value;
  if (!shown.peek()?.rooms.includes(here)) shown.value = null;
});

export function tell(line: string): void {
  shown.value = { tone: 'good', line, rooms: [room.peek()] };
}

/**
 * Shows why something failed that was asked for in the room `asked`. What was ended on purpose is no failure.
 */
export function complain(error: unknown, asked: Room = room.peek()): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  const line = error instanceof Error ? error.message : String(error);
  shown.value = { tone: 'bad', line, rooms: [asked, room.peek()] };
}

/** Shows why something failed, with a button that mends it, in the first of its ways if nobody chooses. */
export function offer(line: string, fix: NonNullable<Notice['fix']>): void {
  shown.value = { tone: 'bad', line, fix, rooms: [room.peek()] };
}

export function dismiss(): void {
  shown.value = null;
}

/** Runs `work`, and shows why it failed. */
export function attempt(work: () => void | Promise<void>): void {
  const asked = room.peek();
  try {
    void Promise.resolve(work()).catch((error) => complain(error, asked));
  } catch (error) {
    complain(error, asked);
  }
}
