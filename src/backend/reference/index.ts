// The reference engine: every kernel in plain TypeScript, naive by rule. It defines what all other engines
// must compute, and it runs where no faster engine works. Read next: matmul.ts, then attention.ts.
import type { Backend, BackendFactory, BackendOptions, Kernels, Precision } from '../contract.ts';
import { createLender } from '../lender.ts';
import { createPool, hostArray } from '../pool.ts';
import { createTurns } from '../turns.ts';
import { activation, activationBackward, softcap, softcapBackward } from './activation.ts';
import { attentionCached, attentionIn, attentionProbabilities } from './attention.ts';
import { type HostBuffer, readHost, readHostInto, writeHost } from './buffer.ts';
import { crossEntropy, crossEntropyBackward } from './crossentropy.ts';
import { dropout } from './dropout.ts';
import { add, axpy, copy, fill, normalize, scale, sumRows, sumSquares } from './elementwise.ts';
import { embedding, embeddingBackward } from './embedding.ts';
import { dequantizeInt4, embeddingInt4, linearInt4 } from './int4.ts';
import { dequantizeRows, embeddingInt8, linearInt8, quantizeRows } from './int8.ts';
import { layernorm, layernormBackward, rmsnorm, rmsnormBackward } from './layernorm.ts';
import { matmulIn } from './matmul.ts';
import { mix, mixBackward } from './mix.ts';
import { adamw, nesterov, sgd } from './optimizers.ts';
import { qkNorm, qkNormBackward } from './qk-norm.ts';
import { createRecorder } from './recorder.ts';
import { rope } from './rope.ts';
import { shift, shiftBackward, shiftCached } from './shift.ts';
import { statistics } from './statistics.ts';

export type { HostBuffer } from './buffer.ts';

/**
 * Every kernel, on any `HostBuffer`. An engine whose memory JavaScript can access can use them.
 */
export const referenceKernels: Kernels = {
  fill,
  copy,
  add,
  axpy,
  scale,
  sumSquares,
  normalize,
  sumRows,
  mix,
  mixBackward,
  shift,
  shiftBackward,
  shiftCached,
  matmul: matmulIn('f32'),
  embedding,
  embeddingBackward,
  layernorm,
  layernormBackward,
  rmsnorm,
  rmsnormBackward,
  activation,
  activationBackward,
  softcap,
  softcapBackward,
  dropout,
  ...attentionIn('f32'),
  attentionCached,
  attentionProbabilities,
  qkNorm,
  qkNormBackward,
  rope,
  crossEntropy,
  crossEntropyBackward,
  adamw,
  sgd,
  nesterov,
  statistics,
  quantizeRows,
  dequantizeRows,
  linearInt8,
  embeddingInt8,
  dequantizeInt4,
  linearInt4,
  embeddingInt4,
};

/** The kernels with products in `precision`. */
function kernelsIn(precision: Precision): Kernels {
  return { ...referenceKernels, matmul: matmulIn(precision), ...attentionIn(precision) };
}

/** The reference engine works everywhere. */
export const referenceFactory: BackendFactory = {
  name: 'reference',
  create: async (options) => createReference(options),
};

/**
 * A new engine with its own pool. Kernels run on the calling thread, whatever `threads` is: at once, or,
 * after a tenth of a second of work, in later turns of the event loop.
 */
export function createReference({ precision = 'f32' }: BackendOptions = {}): Backend {
  const pool = createPool<HostBuffer>({
    create: (dtype, length) => ({ dtype, length, array: hostArray(dtype, length) }),
  });
  const turns = createTurns();
  const lender = createLender(pool, (buffer) => {
    pool.free(buffer);
    // Fills freed buffers with NaN, or ids that no table has, so that reading them shows.
    const { array, dtype } = buffer as HostBuffer;
    turns.run(() => array.fill(dtype === 'f32' ? Number.NaN : -1));
  });
  const recorder = createRecorder(kernelsIn(precision), turns.run);
  return {
    name: 'reference',
    description: `reference (plain TypeScript, 1 thread${precision === 'bf16' ? ', bf16 emulated, no faster' : ''})`,
    precision,
    kernels: recorder.kernels,
    alloc: lender.alloc,
    free: lender.free,
    write(buffer, data, offset) {
      if (!turns.behind()) return writeHost(buffer as HostBuffer, data, offset);
      const copy = data.slice(); // the caller may change it as soon as this returns
      turns.run(() => writeHost(buffer as HostBuffer, copy, offset));
    },
    read: (buffer, offset, length) => turns.result(() => readHost(buffer as HostBuffer, offset, length)),
    readInto: (out, buffer, offset) => turns.result(() => readHostInto(out, buffer as HostBuffer, offset)),
    readSync(buffer, offset, length) {
      turns.finish();
      return readHost(buffer as HostBuffer, offset, length);
    },
    async sync() {
      await turns.result(() => undefined);
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    },
    cancel: turns.drop,
    record: (fn) => lender.record(() => recorder.record(fn)),
    memory: pool.memory,
    trim: pool.trim,
    dispose() {
      turns.drop(new Error('the engine was disposed of'));
      pool.dispose();
    },
  };
}
