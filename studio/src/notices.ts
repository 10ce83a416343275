// What the page has to say in one line: errors, and what went well. They stay until they are closed or
// replaced.
import { type ReadonlySignal, signal } from '@preact/signals';

export interface Notice {
  tone: 'bad' | 'good';
  line: string;
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

export function tell(line: string): void {
  shown.value = { tone: 'good', line };
}

/** Shows why something failed. What was ended on purpose is no failure. */
export function complain(error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  shown.value = { tone: 'bad', line: error instanceof Error ? error.message : String(error) };
}

/** Shows why something failed, with a button that mends it, in the first of its ways if nobody chooses. */
export function offer(line: string, fix: NonNullable<Notice['fix']>): void {
  shown.value = { tone: 'bad', line, fix };
}

export function dismiss(): void {
  shown.value = null;
}

/** Runs `work`, and shows why it failed. */
export function attempt(work: () => void | Promise<void>): void {
  try {
    void Promise.resolve(work()).catch(complain);
  } catch (error) {
    complain(error);
  }
}
