// Runs one kernel call on two engines and compares the results. The calls are in cases/, the engines in
// *.test.ts.
import { wrapKernels } from '../../src/backend/call.ts';
import type { Backend, DeviceBuffer, DType, HostArray, Kernels } from '../../src/backend/contract.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { dtypeOf } from '../../src/tensor/tensor.ts';

/**
 * One call of a kernel. `run` makes the inputs, calls, and returns the outputs by argument name.
 */
export interface Case {
  name: string;
  run(lab: Lab): Written;
  /**
   * Largest allowed error, relative to the largest magnitude of the output. Integer outputs must be equal.
   */
  tolerance?: number;
}

/** Outputs by name; null where a case has none. */
export type Written = Record<string, DeviceBuffer | null>;

/** Makes buffers, with the same contents on every engine. */
export interface Lab {
  kernels: Kernels;
  /** f32, normally distributed with this standard deviation; the same numbers every time the case runs. */
  normal(length: number, std?: number): DeviceBuffer;
  /** i32, uniform in 0 .. limit - 1. */
  ids(length: number, limit: number): DeviceBuffer;
  put(data: HostArray): DeviceBuffer;
  /**
   * A buffer for a kernel to overwrite, filled with NaN or -77, so that reading undefined contents shows.
   */
  garbage(length: number, dtype?: DType): DeviceBuffer;
}

/**
 * Extra elements behind each buffer whose size follows from a shape and not from its length. No kernel may
 * touch them.
 */
export const GUARD = 33;

export const DEFAULT_TOLERANCE = 1e-5;

/**
 * Runs a case on an engine and reads its outputs. Throws when a kernel changed a buffer that it should only
 * read, or wrote beyond its shape. `how`: calls the kernels, or replays a program of them.
 */
export async function runCase(
  backend: Backend,
  c: Case,
  how: 'called' | 'recorded' = 'called',
): Promise<Record<string, HostArray>> {
  const random = createRandom({ seed: hash(c.name) });
  const made: { buffer: DeviceBuffer; data: HostArray }[] = [];
  const put = (data: HostArray): DeviceBuffer => {
    const buffer = backend.alloc(dtypeOf(data), data.length);
    backend.write(buffer, data);
    made.push({ buffer, data });
    return buffer;
  };
  const garbage = (length: number, dtype: DType = 'f32'): DeviceBuffer =>
    put(arrayOf(dtype, length).fill(dtype === 'f32' ? Number.NaN : -77));
  const written = new Map<DeviceBuffer, number>();
  const kernels = wrapKernels(backend.kernels, (call, args, kernel) => {
    for (const [buffer, elements] of call.written(args))
      written.set(buffer, Math.max(elements, written.get(buffer) ?? 0));
    kernel(...args);
  });
  const lab: Lab = {
    kernels,
    put,
    normal: (length, std = 1) => put(normals(length, std, random.int(NORMALS))),
    ids: (length, limit) => put(Int32Array.from({ length }, () => random.int(limit))),
    garbage,
  };
  try {
    const outputs = how === 'called' ? c.run(lab) : replayed(backend, c, lab);
    if (outputs === null) return await runCase(backend, c);
    for (const { buffer, data } of made) {
      const after = written.get(buffer) ?? 0;
      const now = await backend.read(buffer, after);
      assertSame(now, data.subarray(after), `${c.name}: what no kernel may change, from element ${after} on`);
    }
    const results: Record<string, HostArray> = {};
    for (const [name, buffer] of Object.entries(outputs)) {
      if (buffer) results[name] = await backend.read(buffer);
    }
    return results;
  } finally {
    for (const { buffer } of made) backend.free(buffer);
  }
}

/**
 * Runs a case as a program that is recorded at position 0 and replayed at the case's position. Null where the
 * case has several positions.
 */
function replayed(backend: Backend, c: Case, lab: Lab): Written | null {
  const starts = new Set<number>();
  const kernels = wrapKernels(lab.kernels, (call, args, kernel) => {
    const start = call.startOf(args);
    if (start !== null) starts.add(start);
    kernel(...call.startingAt(args, 0));
  });
  let written: Written = {};
  const program = backend.record(() => {
    written = c.run({ ...lab, kernels });
  });
  if (starts.size <= 1) program.replay([...starts][0] ?? 0);
  program.dispose();
  return starts.size <= 1 ? written : null;
}

/**
 * Numbers from one table, from `start` on and cyclically: drawing new ones would take longer than the tests.
 */
function normals(length: number, std: number, start: number): Float32Array {
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = std * table[(start + i) % NORMALS];
  return out;
}
const NORMALS = 100_003;
const drawn = createRandom({ seed: 2017 });
const table = Float32Array.from({ length: NORMALS }, () => drawn.normal());

/** Throws unless the outputs of a case agree with those of the reference. */
export function compareOutputs(
  c: Case,
  got: Record<string, HostArray>,
  want: Record<string, HostArray>,
): void {
  for (const [name, reference] of Object.entries(want)) {
    if (reference instanceof Float32Array) {
      assertClose(got[name], reference, `${c.name}: ${name}`, c.tolerance ?? DEFAULT_TOLERANCE);
    } else {
      assertSame(got[name], reference, `${c.name}: ${name}`);
    }
  }
}

/**
 * Throws unless |got - want| <= tolerance * max |want| everywhere. NaN and infinities must be where they are
 * in `want`. The message has the worst index, both values and the error.
 */
export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  what: string,
  tolerance: number = DEFAULT_TOLERANCE,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} elements, want ${want.length}`);
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    if (Number.isFinite(want[i])) largest = Math.max(largest, Math.abs(want[i]));
  }
  let worst = -1;
  let worstError = tolerance * largest;
  let wrong = 0;
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i])) continue;
    const error = Number.isFinite(want[i]) ? Math.abs(got[i] - want[i]) : Number.NaN;
    if (error <= tolerance * largest) continue;
    wrong++;
    if (worst < 0 || Number.isNaN(error) || error > worstError) {
      worst = i;
      if (!(error <= worstError)) worstError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  if (wrong > 0) {
    const relative = (Math.abs(got[worst] - want[worst]) / largest).toExponential(2);
    throw new Error(
      `${what}: ${wrong} of ${want.length} elements are wrong; worst at ${worst}: got ${got[worst]}, want ${want[worst]}, error ${relative} of max |want| ${largest}, allowed ${tolerance}`,
    );
  }
}

/** Throws unless both arrays hold the same numbers bit for bit (all NaNs count as one). */
export function assertSame(got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} elements, want ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    if (!Object.is(got[i], want[i])) {
      throw new Error(`${what}: element ${i} is ${got[i]}, want exactly ${want[i]}`);
    }
  }
}

export function arrayOf(dtype: DType, length: number): HostArray {
  if (dtype === 'f32') return new Float32Array(length);
  return dtype === 'i32' ? new Int32Array(length) : new Int8Array(length);
}

/** FNV-1a: a seed for each case. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (const c of text) h = Math.imul(h ^ (c.codePointAt(0) as number), 0x01000193);
  return h >>> 0;
}
