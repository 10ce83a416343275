// A pool of buffers, used by every engine. A training step requests the same sizes again and again, so after
// two steps nothing is allocated any more. Read next: reference/index.ts.
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
}

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
  /** Destroys the free buffers; those in use stay. */
  trim(): void;
  /** Destroys all buffers, including those in use. */
  dispose(): void;
  memory(): MemoryUse;
}

/** An empty pool. */
export function createPool<B extends DeviceBuffer>(source: PoolSource<B>): Pool<B> {
  const live = new Set<DeviceBuffer>();
  const waiting = new Map<string, B[]>();
  let liveBytes = 0;
  let pooled = 0;
  let pooledBytes = 0;
  let peakBytes = 0;

  const trim = (): void => {
    for (const list of waiting.values()) for (const buffer of list) source.destroy?.(buffer);
    waiting.clear();
    pooled = 0;
    pooledBytes = 0;
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
        buffer = source.create(dtype, length);
      }
      live.add(buffer);
      liveBytes += bytes;
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
      const list = waiting.get(key(dtype, length));
      if (list) list.push(buffer as B);
      else waiting.set(key(dtype, length), [buffer as B]);
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
