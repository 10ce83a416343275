// A pool of buffers, used by every engine. A training step requests the same sizes again and again, so after
// two steps nothing is allocated any more. Prompts have other sizes each time: what waits is bounded. Read
// next: reference/index.ts.
import type { DeviceBuffer, DType, HostArray, MemoryUse } from './contract.ts';

/** Bytes of one element. */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { f32: 4, i32: 4, i8: 1 };

/** A new array on the host for `length` elements. */
export function hostArray(dtype: DType, length: number): HostArray {
  if (dtype === 'f32') return new Float32Array(length);
  return dtype === 'i32' ? new Int32Array(length) : new Int8Array(length);
}

/** How an engine creates and destroys buffers. */
export interface PoolSource<B extends DeviceBuffer> {
  /** A new buffer with undefined contents. */
  create(dtype: DType, length: number): B;
  /** Returns the memory of `buffer` to the system. Absent where the garbage collector does that. */
  destroy?(buffer: B): void;
  /**
   * Where given, the free buffer of lowest rank is taken, else the one that was freed last. By rank, a
   * repeated sequence of calls gets the same buffers, whatever the order in which they were freed.
   */
  rank?(buffer: B): number;
  /**
   * Whether freed buffers stay, as they must for a program that uses them again. Else all buffers together
   * take at most twice as much as was ever in use at once, and 16 MB: before a new one is made, those that
   * wait are destroyed, first those of the sizes that were not asked for the longest.
   */
  keepsAll?: boolean;
}

/**
 * Bytes that buffers may take beside twice the most that were in use at once. Twice: so that the steps of a
 * training, of which the last one of a batch may have fewer sequences, do not lose theirs.
 */
const SPARE_BYTES = 2 ** 24;

export interface Pool<B extends DeviceBuffer> {
  /**
   * A freed buffer of exactly this dtype and length, or a new one. Throws when the length is not a whole
   * number >= 0.
   */
  alloc(dtype: DType, length: number): B;
  /** Takes a buffer back. Throws when it is not from this pool or is already free. */
  free(buffer: DeviceBuffer): void;
  /** Whether `buffer` belongs to this pool and is in use. */
  owns(buffer: DeviceBuffer): boolean;
  /** The buffer as the engine's own kind. Throws unless the pool `owns` it. */
  own(buffer: DeviceBuffer): B;
  /** Destroys the free buffers; those in use stay, and what was in use before counts no more. */
  trim(): void;
  /** Destroys all buffers, including those in use. */
  dispose(): void;
  memory(): MemoryUse;
}

/** An empty pool. */
export function createPool<B extends DeviceBuffer>(source: PoolSource<B>): Pool<B> {
  const live = new Set<DeviceBuffer>();
  /** By size, in the order in which the sizes were last freed. */
  const waiting = new Map<string, B[]>();
  let liveBytes = 0;
  let mostLiveBytes = 0;
  let pooled = 0;
  let pooledBytes = 0;
  let peakBytes = 0;

  const trim = (): void => {
    for (const list of waiting.values()) for (const buffer of list) source.destroy?.(buffer);
    waiting.clear();
    pooled = 0;
    pooledBytes = 0;
    mostLiveBytes = liveBytes;
  };

  /** Destroys buffers that wait, until a new one of `bytes` may be made beside the others. */
  const makeRoom = (bytes: number): void => {
    if (source.keepsAll) return;
    const limit = 2 * Math.max(mostLiveBytes, liveBytes + bytes) + SPARE_BYTES;
    if (liveBytes + pooledBytes + bytes <= limit) return;
    for (const [size, list] of waiting) {
      while (list.length > 0 && liveBytes + pooledBytes + bytes > limit) {
        const buffer = list.shift() as B;
        pooled--;
        pooledBytes -= buffer.length * BYTES_PER_ELEMENT[buffer.dtype];
        source.destroy?.(buffer);
      }
      if (list.length > 0) return;
      waiting.delete(size);
    }
  };

  const taken = (list: B[] | undefined): B | undefined => {
    const { rank } = source;
    if (!list || !rank || list.length < 2) return list?.pop();
    let lowest = 0;
    for (let i = 1; i < list.length; i++) if (rank(list[i]) < rank(list[lowest])) lowest = i;
    return list.splice(lowest, 1)[0];
  };

  return {
    alloc(dtype, length) {
      if (!Number.isInteger(length) || length < 0) {
        throw new Error(
          `a buffer of ${length} elements cannot be made: the length must be a whole number >= 0`,
        );
      }
      const bytes = length * BYTES_PER_ELEMENT[dtype];
      let buffer = taken(waiting.get(key(dtype, length)));
      if (buffer) {
        pooled--;
        pooledBytes -= bytes;
      } else {
        makeRoom(bytes);
        buffer = source.create(dtype, length);
      }
      live.add(buffer);
      liveBytes += bytes;
      mostLiveBytes = Math.max(mostLiveBytes, liveBytes);
      peakBytes = Math.max(peakBytes, liveBytes + pooledBytes);
      return buffer;
    },

    free(buffer) {
      if (!live.delete(buffer)) {
        throw new Error(
          `a buffer of ${buffer.length} ${buffer.dtype} was freed twice or belongs to another engine: free each buffer once, on its own engine`,
        );
      }
      const { dtype, length } = buffer;
      const bytes = length * BYTES_PER_ELEMENT[dtype];
      const size = key(dtype, length);
      const list = waiting.get(size) ?? [];
      list.push(buffer as B);
      waiting.delete(size); // it is the latest now
      waiting.set(size, list);
      liveBytes -= bytes;
      pooled++;
      pooledBytes += bytes;
    },

    owns: (buffer) => live.has(buffer),

    own(buffer) {
      if (live.has(buffer)) return buffer as B;
      throw new Error(
        `a buffer of ${buffer.length} ${buffer.dtype} was freed or belongs to another engine: it cannot be used here`,
      );
    },

    trim,

    dispose() {
      trim();
      for (const buffer of live) source.destroy?.(buffer as B);
      live.clear();
      liveBytes = 0;
    },

    memory: () => ({ live: live.size, liveBytes, pooled, pooledBytes, peakBytes }),
  };
}

function key(dtype: DType, length: number): string {
  return `${dtype} ${length}`;
}
