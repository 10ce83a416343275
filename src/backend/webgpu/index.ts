// The WebGPU engine: kernels in WGSL, for a page and for Node. Nothing here waits for the GPU except `read`
// and `sync`. Read next: shader.ts (how a kernel is written), queue.ts, elementwise.ts.
import { whenDropped } from '../../base/dropped.ts';
import { type Args, wrapKernels } from '../call.ts';
import type { Backend, BackendOptions, DeviceBuffer, HostArray, Kernels } from '../contract.ts';
import { createLender } from '../lender.ts';
import { BYTES_PER_ELEMENT, createPool } from '../pool.ts';
import { arrayFor, checkTransfer } from '../transfer.ts';
import { activationKernels } from './activation.ts';
import { type OpenDevice, openDevice } from './adapter.ts';
import { attentionKernels } from './attention.ts';
import { attentionCachedKernels } from './attention-cached.ts';
import { crossEntropyKernels } from './crossentropy.ts';
import { dropoutKernels } from './dropout.ts';
import { elementwiseKernels } from './elementwise.ts';
import { embeddingKernels } from './embedding.ts';
import { chooseFaster, type Measured } from './faster.ts';
import type { GpuBuffer } from './homes.ts';
import type { WebgpuHost } from './host.ts';
import { int4Kernels } from './int4.ts';
import { int8Kernels } from './int8.ts';
import { layernormKernels } from './layernorm.ts';
import { matmulKernels } from './matmul.ts';
import { mixKernels } from './mix.ts';
import { optimizerKernels } from './optimizers.ts';
import { qkNormKernels } from './qk-norm.ts';
import { quantizeRowsKernels } from './quantize-rows.ts';
import { type Counts, createLine, type Queue } from './queue.ts';
import { createRecorder } from './recorder.ts';
import { reduceKernels } from './reduce.ts';
import { ropeKernels } from './rope.ts';
import { shiftKernels } from './shift.ts';
import { statisticsKernels } from './statistics.ts';

export type { WebgpuHost } from './host.ts';

export interface WebgpuBackend extends Backend {
  readonly counts: Readonly<Counts>;
}

/** For tests. */
export interface WebgpuOptions extends BackendOptions {
  /** Operations after which a pass is submitted, instead of about ten milliseconds. */
  passWork?: number;
  /** Whether INT8 uses products of four packed bytes; default: where WGSL has them. */
  packedDot?: boolean;
  /** Whether large products are computed in shared tiles; default: where that is measured to be faster. */
  tiles?: boolean;
}

/** A WebGPU engine. Throws with reason and fix when `host` has no GPU that will do. */
export async function createWebgpu(host: WebgpuHost, options: WebgpuOptions = {}): Promise<WebgpuBackend> {
  const opened = await openDevice(host);
  const { backend, queue, finished } = wrap(opened, options);
  if (options.tiles === undefined && !opened.software) {
    await chooseFaster(opened.adapter, { ...backend, queue, finished });
    backend.trim();
  }
  return backend;
}

/** An engine, and what faster.ts needs beside it. */
interface Wrapped extends Pick<Measured, 'queue' | 'finished'> {
  readonly backend: WebgpuBackend;
}

function wrap(opened: OpenDevice, options: WebgpuOptions): Wrapped {
  const { device, title, software } = opened;
  const { precision = 'f32', passWork, packedDot = opened.packedDot, tiles = false } = options;
  const line = createLine(device, software, passWork);
  const pool = createPool<GpuBuffer>({
    create: (dtype, length) => ({
      dtype,
      length,
      ...line.createBuffer(length * BYTES_PER_ELEMENT[dtype]),
    }),
    destroy: line.destroyBuffer,
    rank: ({ id }) => id,
  });
  let disposed = false;
  const giveBack = (): void => {
    if (disposed) return;
    disposed = true;
    pool.dispose();
    line.end();
  };
  const lender = createLender(pool);
  const { own } = pool;

  const recorder = createRecorder(line, lender, { bf16: precision === 'bf16', packedDot, tiles });
  const kernels = wrapKernels(kernelsOn(recorder.queue), (call, args, kernel) => {
    call.check(args);
    checkOwners(args, own);
    recorder.dispatch(call, args, kernel);
  });

  // ---- copies in and out
  const write = (buffer: DeviceBuffer, data: HostArray, offset = 0): void => {
    const to = own(buffer);
    checkTransfer('write', buffer, data, offset);
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const at = offset * BYTES_PER_ELEMENT[buffer.dtype];
    recorder.atOnce(() => {
      if (at % 4 === 0 && bytes.length % 4 === 0) {
        line.write(to, at, bytes);
        return;
      }
      // WebGPU writes whole words: bytes go through a buffer of their own.
      const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
      padded.set(bytes);
      const copy = pool.alloc('i8', bytes.length);
      line.write(copy, 0, padded);
      kernels.copy(buffer, copy, offset);
      pool.free(copy);
    });
  };
  const readInto = async <T extends HostArray>(out: T, buffer: DeviceBuffer, offset = 0): Promise<T> => {
    const from = own(buffer);
    checkTransfer('read', buffer, out, offset);
    if (out.length === 0) return out;
    const begin = offset * BYTES_PER_ELEMENT[buffer.dtype];
    const first = begin - (begin % 4);
    const end = Math.ceil((begin + out.byteLength) / 4) * 4;
    recorder.atOnce(); // what waits to be joined
    const bytes = await line.read(from, first, end - first);
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(
      new Uint8Array(bytes, begin - first, out.byteLength),
    );
    return out;
  };

  const backend: WebgpuBackend = {
    name: 'webgpu',
    description: `webgpu (${title}${precision === 'bf16' ? ', bf16 emulated, no faster' : ''})`,
    precision,
    bufferLimit: line.bufferLimit,
    ...(software && {
      lastResort: 'the processor only imitates a GPU, slower than WASM: ask for it by name',
      cancel(reason: unknown) {
        recorder.atOnce();
        line.drop(reason);
      },
    }),
    kernels,
    alloc: lender.alloc,
    free(buffer) {
      recorder.settle(); // what waits to be joined may use it, and its memory may be another buffer's soon
      lender.free(buffer);
    },
    write,
    readInto,
    read: async (buffer, offset = 0, length = buffer.length - offset) =>
      readInto(arrayFor(buffer, offset, length), buffer, offset),
    readSync() {
      throw new Error('readSync: WebGPU cannot be waited for: use `read`, or another engine');
    },
    async sync() {
      recorder.atOnce();
      await line.finished();
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    },
    record: (fn) => lender.record(() => recorder.record(fn)),
    memory: pool.memory,
    trim() {
      recorder.atOnce();
      pool.trim();
    },
    dispose: giveBack,
    counts: line.counts,
  };
  whenDropped(backend, giveBack);
  return { backend, queue: recorder.queue, finished: line.finished };
}

/** Throws where an argument is a buffer of another engine. */
function checkOwners(args: Args, own: (buffer: DeviceBuffer) => void): void {
  for (const arg of args) {
    if (typeof arg !== 'object' || arg === null) continue;
    if ('dtype' in arg) own(arg as DeviceBuffer);
    else checkOwners(Object.values(arg), own);
  }
}

function kernelsOn(queue: Queue): Kernels {
  return {
    ...elementwiseKernels(queue),
    ...reduceKernels(queue),
    ...activationKernels(queue),
    ...matmulKernels(queue),
    ...mixKernels(queue),
    ...shiftKernels(queue),
    ...embeddingKernels(queue),
    ...layernormKernels(queue),
    ...dropoutKernels(queue),
    ...crossEntropyKernels(queue),
    ...optimizerKernels(queue),
    ...statisticsKernels(queue),
    ...attentionKernels(queue),
    ...attentionCachedKernels(queue),
    ...qkNormKernels(queue),
    ...ropeKernels(queue),
    ...quantizeRowsKernels(queue),
    ...int8Kernels(queue),
    ...int4Kernels(queue),
  };
}
