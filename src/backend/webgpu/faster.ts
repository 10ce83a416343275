// Whether products are faster from registers or in tiles: measured once for each GPU. Both have the same bits
// (matmul-shaders.ts), so that the choice changes nothing else. Read next: index.ts.
import type { Backend } from '../contract.ts';
import type { Queue } from './queue.ts';

/** What is measured: the products of `kernels`, as `queue` chooses them. */
export interface Measured extends Pick<Backend, 'kernels' | 'alloc' | 'free'> {
  readonly queue: Pick<Queue, 'tiles'>;
  /** Resolves when the GPU has computed everything. */
  finished(): Promise<void>;
}

const SHAPE = { m: 2048, n: 512, k: 512 } as const;
const PRODUCTS = 4;
const ROUNDS = 3;

/** By the name of a GPU: whether tiles were faster. */
const choices = new Map<string, boolean>();

/** Sets `tiles` of the queue to what is faster on the GPU `name`. Takes some milliseconds the first time. */
export async function chooseFaster(
  name: string,
  { kernels, alloc, free, queue, finished }: Measured,
  now: () => number = () => performance.now(),
): Promise<void> {
  const known = choices.get(name);
  if (known !== undefined) {
    queue.tiles = known;
    return;
  }
  const { m, n, k } = SHAPE;
  const [out, a, b] = [m * n, m * k, k * n].map((length) => alloc('f32', length));
  const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round <= ROUNDS; round++) {
    for (const tiles of [false, true]) {
      queue.tiles = tiles;
      const begun = now();
      for (let i = 0; i < PRODUCTS; i++) kernels.matmul(out, a, b, SHAPE);
      await finished();
      // The first round is for compiling.
      if (round > 0) least[Number(tiles)] = Math.min(least[Number(tiles)], now() - begun);
    }
  }
  for (const buffer of [out, a, b]) free(buffer);
  queue.tiles = least[1] < least[0];
  choices.set(name, queue.tiles);
}
