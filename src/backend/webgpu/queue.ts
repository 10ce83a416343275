// The way of a kernel to the GPU: a shader with its buffers and numbers becomes a dispatch, dispatches are
// collected into a pass, and a pass is submitted when it is about ten milliseconds of work, or when somebody
// waits for it. Read next: index.ts.
import type { DeviceBuffer } from '../contract.ts';
import { createHomes, type GpuBuffer, type Home, type Span, sizeOf } from './homes.ts';
import { createOutbox } from './outbox.ts';
import {
  type BufferType,
  type Constants,
  HEADER_WORDS,
  isNullable,
  isWritten,
  LANES,
  type NumberType,
  type Shader,
  textOf,
} from './shader.ts';

/** The buffers of a call; null only where the shader allows it. */
export type BuffersOf<B extends Record<string, BufferType>> = {
  readonly [K in keyof B]: B[K] extends `${string}?` ? DeviceBuffer | null : DeviceBuffer;
};

/** How much a call computes. */
export interface Extent {
  /** Threads, or groups for a shader `per: 'group'`. 0: nothing runs. */
  count: number;
  /** Operations on floats, estimated; default: a few per thread. Decides where submits are cut. */
  work?: number;
  constants?: Constants;
}

/** What kernels are given. */
export interface Queue {
  /** Whether products round their inputs to bfloat16. */
  readonly bf16: boolean;
  /** Whether WGSL has `dot4I8Packed`. */
  readonly packedDot: boolean;
  /** Whether large products are computed in tiles that the threads of a group share: faster.ts decides. */
  tiles: boolean;
  /** Runs a shader after everything before it; while recording, adds it to the program. */
  run<B extends Record<string, BufferType>, N extends Record<string, NumberType>>(
    row: Shader<B, N>,
    buffers: BuffersOf<B>,
    numbers: { readonly [K in keyof N]: number },
    extent: Extent,
  ): void;
  /**
   * Keeps `call` until a call that is not joined, or has another key, or uses one of the same buffers; then
   * passes all of them to `emit`. For kernels whose calls follow each other (join.ts).
   */
  collect<T>(key: string, call: T, uses: readonly DeviceBuffer[], emit: (calls: readonly T[]) => void): void;
  /**
   * Moves buffers side by side, one column after the other, so that a dispatch can reach all rows of a span.
   * Rows that cannot be moved are in no span; while recording, none is.
   */
  gather(rows: readonly (readonly DeviceBuffer[])[]): readonly Span[];
  /** Calls `use` with a buffer of `length` floats for what a kernel keeps between its dispatches. */
  withScratch(length: number, use: (scratch: DeviceBuffer) => void): void;
  /** A buffer of `length` floats that a kernel keeps until the engine ends; not in `memory()`. */
  keep(length: number): DeviceBuffer;
  /** Copies `data` into a kept buffer, after everything before it. Not while recording. */
  write(buffer: DeviceBuffer, data: Float32Array<ArrayBuffer>): void;
}

/** One run of a shader, ready to be encoded again and again. */
export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  /** Its bindings, made anew where a buffer has moved since. */
  bindings(): GPUBindGroup;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly groups: number;
  readonly work: number;
  /** The ids of its buffers. */
  readonly uses: readonly number[];
}

/** What the engine has done so far, for tests. */
export interface Counts {
  dispatches: number;
  submits: number;
  buffers: number;
  bindings: number;
  pipelines: number;
}

/** The side of the queue that the engine itself uses. */
export interface Line {
  prepare(
    row: Shader,
    buffers: Readonly<Record<string, DeviceBuffer | null>>,
    numbers: Readonly<Record<string, number>>,
    extent: Extent,
  ): Dispatch;
  encode(dispatch: Dispatch): void;
  /** Submits what was collected. */
  flush(): void;
  write(buffer: GpuBuffer, byteOffset: number, bytes: Uint8Array<ArrayBuffer>): void;
  read(buffer: GpuBuffer, byteOffset: number, bytes: number): Promise<ArrayBuffer>;
  /** Resolves when everything so far has run. */
  finished(): Promise<void>;
  /** Drops the passes that the GPU has not got yet; reads that wait for them reject with `reason`. */
  drop(reason: unknown): void;
  createBuffer(bytes: number): Pick<GpuBuffer, 'id' | 'home' | 'offset'>;
  gather(rows: readonly (readonly GpuBuffer[])[]): readonly Span[];
  destroyBuffer(buffer: GpuBuffer): void;
  /** Most bytes of a buffer. */
  readonly bufferLimit: number;
  readonly counts: Counts;
  end(): void;
}

// Flags of WebGPU; as globals they exist in pages only.
const USAGE = { mapRead: 0x1, copyFrom: 0x4, copyTo: 0x8, uniform: 0x40, storage: 0x80 } as const;
const MAP_READ = 0x1;
const COMPUTE = 0x4;

/** Bytes of the numbers of one dispatch: the alignment that a GPU may ask of dynamic offsets. */
const SLOT = 256;
const SLOT_WORDS = SLOT / 4;
const SLOTS = 2048;
/** Most groups in one dimension of a dispatch. */
const MOST_GROUPS = 65_535;
/** Milliseconds of work after which a pass is submitted, so that a page is drawn in between. */
const PASS = 10;
/** Operations per millisecond that are assumed at first, and the fewest that are believed. */
const RATE = { gpu: 1e8, software: 2e6 } as const;
/** Passes under way at a time where a GPU is imitated, so that the others can be dropped. */
const IMITATED_AT_ONCE = 3;
/** Staging buffers up to this size are kept for the next read. */
const KEPT_STAGING = 2 ** 20;
/** Sets of bindings kept; a training step needs a few hundred. */
const MOST_BINDINGS = 4096;

/** A queue on `device`. `passWork` cuts submits at this many operations, instead of by time. */
export function createLine(device: GPUDevice, software: boolean, passWork?: number): Line {
  const counts: Counts = { dispatches: 0, submits: 0, buffers: 0, bindings: 0, pipelines: 0 };
  let broken: Error | null = null;
  const check = (): void => {
    if (broken) throw broken;
  };
  device.onuncapturederror = ({ error }) => {
    broken ??= new Error(explained(error));
  };
  const lost = device.lost.then(({ message }) => {
    broken ??= new Error(
      `the GPU was lost (${oneLine(message) || 'no reason given'}): start again from the last checkpoint, with a smaller batch if its memory was full`,
    );
  });

  // ---- pipelines and bindings, made once
  const layouts = new Map<string, GPUBindGroupLayout>();
  const pipelines = new Map<string, GPUComputePipeline>();
  let bindings = new Map<string, GPUBindGroup>();
  const ring = device.createBuffer({ size: SLOTS * SLOT, usage: USAGE.uniform | USAGE.copyTo });
  const layoutOf = (access: string): GPUBindGroupLayout => {
    const known = layouts.get(access);
    if (known) return known;
    const entries: GPUBindGroupLayoutEntry[] = Array.from(access, (letter, binding) => ({
      binding,
      visibility: COMPUTE,
      buffer: { type: letter === 'w' ? 'storage' : 'read-only-storage' },
    }));
    entries.push({
      binding: access.length,
      visibility: COMPUTE,
      buffer: { type: 'uniform', hasDynamicOffset: true },
    });
    const layout = device.createBindGroupLayout({ entries });
    layouts.set(access, layout);
    return layout;
  };
  /** How often bindings became invalid. */
  let moves = 0;
  const bindingsOf = (access: string, buffers: readonly GpuBuffer[]): GPUBindGroup => {
    let key = access;
    for (const { id } of buffers) key += ` ${id}`;
    const known = bindings.get(key);
    if (known) return known;
    homes.separate(buffers, access);
    const entries = buffers.map((buffer, binding) => ({
      binding,
      resource: { buffer: buffer.home.gpu, offset: buffer.offset, size: sizeOf(buffer) },
    }));
    const made = device.createBindGroup({
      layout: layoutOf(access),
      entries: [...entries, { binding: buffers.length, resource: { buffer: ring, size: SLOT } }],
    });
    if (bindings.size >= MOST_BINDINGS) bindings = new Map();
    bindings.set(key, made);
    counts.bindings++;
    return made;
  };

  const prepare: Line['prepare'] = (row, buffers, numbers, { count, work, constants = {} }) => {
    check();
    const bound: GpuBuffer[] = [];
    const names: string[] = [];
    const places: Record<string, number | string | null> = {};
    let access = '';
    let variant = row.name;
    for (const [name, type] of Object.entries(row.buffers)) {
      const buffer = buffers[name] as GpuBuffer | null;
      const same = buffer === null ? -1 : bound.indexOf(buffer);
      if (buffer === null && !isNullable(type)) throw new Error(`${row.name}: ${name} is missing`);
      if (buffer === null) places[name] = null;
      else if (same >= 0 && (isWritten(type) || access[same] === 'w')) {
        if (access[same] !== 'w')
          throw new Error(`${row.name}: ${name} is written, and stands after ${names[same]}`);
        places[name] = names[same];
      } else {
        places[name] = bound.length;
        bound.push(buffer);
        names.push(name);
        access += isWritten(type) ? 'w' : 'r';
      }
      variant += ` ${places[name]}`;
    }
    for (const [name, value] of Object.entries(constants)) variant += ` ${name}=${value}`;
    let pipeline = pipelines.get(variant);
    if (!pipeline) {
      const layout = device.createPipelineLayout({ bindGroupLayouts: [layoutOf(access)] });
      const module = device.createShaderModule({ label: variant, code: textOf(row, places, constants) });
      pipeline = device.createComputePipeline({ label: variant, layout, compute: { module } });
      pipelines.set(variant, pipeline);
      counts.pipelines++;
    }
    let bindings = bindingsOf(access, bound);
    let made = moves;
    return {
      pipeline,
      bindings() {
        if (made !== moves) bindings = bindingsOf(access, bound);
        made = moves;
        return bindings;
      },
      words: wordsOf(row, numbers, count),
      groups: row.per === 'group' ? count : Math.ceil(count / LANES),
      work: work ?? 8 * count * (row.per === 'group' ? LANES : 1),
      uses: bound.flatMap(({ id, parts }) => parts?.map((part) => part.id) ?? id),
    };
  };

  // ---- passes
  const outbox = createOutbox(device.queue, software ? IMITATED_AT_ONCE : Number.POSITIVE_INFINITY);
  const pace = createPace(software ? RATE.software : RATE.gpu);
  const image = new Uint32Array(SLOTS * SLOT_WORDS);
  const touched = new Set<number>();
  let encoder: GPUCommandEncoder | null = null;
  let pass: GPUComputePassEncoder | null = null;
  let slot = 0;
  let firstSlot = 0;
  let passed = 0; // work in this pass
  const endPass = (): GPUCommandEncoder => {
    pass?.end();
    pass = null;
    encoder ??= device.createCommandEncoder();
    return encoder;
  };
  const flush = (): void => {
    if (!encoder) return;
    const commands = endPass().finish();
    const words = image.slice(firstSlot * SLOT_WORDS, slot * SLOT_WORDS);
    const at = firstSlot * SLOT;
    const work = passed;
    outbox.pass(() => {
      if (words.length > 0) device.queue.writeBuffer(ring, at, words);
      device.queue.submit([commands]);
      counts.submits++;
      pace.submitted(work, device.queue);
    });
    encoder = null;
    touched.clear();
    passed = 0;
    if (slot === SLOTS) slot = 0;
    firstSlot = slot;
  };
  /** Some of the groups of a dispatch. */
  const encodeGroups = (dispatch: Dispatch, first: number, groups: number, work: number): void => {
    const bindings = dispatch.bindings(); // may move a buffer, outside of a pass
    pass ??= endPass().beginComputePass();
    image.set(dispatch.words, slot * SLOT_WORDS);
    image[slot * SLOT_WORDS] = first;
    pass.setPipeline(dispatch.pipeline);
    pass.setBindGroup(0, bindings, [slot * SLOT]);
    const x = Math.min(groups, MOST_GROUPS);
    pass.dispatchWorkgroups(x, Math.ceil(groups / x));
    for (const id of dispatch.uses) touched.add(id);
    counts.dispatches++;
    passed += work;
    slot++;
    if (slot === SLOTS) flush();
  };
  const encode = (dispatch: Dispatch): void => {
    check();
    const { groups, work } = dispatch;
    if (groups === 0) return;
    const most = passWork ?? pace.rate() * PASS;
    if (passed > 0 && passed + work > most) flush();
    const pieces = Math.min(groups, Math.ceil(work / most));
    let each = Math.ceil(groups / Math.max(1, pieces));
    // A folded piece must be whole: what it had too much would be computed again by the next one.
    if (each > MOST_GROUPS) each = Math.ceil(each / MOST_GROUPS) * MOST_GROUPS;
    for (let first = 0; first < groups; first += each) {
      if (first > 0) flush();
      const some = Math.min(each, groups - first);
      encodeGroups(dispatch, first, some, (work * some) / groups);
    }
  };

  // ---- copies
  const staging = new Map<number, GPUBuffer[]>();
  const takeStaging = (bytes: number): GPUBuffer => {
    const size = 2 ** Math.max(8, Math.ceil(Math.log2(bytes)));
    const free = staging.get(size)?.pop();
    if (free) return free;
    counts.buffers++;
    return device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTo });
  };
  const keepStaging = (buffer: GPUBuffer): void => {
    const list = staging.get(buffer.size);
    if (buffer.size > KEPT_STAGING) buffer.destroy();
    else if (list) list.push(buffer);
    else staging.set(buffer.size, [buffer]);
  };
  // ---- buffers
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const bufferLimit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  let ids = 0;
  const nextId = (): number => ids++;
  const createHome = (size: number): Home => {
    counts.buffers++;
    const usage = USAGE.storage | USAGE.copyFrom | USAGE.copyTo;
    return { gpu: device.createBuffer({ size, usage }), users: 0 };
  };
  /** Copies of buffers that move, which are no part of a pass: nothing that moves may be dropped. */
  let copies: GPUCommandEncoder | null = null;
  const homes = createHomes({
    most: bufferLimit,
    create: createHome,
    nextId,
    copy(buffer, to, offset) {
      flush();
      copies ??= device.createCommandEncoder();
      copies.copyBufferToBuffer(buffer.home.gpu, buffer.offset, to.gpu, offset, sizeOf(buffer));
    },
    settle(empty) {
      flush();
      const moving = copies?.finish();
      copies = null;
      bindings.clear();
      moves++;
      outbox.task(() => {
        if (moving) device.queue.submit([moving]);
        for (const { gpu } of empty) gpu.destroy();
      });
    },
  });

  return {
    prepare,
    encode,
    flush,
    bufferLimit,
    counts,
    write(buffer, byteOffset, bytes) {
      check();
      if (touched.has(buffer.id)) flush(); // writes overtake what was not submitted
      const { home, offset } = buffer;
      const data = outbox.idle() ? bytes : bytes.slice(); // the caller may change its own
      outbox.task(() => device.queue.writeBuffer(home.gpu, offset + byteOffset, data));
    },
    async read(buffer, byteOffset, bytes) {
      check();
      const copy = takeStaging(bytes);
      endPass().copyBufferToBuffer(buffer.home.gpu, buffer.offset + byteOffset, copy, 0, bytes);
      flush();
      try {
        await outbox.sent();
      } catch (reason) {
        keepStaging(copy);
        throw reason;
      }
      try {
        await copy.mapAsync(MAP_READ, 0, bytes);
      } catch (error) {
        await Promise.race([lost, new Promise<void>((resolve) => setTimeout(resolve, 100))]);
        throw broken ?? error;
      }
      const data = copy.getMappedRange(0, bytes).slice(0);
      copy.unmap();
      keepStaging(copy);
      check();
      return data;
    },
    async finished() {
      check();
      flush();
      await outbox.sent();
      await device.queue.onSubmittedWorkDone();
      check();
    },
    drop(reason) {
      flush();
      outbox.drop(reason);
    },
    createBuffer(bytes) {
      check();
      const size = Math.max(16, Math.ceil(bytes / 16) * 16);
      if (size > bufferLimit)
        throw new Error(
          `a buffer of ${megabytes(bytes)} is too large for this GPU, which takes ${megabytes(bufferLimit)}: use a smaller batch or model`,
        );
      const home = createHome(size);
      home.users = 1;
      return { id: nextId(), home, offset: 0 };
    },
    gather: homes.gather,
    destroyBuffer: homes.leave,
    end() {
      broken = new Error('this engine was disposed: make a new one');
      device.destroy();
    },
  };
}

/** The numbers of a dispatch as they lie in memory; the first word is set when it is encoded. */
function wordsOf(
  { numbers: types, name }: Shader,
  numbers: Readonly<Record<string, number>>,
  count: number,
): Uint32Array<ArrayBuffer> {
  const entries = Object.entries(types);
  const words = new Uint32Array(HEADER_WORDS + entries.length);
  if (words.length > SLOT_WORDS) throw new Error(`${name}: ${words.length} numbers, at most ${SLOT_WORDS}`);
  const floats = new Float32Array(words.buffer);
  words[1] = count;
  floats[2] = Number.POSITIVE_INFINITY;
  entries.forEach(([key, type], i) => {
    if (type === 'f32') floats[HEADER_WORDS + i] = numbers[key];
    else words[HEADER_WORDS + i] = numbers[key];
  });
  return words;
}

/** How many operations the GPU does in a millisecond: from the times between the ends of passes. */
interface Pace {
  rate(): number;
  submitted(work: number, queue: GPUQueue): void;
}

function createPace(least: number): Pace {
  let [work, time] = [0, 0];
  let last = 0;
  return {
    rate: () => (time > 0 ? Math.max(least, work / time) : least),
    submitted(more, queue) {
      const begun = performance.now();
      const done = (): void => {
        const now = performance.now();
        // Old passes count less and less. Sums, since several ends may be noticed at once.
        work = 0.9 * work + more;
        time = 0.9 * time + now - Math.max(begun, last);
        last = now;
      };
      queue.onSubmittedWorkDone().then(done, () => {});
    },
  };
}

/** The error of a call to WebGPU, in one line. */
function explained(error: GPUError): string {
  if (error.constructor.name === 'GPUOutOfMemoryError')
    return `the GPU is out of memory (${oneLine(error.message)}): use a smaller batch or model`;
  return `the GPU refuses a command: ${oneLine(error.message)}`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, '; ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
