// Work for engines, enough of it that they are behind their caller.
import type { Backend, DeviceBuffer } from '../../src/backend/contract.ts';

/** Queues products of matrices, as many as it is asked for. */
export function busyWork(engine: Backend): (times: number) => void {
  const size = 384;
  const [a, b, out] = [0, 1, 2].map((value) => filled(engine, size * size, value));
  return (times) => {
    for (let i = 0; i < times; i++) engine.kernels.matmul(out, a, b, { m: size, n: size, k: size });
  };
}

/** A buffer of `length` floats that are all `value`. */
export function filled(engine: Backend, length: number, value: number): DeviceBuffer {
  const buffer = engine.alloc('f32', length);
  engine.kernels.fill(buffer, value);
  return buffer;
}
