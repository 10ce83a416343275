// Stop strings: text passes through and ends before the first stop string, even where it spans several
// tokens.

import { type Schema, such } from '../base/schema.ts';

/**
 * Whether `value` is a stop string: a text that is not empty. Half of a surrogate pair is in none: generated
 * text consists of whole characters, which it would cut through.
 */
export function isStopText(value: unknown): value is string {
  return typeof value === 'string' && /^\P{Cs}+$/u.test(value);
}

/** A stop string. */
export const stopText: Schema<string> = such(isStopText, 'a text of one whole character or more');

/** Text that passes through a `stopFilter`. */
export interface StopFilter {
  /** Takes more text and returns what can be shown. An end that may begin a stop string is held back. */
  push(text: string): string;
  /** The text held back, when no more text will come. Empty after a stop. */
  flush(): string;
  /** The stop string that was found, or null. After it nothing passes. */
  readonly found: string | null;
}

/**
 * Cuts a text before the first of `stops` to be complete. Of several complete at the same character the
 * longest counts. How the text is divided into pushes makes no difference.
 */
export function stopFilter(stops: readonly string[]): StopFilter {
  let held = '';
  let found: string | null = null;
  return {
    push(text): string {
      if (found !== null) return '';
      held += text;
      const stop = firstComplete(held, stops);
      const shown = held.slice(0, stop ? stop.start : held.length - beginning(held, stops));
      held = stop ? '' : held.slice(shown.length);
      found = stop?.text ?? null;
      return shown;
    },
    flush(): string {
      const rest = held;
      held = '';
      return rest;
    },
    get found(): string | null {
      return found;
    },
  };
}

function firstComplete(text: string, stops: readonly string[]): { start: number; text: string } | null {
  const found = stops
    .map((stop) => ({ start: text.indexOf(stop), text: stop }))
    .filter(({ start }) => start >= 0)
    .sort((a, b) => a.start + a.text.length - (b.start + b.text.length) || a.start - b.start);
  return found[0] ?? null;
}

/** Length of the longest end of `text` that is a beginning of one of `stops`. */
function beginning(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
