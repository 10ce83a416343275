// The queue of the engine's tasks: JavaScript writes tasks into memory and continues, a thread runs them in
// order. Without threads the calling thread runs them, in short turns. Read next: index.ts.
import { createTurns } from '../turns.ts';
import type { Thread, WasmHost } from './host.ts';
import {
  type Address,
  createViews,
  type Exports,
  failureNoted,
  HEADER,
  instantiate,
  JUMP,
  STACK,
  TELL,
  type Views,
} from './module.ts';

export interface Line {
  readonly exports: Exports;
  readonly views: Views;
  /** Adds a task with the first `count` of `numbers`. */
  push(task: number, numbers: ArrayLike<number>, count: number): void;
  /** Whether all tasks have run. */
  idle(): boolean;
  /** Resolves when all tasks added so far have run. */
  reached(): Promise<void>;
  /** Blocks until all tasks have run, at most for the given time. Returns whether they have. */
  waitFor(milliseconds: number): boolean;
  /** Blocks until all tasks have run. Throws where this thread must not block. */
  finish(): void;
  /** Ends the threads. */
  end(): void;
}

/** Bytes of memory for tasks; when they are full, the next piece is taken. */
const CHUNK = 65_536;
/** With this many tasks in the queue, a thread that may block waits before it adds another. */
const MANY = 4096;

/** Memory of the engine for use by JavaScript. Returns its address. Throws when there is none. */
export function reserve(exports: Exports, bytes: number): Address {
  const buffer = exports.allocate(2, bytes);
  if (buffer === 0) throw new Error('out of memory: not even a queue of tasks fits');
  return buffer + HEADER;
}

/** A queue with `threads` threads, the first of which runs the tasks. */
export async function createThreadedLine(
  host: WasmHost,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { threads, bf16 }: { threads: number; bf16: boolean },
): Promise<Line> {
  const exports = instantiate(module, memory, () => {});
  exports.begin(threads, bf16 ? 1 : 0);
  const views = createViews(memory);
  const [pushedAt, doneAt] = [exports.pushedAt() / 4, exports.doneAt() / 4];
  const ints = views.ints(0);
  let chunk = reserve(exports, CHUNK);
  let at = chunk;
  let pushed = 0;
  let told = 0;
  let broken: Error | null = null;
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();

  const team: Thread[] = [];
  const end = (): void => {
    for (const thread of team.splice(0)) thread.end();
  };
  const fail = (error: Error): void => {
    broken ??= error;
    end();
    for (const { reject } of waiting.values()) reject(broken);
    waiting.clear();
  };
  const starts = Array.from({ length: threads }, (_, thread) => {
    const stack = reserve(exports, STACK) + STACK;
    return new Promise<void>((resolve, reject) => {
      const started = host.startThread();
      team.push(started);
      started.hold(true);
      const failed = (error: Error): void => {
        reject(error);
        fail(error);
      };
      started.listen((news) => {
        if ('ready' in news) {
          started.hold(false);
          resolve();
        } else if ('failed' in news) failed(new Error(news.failed));
        else {
          waiting.get(news.reached)?.resolve();
          waiting.delete(news.reached);
          if (waiting.size === 0) team[0]?.hold(false);
        }
      }, failed);
      started.send({ module, memory, stack, work: thread === 0 ? { tasks: at } : { thread } });
    });
  });
  try {
    await Promise.all(starts);
  } catch (error) {
    end();
    throw new Error(`its threads do not start: ${(error as Error).message}`);
  }

  const idle = (): boolean => Atomics.load(ints, doneAt) === pushed;
  const check = (): void => {
    const reason = broken === null ? failureNoted(exports, views) : null;
    if (reason !== null) fail(new Error(reason));
    if (broken) throw broken;
  };
  /** Sleeps until `until()` is true, at most until `deadline`. */
  const sleep = (until: () => boolean, deadline: number): void => {
    while (!until() && performance.now() < deadline) {
      check();
      Atomics.add(ints, doneAt + 1, 1);
      const now = Atomics.load(ints, doneAt);
      if (!until()) Atomics.wait(ints, doneAt, now, Math.min(1000, deadline - performance.now()));
      Atomics.sub(ints, doneAt + 1, 1);
    }
  };
  const push = (task: number, numbers: ArrayLike<number>, count: number): void => {
    check();
    if (host.maySleep && ((pushed - Atomics.load(ints, doneAt)) | 0) > MANY)
      sleep(() => ((pushed - Atomics.load(ints, doneAt)) | 0) <= MANY / 2, Number.POSITIVE_INFINITY);
    let floats = views.floats(chunk + CHUNK);
    if (at + (count + 6) * 8 > chunk + CHUNK) {
      const next = reserve(exports, CHUNK);
      floats = views.floats(next + CHUNK);
      floats.set([4, JUMP, next, chunk - HEADER], at / 8);
      chunk = next;
      at = next;
    }
    const place = at / 8;
    floats[place] = count + 2;
    floats[place + 1] = task;
    for (let i = 0; i < count; i++) floats[place + 2 + i] = numbers[i];
    at += (count + 2) * 8;
    pushed = (pushed + 1) | 0;
    Atomics.store(ints, pushedAt, pushed);
    if (Atomics.load(ints, pushedAt + 1) !== 0) Atomics.notify(ints, pushedAt);
  };

  return {
    exports,
    views,
    push,
    idle,
    async reached() {
      if (!broken && idle()) return;
      const number = told++;
      push(TELL, [number], 1);
      team[0].hold(true);
      await new Promise<void>((resolve, reject) => waiting.set(number, { resolve, reject }));
    },
    waitFor(milliseconds) {
      if (host.maySleep && !broken) sleep(idle, performance.now() + milliseconds);
      return idle();
    },
    finish() {
      check();
      if (!host.maySleep && !idle())
        throw new Error('readSync: a page must not wait for its engine: use `read`');
      sleep(idle, Number.POSITIVE_INFINITY);
    },
    end() {
      fail(new Error('this engine was disposed: make a new one'));
    },
  };
}

/** A queue without threads. */
export function createLoneLine(
  host: WasmHost,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { bf16 }: { bf16: boolean },
): Line {
  const exports = instantiate(module, memory, () => {});
  exports.begin(1, bf16 ? 1 : 0);
  const views = createViews(memory);
  // A thread that may not sleep is that of a page, which feels slow from 50 ms on.
  const turns = createTurns(host.maySleep ? 100 : 30);
  const place = reserve(exports, 1024);
  const run = (task: number, numbers: ArrayLike<number>): void => {
    const floats = views.floats(place + 1024);
    floats[place / 8] = numbers.length + 2;
    floats[place / 8 + 1] = task;
    floats.set(numbers, place / 8 + 2);
    exports.run(place);
  };
  return {
    exports,
    views,
    push(task, numbers, count) {
      const own = Float64Array.from({ length: count }, (_, i) => numbers[i]);
      turns.run(() => run(task, own));
    },
    idle: () => !turns.behind(),
    reached: () => turns.result(() => undefined),
    waitFor: () => !turns.behind(),
    finish: turns.finish,
    end: () => turns.drop(new Error('this engine was disposed: make a new one')),
  };
}
