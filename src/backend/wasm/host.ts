// What the WASM engine needs from its platform: files and threads. Implemented for Node in
// platform/node-wasm.ts, for pages in platform/browser-wasm.ts. Read next: module.ts.

/** The two builds: with a fused multiply-add where the processor has one, or always in two steps. */
export type Build = 'relaxed' | 'simd128';

export interface WasmHost {
  /** The bytes of `src/backend/wasm/<build>.wasm`. */
  load(build: Build): Promise<Uint8Array>;
  /** Starts a thread that runs `serve` (serve.ts). */
  startThread(): Thread;
  readonly cores: number;
  /** Why threads cannot share memory here; null if they can. */
  readonly alone: string | null;
  /** Whether the calling thread may block. The main thread of a page may not. */
  readonly maySleep: boolean;
  /** The requested build, instead of the best. */
  readonly wanted?: string;
}

export interface Thread {
  send(message: Orders): void;
  /** Calls `listen` with each message of the thread, and `failed` when it ends with an error. */
  listen(listen: (news: News) => void, failed: (error: Error) => void): void;
  /** Whether the thread keeps the process alive. At first it does not. */
  hold(on: boolean): void;
  end(): void;
}

/** The first message to a thread. */
export interface Orders {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Where its stack begins (its upper end). */
  stack: number;
  /** For the thread that runs the tasks: the first task. For others: their number in the team. */
  work: { tasks: number } | { thread: number };
}

/** A message from a thread. */
export type News =
  /** It has started. */
  | { ready: true }
  /** It has reached the `tell` with this number. */
  | { reached: number }
  /** It cannot continue. */
  | { failed: string };
