// A run of the command line that the server of this page follows (`inkhorn studio --run`).
import { type ReadonlySignal, signal } from '@preact/signals';
import type { FollowMessage } from '../../src/site/messages.ts';
import { changed } from './kept/files.ts';
import { type Watched, watch } from './watched.ts';

/** What the server says of the run. */
export type Followed = { state: 'waiting'; reason: string } | { state: 'seen'; run: Watched };

const shown = signal<Followed | null>(null);
/** Null where there is no run to follow. */
export const followed: ReadonlySignal<Followed | null> = shown;

/** The name of the run that the server follows, which it writes into the page; null if there is none. */
export const followedName: string | null =
  document.querySelector<HTMLMetaElement>('meta[name="inkhorn-run"]')?.content ?? null;

/** Where its files are. */
export const FOLLOWED_URL: string = new URL('./run', document.baseURI).href;

/** Follows the run, if there is one. The browser connects again on its own when the server was gone. */
export function follow(): void {
  if (followedName === null) return;
  shown.value = { state: 'waiting', reason: 'the server is asked' };
  let add = (_: Watched['events']): void => {};
  const source = new EventSource(`${FOLLOWED_URL}/events`);
  source.onmessage = ({ data }): void => {
    const message = JSON.parse(data) as FollowMessage;
    if (message.type === 'waiting') {
      if (shown.value?.state !== 'seen') shown.value = { state: 'waiting', reason: message.reason };
    } else if (message.type === 'run') {
      const watched = watch(message.run, message.events);
      add = watched.add;
      shown.value = { state: 'seen', run: watched.run };
    } else {
      add(message.events);
      if (message.events.some(({ type }) => type === 'checkpoint')) changed('runs');
    }
  };
}
