// What the server tells the page about a run that it follows (server-sent events, one JSON document each).
import type { GPTConfig } from '../model/config.ts';
import type { TrainEvent } from '../train/events.ts';
import type { TrainSettings } from '../train/settings.ts';

/** A run that is followed, as a page shows it. */
export interface FollowedRun {
  /** The folder, for people. */
  name: string;
  settings: TrainSettings;
  config: GPTConfig;
}

export type FollowMessage =
  /** All so far. It comes first, and again when the run was resumed from an earlier step. */
  | { type: 'run'; run: FollowedRun; events: readonly TrainEvent[] }
  /** What has happened since. */
  | { type: 'events'; events: readonly TrainEvent[] }
  /** There is nothing to follow yet, or it cannot be read: one line. */
  | { type: 'waiting'; reason: string };
