// A run of the command line that the server of this page follows (`inkhorn studio --run`).
import { type ReadonlySignal, signal } from '@preact/signals';
import type { FollowMessage } from '../../src/site/messages.ts';
import { changed } from './kept/files.ts';
import { type Watched, watch } from './watched.ts';

/** What is known of the run. `lost`: why nothing more is heard of it; null while it can be read. */
export type Followed =
  | { state: 'waiting'; reason: string }
  | { state: 'seen'; run: Watched; lost: string | null };

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
  const wait = (reason: string): void => {
    const { value } = shown;
    shown.value = value?.state === 'seen' ? { ...value, lost: reason } : { state: 'waiting', reason };
  };
  const source = new EventSource(`${FOLLOWED_URL}/events`);
  source.onmessage = ({ data }): void => {
    const message = JSON.parse(data) as FollowMessage;
    if (message.type === 'waiting') wait(message.reason);
    else if (message.type === 'run') {
      const watched = watch(message.run, message.events);
      add = watched.add;
      shown.value = { state: 'seen', run: watched.run, lost: null };
    } else {
      add(message.events);
      if (message.events.some(({ type }) => type === 'checkpoint')) changed('runs');
    }
  };
  source.onerror = () => wait('the server of this page does not answer; it is asked again');
}
