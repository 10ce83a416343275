// Where buffers lie: each in a GPU buffer of its own, or several side by side in one, which a single dispatch
// can then update as a whole. WebGPU refuses a dispatch that reads from a GPU buffer and writes to it, so
// that a buffer moves out where a kernel needs that. Read next: queue.ts; gather.ts, which uses it.
import type { DeviceBuffer } from '../contract.ts';
import { BYTES_PER_ELEMENT } from '../pool.ts';

/** A GPU buffer that holds one buffer or several. */
export interface Home {
  readonly gpu: GPUBuffer;
  /** The buffers in it. */
  users: number;
}

/** A buffer on the GPU. Its size there is a multiple of 16 bytes. */
export interface GpuBuffer extends DeviceBuffer {
  readonly id: number;
  home: Home;
  /** Where it begins in its home, in bytes. */
  offset: number;
  /** It had to move out once: it stays alone. */
  alone?: boolean;
  /** The buffers that this one spans. */
  readonly parts?: readonly GpuBuffer[];
}

/** Buffers side by side: those of a column lie in one home, those of a row belong together. */
export interface Span {
  /** The numbers of the rows in the list that was given. */
  readonly rows: readonly number[];
  /** For each column a buffer from the first one to the last one, gaps included. */
  readonly columns: readonly GpuBuffer[];
}

export interface Homes {
  /** Moves the buffers of the rows side by side, unless they are, in as few homes as a binding can reach. */
  gather(rows: readonly (readonly GpuBuffer[])[]): readonly Span[];
  /** Moves buffers out that cannot be bound together; `access` has `w` for each that is written. */
  separate(buffers: readonly GpuBuffer[], access: string): void;
  /** Ends the life of a buffer. */
  leave(buffer: GpuBuffer): void;
}

/** What moving needs of the queue. */
export interface Ground {
  /** Most bytes of a binding. */
  readonly most: number;
  create(bytes: number): Home;
  nextId(): number;
  /** Copies after everything encoded so far. */
  copy(buffer: GpuBuffer, to: Home, offset: number): void;
  /** After what was encoded and copied so far: `empty` homes end. Bindings are made anew. */
  settle(empty: readonly Home[]): void;
}

/** The alignment that a GPU may ask of the beginning of a binding. */
const ALIGNMENT = 256;

/** Bytes of a buffer on the GPU. */
export function sizeOf({ dtype, length }: DeviceBuffer): number {
  return Math.max(16, Math.ceil((length * BYTES_PER_ELEMENT[dtype]) / 16) * 16);
}

export function createHomes(ground: Ground): Homes {
  /** The spans made so far, by the first buffer of each. */
  const known = new Map<GpuBuffer, Span>();

  const move = (buffer: GpuBuffer, home: Home, offset: number): Home => {
    const before = buffer.home;
    ground.copy(buffer, home, offset);
    buffer.home = home;
    buffer.offset = offset;
    home.users++;
    before.users--;
    return before;
  };
  const vacate = (homes: readonly Home[]): void => {
    ground.settle([...new Set(homes)].filter(({ users }) => users === 0));
  };

  const makeColumn = (buffers: readonly GpuBuffer[]): GpuBuffer => {
    const offsets = offsetsOf(buffers);
    const last = buffers.length - 1;
    const bytes = offsets[last] + sizeOf(buffers[last]);
    const home = ground.create(bytes);
    vacate(buffers.map((buffer, i) => move(buffer, home, offsets[i])));
    return { dtype: 'f32', length: bytes / 4, id: ground.nextId(), home, offset: 0, parts: buffers };
  };

  /** Whether the rows still lie in `span` as they did, and nothing else does. */
  const lies = (span: Span, rows: readonly (readonly GpuBuffer[])[], chunk: readonly number[]): boolean =>
    span.columns.every(({ parts = [], home }, c) => {
      const offsets = parts.length === chunk.length ? offsetsOf(parts) : [];
      return chunk.every((row, i) => {
        const buffer = rows[row][c];
        return parts[i] === buffer && buffer.home === home && buffer.offset === offsets[i];
      });
    });

  return {
    gather(rows) {
      return chunksOf(rows, ground.most).map((chunk) => {
        const [first] = rows[chunk[0]];
        const before = known.get(first);
        if (before && lies(before, rows, chunk)) return { ...before, rows: chunk };
        const columns = rows[chunk[0]].map((_, c) => makeColumn(chunk.map((row) => rows[row][c])));
        const span = { rows: chunk, columns };
        known.set(first, span);
        return span;
      });
    },
    separate(buffers, access) {
      const clashes = (buffer: GpuBuffer, i: number): boolean =>
        access[i] !== 'w' && buffers.some(({ home }, j) => access[j] === 'w' && home === buffer.home);
      const clashing = buffers.filter(clashes);
      if (clashing.length === 0) return;
      vacate(
        clashing.map((buffer) => {
          buffer.alone = true;
          return move(buffer, ground.create(sizeOf(buffer)), 0);
        }),
      );
    },
    leave(buffer) {
      for (const [first, { columns }] of known)
        if (columns.some(({ parts }) => parts?.includes(buffer))) known.delete(first);
      buffer.home.users--;
      vacate([buffer.home]);
    },
  };
}

function offsetsOf(buffers: readonly GpuBuffer[]): number[] {
  let end = 0;
  return buffers.map((buffer) => {
    const begin = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = begin + sizeOf(buffer);
    return begin;
  });
}

/** Lists of rows whose columns are at most `most` bytes. Rows with a buffer that stays alone are in none. */
function chunksOf(rows: readonly (readonly GpuBuffer[])[], most: number): number[][] {
  const chunks: number[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const [i, row] of rows.entries()) {
    if (row.some(({ alone }) => alone)) continue;
    const more = Math.ceil(Math.max(...row.map(sizeOf)) / ALIGNMENT) * ALIGNMENT;
    if (bytes + more > most) {
      chunks.push([]);
      bytes = 0;
    }
    chunks[chunks.length - 1].push(i);
    bytes += more;
  }
  return chunks.filter((chunk) => chunk.length > 1);
}
