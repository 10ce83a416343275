// Ranks in one process, for tests: communicators that hand each other copies.
import type { Communicator } from '../../src/train/communicator.ts';

/** One end of a connection, where a message waits for the other end to ask for it. */
interface Post {
  bytes: Uint8Array;
  taken(): void;
}

/** `size` communicators. An exchange rejects when its two ends disagree about the length. */
export function fakeRanks(size: number): Communicator[] {
  const posts = new Map<string, Post>();
  const asking = new Map<string, (post: Post) => void>();
  const send = (from: number, to: number, bytes: Uint8Array): Promise<void> =>
    new Promise((taken) => {
      const line = `${from} ${to}`;
      const post = { bytes, taken };
      const ask = asking.get(line);
      asking.delete(line);
      if (ask) ask(post);
      else posts.set(line, post);
    });
  const receive = (from: number, to: number): Promise<Post> =>
    new Promise((resolve) => {
      const line = `${from} ${to}`;
      const post = posts.get(line);
      posts.delete(line);
      if (post) resolve(post);
      else asking.set(line, resolve);
    });
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    async exchange(peer, bytes, room, signal) {
      const lost = new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      const both = Promise.all([
        send(rank, peer, bytes.slice()),
        receive(peer, rank).then(({ bytes: theirs, taken }) => {
          taken();
          if (theirs.length !== room.length) throw new Error(`${theirs.length} bytes for ${room.length}`);
          room.set(theirs);
        }),
      ]);
      signal?.throwIfAborted();
      await Promise.race([both, lost]);
    },
  }));
}
