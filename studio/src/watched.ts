// A run as the page watches it: its events so far, which grow in place.
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { GPTConfig, TrainEvent, TrainSettings } from 'inkhorn';

export interface About {
  readonly name: string;
  readonly settings: TrainSettings;
  readonly config: GPTConfig;
}

/** A run that somebody trains, here or elsewhere. */
export interface Watched extends About {
  readonly events: readonly TrainEvent[];
  /** Number of events so far: a signal where they grow. */
  readonly count: { readonly value: number };
  /** Optimizer steps done. */
  readonly step: ReadonlySignal<number>;
}

/** A run with the events `past`, and the function that adds more. */
export function watch(
  about: About,
  past: readonly TrainEvent[],
): { run: Watched; add(more: readonly TrainEvent[]): void } {
  const events = [...past];
  const count = signal(events.length);
  const step = signal(events.at(-1)?.step ?? 0);
  return {
    run: { ...about, events, count, step },
    add(more) {
      for (const event of more) events.push(event);
      batch(() => {
        count.value = events.length;
        step.value = events.at(-1)?.step ?? 0;
      });
    },
  };
}
