// A build of the engine, checked, and an instance of it. Its functions are documented in
// native/wasm/engine.cpp. Read next: line.ts.
import type { Build, WasmHost } from './host.ts';

/** An address in the module's memory, or an index into it. */
export type Address = number;

export interface Exports {
  /** A buffer. Its elements begin HEADER bytes after this address. 0: no memory. */
  allocate(dtype: number, length: number): Address;
  begin(threads: number, bf16: number): void;
  kernelCount(): number;
  nameOf(kernel: number): Address;
  layoutOf(kernel: number): Address;
  /** Absent in older builds. */
  wordsOf?(kernel: number): Address;
  pushedAt(): Address;
  doneAt(): Address;
  failedAt(): Address;
  run(task: Address): Address;
  serveTasks(task: Address): void;
  serveTeam(thread: number): void;
  readonly __stack_pointer: { value: number };
}

/** Bytes before the elements of a buffer. */
export const HEADER = 64;

/** Tasks that are not kernels. */
export const RELEASE = -1;
export const REPLAY = -2;
export const TELL = -3;
export const MOVE = -4;
export const JUMP = -5;

/** Bytes of a thread's stack. */
export const STACK = 262_144;

/** Sizes of memory to try: 4 GiB less a page, and smaller ones where there is not so much address space. */
const MOST_PAGES = [65_535, 32_768, 16_384];

/** A module of one `f32x4.relaxed_madd`. */
const PROBE = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0,
  253, 15, 65, 0, 253, 15, 253, 133, 2, 11,
]);

/**
 * Loads and compiles the best build that runs here, or the requested one. Throws with reason and fix.
 */
export async function compileBest(host: WasmHost): Promise<{ build: Build; module: WebAssembly.Module }> {
  if (typeof WebAssembly === 'undefined') throw new Error('there is no WebAssembly here');
  const relaxed = WebAssembly.validate(PROBE);
  const wanted = host.wanted?.trim().toLowerCase();
  const build = (wanted ?? (relaxed ? 'relaxed' : 'simd128')) as Build;
  if (build !== 'relaxed' && build !== 'simd128')
    throw new Error(`INKHORN_WASM is '${host.wanted}': use relaxed or simd128, or unset it`);
  if (build === 'relaxed' && !relaxed)
    throw new Error('relaxed SIMD is not supported here (Node has it from 22 on): use simd128');
  let bytes: Uint8Array;
  try {
    bytes = await host.load(build);
  } catch (error) {
    throw new Error(`${build}.wasm cannot be read: ${(error as Error).message}`);
  }
  try {
    return { build, module: await WebAssembly.compile(bytes) };
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${build}.wasm does not compile: ${message}; ${remedy(message)}`);
  }
}

/** What helps against a compilation that failed. */
function remedy(message: string): string {
  return /Content[- ]Security|\bCSP\b|unsafe-eval/i.test(message)
    ? "add 'wasm-unsafe-eval' to script-src in the page's content security policy"
    : 'install inkhorn again if it is damaged, or update what runs it if it lacks SIMD or threads';
}

/** Bytes of a page of memory. */
const PAGE = 65_536;

/** Memory that threads can share, and to how many bytes it can grow. Throws when there is none. */
export function createMemory(): { memory: WebAssembly.Memory; limit: number } {
  let reason: unknown;
  for (const maximum of MOST_PAGES) {
    try {
      const memory = new WebAssembly.Memory({ initial: 32, maximum, shared: true });
      return { memory, limit: maximum * PAGE };
    } catch (error) {
      reason = error;
    }
  }
  throw new Error(
    `there is no shared WebAssembly memory here: ${(reason as Error).message}; close other tabs or programs, or update what runs it`,
  );
}

/** An instance on this thread. `tell` is called when a task of that kind is reached. */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  tell: (number: number) => void,
): Exports {
  const outOfMemory = (bytes: number): never => {
    throw new Error(outOfMemoryText(bytes >>> 0, memory));
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory }, host: { tell, outOfMemory } });
  return exports as Exports;
}

export function outOfMemoryText(bytes: number, memory: WebAssembly.Memory): string {
  const used = (memory.buffer.byteLength / 2 ** 20).toFixed(0);
  return `out of memory: ${(bytes / 2 ** 20).toFixed(1)} MB more than the ${used} MB that WebAssembly has here: use a smaller batch or model`;
}

/** JavaScript's view of the memory, also after it has grown. */
export interface Views {
  floats(end: Address): Float64Array;
  ints(end: Address): Int32Array;
  bytes(end: Address): Uint8Array;
}

/**
 * Views that reach at least to `end`. Growing does not detach views of shared memory, but they keep their
 * length.
 */
export function createViews(memory: WebAssembly.Memory): Views {
  let floats = new Float64Array(memory.buffer);
  let ints = new Int32Array(memory.buffer);
  let bytes = new Uint8Array(memory.buffer);
  const reach = (end: Address): void => {
    if (end <= bytes.length) return;
    memory.grow(0); // makes this thread notice that another one has grown it
    floats = new Float64Array(memory.buffer);
    ints = new Int32Array(memory.buffer);
    bytes = new Uint8Array(memory.buffer);
  };
  return {
    floats(end) {
      reach(end);
      return floats;
    },
    ints(end) {
      reach(end);
      return ints;
    },
    bytes(end) {
      reach(end);
      return bytes;
    },
  };
}

/** Records, once, why a thread cannot continue, in memory that all threads see. */
export function noteFailure(exports: Exports, memory: WebAssembly.Memory, reason: string): void {
  const at = exports.failedAt();
  const ints = new Int32Array(memory.buffer);
  if (Atomics.load(ints, at / 4) !== 0) return;
  const text = new TextEncoder().encode(reason).subarray(0, 508);
  new Uint8Array(memory.buffer).set(text, at + 4);
  Atomics.store(ints, at / 4, text.length);
  Atomics.notify(ints, exports.doneAt() / 4); // threads that wait for tasks must not wait for ever
}

/** The recorded reason, or null. */
export function failureNoted(exports: Exports, views: Views): string | null {
  const at = exports.failedAt();
  const length = Atomics.load(views.ints(0), at / 4);
  return length === 0 ? null : new TextDecoder().decode(views.bytes(0).slice(at + 4, at + 4 + length));
}

/** The string at `at`, which ends with a 0. */
export function textAt(views: Views, at: Address): string {
  const bytes = views.bytes(at + 64);
  let text = '';
  for (let i = at; bytes[i] !== 0; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
