// The native engine: C++ kernels behind Node-API, on a queue with its own thread, so that JavaScript waits
// only when it asks to. Read next: kernels.ts, threads.ts, then native/engine.h.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { whenDropped } from '../../base/dropped.ts';
import { formatAmount } from '../../base/format.ts';
import type { Backend, BackendOptions, DeviceBuffer, HostArray } from '../contract.ts';
import { createLender } from '../lender.ts';
import { createPool, hostArray } from '../pool.ts';
import { ADDON_VERSION, type Addon, DTYPE_NUMBERS, type Id, type Isa } from './addon.ts';
import { checkWhole, findAddon } from './addon-file.ts';
import { createKernels } from './kernels.ts';
import { type Lease, type Shared, share } from './threads.ts';

/**
 * A native engine with its own buffers; engines with the same settings share threads and queue. The
 * environment variable INKHORN_ISA (amx, avx512, avx2, neon, portable) chooses a lower instruction set than
 * the best. Throws with reason and fix when the addon is not built, does not load, or does not have that
 * instruction set.
 */
export async function createNative(options: BackendOptions = {}): Promise<Backend> {
  const addon = loadAddon();
  const isa = chosenIsa(addon);
  const { threads = availableParallelism(), precision = 'f32' } = options;
  return wrap(share(addon, isa.name, { threads, precision }), addon, isa, { threads, precision });
}

/**
 * The addon itself. Throws with reason and fix when there is none, it does not load, was made from other
 * sources, or the environment variable INKHORN_WITHOUT hides features that do not exist.
 */
export function loadAddon(): Addon {
  hideFeatures();
  const found = findAddon();
  const { file, origin, fix } = found;
  const require = createRequire(import.meta.url);
  if (!(file in require.cache)) checkWhole(found);
  let addon: Addon;
  try {
    addon = require(file) as Addon;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new Error(`${file} does not load: ${reason}; ${fix}`);
  }
  const { version = 0 } = addon; // the first addon had no version
  if (version === ADDON_VERSION) return addon;
  const age = version < ADDON_VERSION ? 'older' : 'newer';
  throw new Error(
    `the native addon (${origin}) is ${age} than the code (version ${version}, not ${ADDON_VERSION}): ${fix}`,
  );
}

/** The instruction set that INKHORN_ISA names, or else the best. Throws where there is none of that name. */
export function chosenIsa(addon: Addon): Isa {
  const isas = addon.isas();
  const wanted = process.env.INKHORN_ISA;
  if (!wanted) return isas[0];
  const isa = isas.find(({ name }) => name === wanted.trim().toLowerCase());
  if (isa) return isa;
  const names = isas.map(({ name }) => name).join(', ');
  throw new Error(
    `INKHORN_ISA is '${wanted}', this build and processor have ${names}: use one of these or unset it`,
  );
}

/** What the environment variable INKHORN_WITHOUT can hide, for tests: `there` in native/cpu.cpp. */
const FEATURES = ['avx2', 'avxvnni', 'avx512', 'avx512vnni', 'avx512bf16', 'amx', 'neon', 'dotprod', 'i8mm'];

/**
 * Checks INKHORN_WITHOUT, and writes it as the addon reads it: in small letters, with commas between. Throws
 * for a name that is none.
 */
function hideFeatures(): void {
  const { INKHORN_WITHOUT: said } = process.env;
  if (!said) return;
  const names = said
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((name) => name !== '');
  const wrong = names.find((name) => !FEATURES.includes(name));
  if (wrong !== undefined)
    throw new Error(`INKHORN_WITHOUT has '${wrong}': use names of ${FEATURES.join(', ')}, or unset it`);
  const plain = names.join(',');
  // What a worker writes into its environment does not reach the addon.
  if (plain !== said && !isMainThread)
    throw new Error(`INKHORN_WITHOUT is '${said}': write ${plain} for an engine in a worker, or unset it`);
  if (plain !== said) process.env.INKHORN_WITHOUT = plain;
}

/** A block of the engine's memory, which the addon knows by its number. */
interface NativeBuffer extends DeviceBuffer {
  readonly id: Id;
}

function wrap({ team, end }: Lease, addon: Addon, isa: Isa, options: Required<BackendOptions>): Backend {
  const { engine } = team;
  let disposed = false;
  const programs = new Set<number>();
  const pool = createPool<NativeBuffer>({
    create(dtype, length) {
      if (disposed) throw new Error('this engine was disposed: make a new one');
      return { dtype, length, id: engine.alloc(DTYPE_NUMBERS[dtype], length) };
    },
    destroy(buffer) {
      if (team.users > 0) engine.release(buffer.id); // else it was freed with the threads
    },
  });
  const giveBack = (): void => {
    if (disposed) return;
    disposed = true;
    end();
    if (team.users > 0) for (const program of programs) engine.releaseProgram(program);
    pool.dispose();
  };
  const lender = createLender(pool);
  const { own } = pool;
  const ofKernel = (buffer: DeviceBuffer): Id => {
    if (team.recording === null || team.recording === pool) return own(buffer).id;
    throw new Error('an engine of the same settings is recording: call no kernel of another one meanwhile');
  };
  const target = (buffer: DeviceBuffer, offset: number, length: number): HostArray => {
    const whole = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
    if (whole && offset + length <= buffer.length) return hostArray(buffer.dtype, length);
    throw new Error(`read: ${length} elements from ${offset} on do not fit a buffer of ${buffer.length}`);
  };

  const backend: Backend = {
    name: 'native',
    description: describe(isa, options),
    precision: options.precision,
    kernels: createKernels(addon, team, ofKernel),
    alloc: lender.alloc,
    free: lender.free,
    write: (buffer, data, offset = 0) => engine.write(own(buffer).id, data, offset),
    read: async (buffer, offset = 0, length = buffer.length - offset) =>
      engine.read(own(buffer).id, target(buffer, offset, length), offset),
    readInto: async (out, buffer, offset = 0) => engine.read(own(buffer).id, out, offset),
    readSync(buffer, offset = 0, length = buffer.length - offset) {
      const data = target(buffer, offset, length);
      engine.readNow(own(buffer).id, data, offset);
      return data;
    },
    async sync() {
      await engine.sync();
      // A chain of promises that are fulfilled at once would keep timers and sockets waiting.
      await new Promise((resolve) => setImmediate(resolve));
    },
    record: (fn) =>
      lender.record(() => {
        const program = recorded(team, pool, fn);
        programs.add(program);
        return {
          replay: (start) => engine.replay(program, start),
          dispose() {
            if (programs.delete(program) && !disposed) engine.releaseProgram(program);
          },
        };
      }),
    memory: pool.memory,
    trim: pool.trim,
    dispose: giveBack,
  };
  whenDropped(backend, giveBack);
  return backend;
}

/** Records the kernels that `fn` calls. Returns the number of the program. */
function recorded(team: Shared, who: object, fn: () => void): number {
  const { engine } = team;
  engine.startRecording();
  team.recording = who;
  try {
    fn();
    return engine.stopRecording();
  } catch (error) {
    engine.dropRecording();
    throw error;
  } finally {
    team.recording = null;
  }
}

/** `native (AVX-512, 2 threads, bf16)` */
function describe(isa: Isa, { threads, precision }: Required<BackendOptions>): string {
  const parts = [isa.label, formatAmount(threads, 'thread')];
  if (precision === 'bf16') parts.push(isa.bf16 ? 'bf16' : 'bf16 emulated, no faster');
  return `native (${parts.join(', ')})`;
}
