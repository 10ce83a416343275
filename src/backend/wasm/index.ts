// The WASM engine: the C++ kernels of native/ in WebAssembly, for machines without a compiler, and for pages.
// Tasks go to a thread of its own, which shares the work with others, so that JavaScript waits only when it
// asks to. Read next: line.ts, module.ts, then native/wasm/engine.cpp.
import { whenDropped } from '../../base/dropped.ts';
import type { Backend, BackendOptions, DeviceBuffer, DType, HostArray, Program } from '../contract.ts';
import { createLender } from '../lender.ts';
import { type KernelList, packedKernels } from '../packed-kernels.ts';
import { BYTES_PER_ELEMENT, createPool } from '../pool.ts';
import { arrayFor, checkTransfer } from '../transfer.ts';
import type { Build, WasmHost } from './host.ts';
import { createLoneLine, createThreadedLine, type Line } from './line.ts';
import {
  type Address,
  compileBest,
  createMemory,
  HEADER,
  MOVE,
  outOfMemoryText,
  RELEASE,
  REPLAY,
  textAt,
} from './module.ts';

export type { News, Orders, Thread, WasmHost } from './host.ts';

const DTYPE_NUMBERS: Readonly<Record<DType, number>> = { f32: 0, i32: 1, i8: 2 };
/** More numbers than any call packs. */
const MOST_NUMBERS = 64;
/** Milliseconds that a read blocks, where blocking is allowed, before it returns to the event loop. */
const MOMENT = 2;

/** A block of the module's memory. */
interface WasmBuffer extends DeviceBuffer {
  readonly id: Address;
}

/**
 * A WASM engine with its own memory and threads. Where threads cannot share memory, or do not start, the
 * calling thread computes, and the description says why; but threads that were asked for, and that do not
 * start, are an error. Throws with reason and fix when it does not work on `host`.
 */
export async function createWasm(host: WasmHost, options: BackendOptions = {}): Promise<Backend> {
  const { threads = host.cores, precision = 'f32' } = options;
  const { build, module } = await compileBest(host);
  const bf16 = precision === 'bf16';
  let { alone } = host;
  if (alone === null) {
    const { memory, limit } = createMemory();
    try {
      const line = await createThreadedLine(host, module, memory, { threads, bf16 });
      const description = describe(build, threads, bf16, alone);
      return wrap(line, memory, { precision, memoryLimit: limit, description });
    } catch (error) {
      if (options.threads !== undefined && options.threads > 1) throw error;
      alone = (error as Error).message;
    }
  }
  const { memory, limit } = createMemory();
  const line = createLoneLine(host, module, memory, { bf16 });
  return wrap(line, memory, {
    precision,
    memoryLimit: limit,
    description: describe(build, 1, bf16, alone),
  });
}

function wrap(
  line: Line,
  memory: WebAssembly.Memory,
  facts: Pick<Backend, 'precision' | 'description' | 'memoryLimit'>,
): Backend {
  const { exports, views } = line;
  let disposed = false;
  const allocate = (dtype: DType, length: number): Address => {
    if (disposed) throw new Error('this engine was disposed: make a new one');
    const id = exports.allocate(DTYPE_NUMBERS[dtype], length);
    if (id !== 0) return id;
    throw new Error(outOfMemoryText(length * BYTES_PER_ELEMENT[dtype], memory));
  };
  const release = (id: Address): void => {
    if (!disposed) line.push(RELEASE, [id], 1);
  };
  const pool = createPool<WasmBuffer>({
    create: (dtype, length) => ({ dtype, length, id: allocate(dtype, length) }),
    destroy: ({ id }) => release(id),
  });
  const giveBack = (): void => {
    if (disposed) return;
    disposed = true;
    pool.dispose();
    line.end();
  };
  const lender = createLender(pool);
  const { own } = pool;

  // ---- calls and recordings
  const list = kernelList(line);
  const counts = list.map(({ layout }) => layout.length + 1);
  const packed = new Float64Array(MOST_NUMBERS);
  let recording: { tasks: number[]; lastStart: number } | null = null;
  const kernels = packedKernels(
    {
      kernels: list,
      who: 'the WASM engine',
      advice: () => 'install inkhorn again, or build it: node scripts/build-wasm.mjs',
    },
    packed,
    (buffer) => own(buffer).id,
    (kernel) => {
      const count = counts[kernel];
      if (recording === null) return line.push(kernel, packed, count);
      recording.tasks.push(count + 2, kernel, ...packed.subarray(0, count));
      recording.lastStart = Math.min(recording.lastStart, packed[0]);
    },
  );
  const record = (fn: () => void): Program => {
    const made = { tasks: [] as number[], lastStart: Number.POSITIVE_INFINITY };
    recording = made;
    try {
      fn();
    } finally {
      recording = null;
    }
    const { tasks, lastStart } = made;
    const id = allocate('i8', (tasks.length + 1) * 8);
    views.floats(id + HEADER + (tasks.length + 1) * 8).set([...tasks, 0], (id + HEADER) / 8);
    return {
      replay(start) {
        if (start > lastStart) throw new Error(`replay: start ${start} is too far: at most ${lastStart}`);
        line.push(REPLAY, [id + HEADER, start], 2);
      },
      dispose: () => release(id),
    };
  };

  // ---- copies in and out
  const bytesAt = (address: Address, bytes: number): Uint8Array =>
    views.bytes(address + bytes).subarray(address, address + bytes);
  const copyIn = (address: Address, data: HostArray): void =>
    bytesAt(address, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const copyOut = (data: HostArray, address: Address): void =>
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytesAt(address, data.byteLength));
  /** The address of element `offset` of `buffer`. Throws where `data` does not fit there. */
  const place = (what: string, buffer: DeviceBuffer, data: HostArray, offset: number): Address => {
    const { id, dtype } = own(buffer);
    checkTransfer(what, buffer, data, offset);
    return id + HEADER + offset * BYTES_PER_ELEMENT[dtype];
  };
  /** Whether the previous wait ended within a moment. */
  let quick = true;
  const readInto = async <T extends HostArray>(data: T, buffer: DeviceBuffer, offset = 0): Promise<T> => {
    const from = place('read', buffer, data, offset);
    if (line.idle() || (quick && line.waitFor(MOMENT))) {
      copyOut(data, from);
      return data;
    }
    // Later tasks may change the buffer before this thread reads it, so it gets a copy.
    const begun = performance.now();
    const copy = allocate('i8', data.byteLength);
    line.push(MOVE, [copy + HEADER, from, data.byteLength], 3);
    try {
      await line.reached();
      copyOut(data, copy + HEADER);
    } finally {
      release(copy);
    }
    quick = performance.now() - begun < MOMENT;
    return data;
  };

  const backend: Backend = {
    name: 'wasm',
    ...facts,
    kernels,
    alloc: lender.alloc,
    free: lender.free,
    write(buffer, data, offset = 0) {
      const to = place('write', buffer, data, offset);
      if (line.idle()) return copyIn(to, data);
      const copy = allocate('i8', data.byteLength);
      copyIn(copy + HEADER, data);
      line.push(MOVE, [to, copy + HEADER, data.byteLength], 3);
      release(copy);
    },
    read: async (buffer, offset = 0, length = buffer.length - offset) =>
      readInto(arrayFor(buffer, offset, length), buffer, offset),
    readInto,
    readSync(buffer, offset = 0, length = buffer.length - offset) {
      const data = arrayFor(buffer, offset, length);
      const from = place('read', buffer, data, offset);
      line.finish();
      copyOut(data, from);
      return data;
    },
    async sync() {
      await line.reached();
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    },
    record: (fn) => lender.record(() => record(fn)),
    memory: pool.memory,
    trim: pool.trim,
    dispose: giveBack,
  };
  whenDropped(backend, giveBack);
  return backend;
}

/** The module's description of its kernels. */
function kernelList({ exports, views }: Line): KernelList['kernels'] {
  return Array.from({ length: exports.kernelCount() }, (_, kernel) => ({
    name: textAt(views, exports.nameOf(kernel)),
    layout: textAt(views, exports.layoutOf(kernel)),
    words: exports.wordsOf ? textAt(views, exports.wordsOf(kernel)) : 'those of an older build',
  }));
}

/** `wasm (relaxed SIMD, 2 threads)`; what is said of the threads comes last. */
function describe(build: Build, threads: number, bf16: boolean, alone: string | null): string {
  const parts = [build === 'relaxed' ? 'relaxed SIMD' : 'SIMD128'];
  if (bf16) parts.push('bf16 emulated, no faster');
  parts.push(`${threads} thread${threads === 1 ? '' : 's'}${alone === null ? '' : `: ${alone}`}`);
  return `wasm (${parts.join(', ')})`;
}
