// What the WASM engine needs of where it runs: its files and its threads. Node's is platform/node-wasm.ts, a
// page's platform/browser-wasm.ts. Read next: module.ts.

/** The two builds: multiplying and adding in one step where the processor can, or always in two. */
export type Build = 'relaxed' | 'simd128';

export interface WasmHost {
  /** The bytes of `src/backend/wasm/<build>.wasm`. */
  load(build: Build): Promise<Uint8Array>;
  /** Starts a thread that does what `serve` (serve.ts) says. */
  startThread(): Thread;
  readonly cores: number;
  /** Why threads cannot share memory here; null: they can. */
  readonly alone: string | null;
  /** Whether the thread that calls may sleep. A page's own may not. */
  readonly maySleep: boolean;
  /** The build that is asked for, instead of the best. */
  readonly wanted?: string;
}

export interface Thread {
  send(message: Orders): void;
  /** Calls `listen` with each message of the thread, and `failed` when it ends by an error. */
  listen(listen: (news: News) => void, failed: (error: Error) => void): void;
  /** Whether it keeps the process alive; at first it does not. */
  hold(on: boolean): void;
  end(): void;
}

/** What a thread is told at its start. */
export interface Orders {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Where its stack begins: at the end. */
  stack: number;
  /** The first task, for the thread that runs them; else its number in the team. */
  work: { tasks: number } | { thread: number };
}

/** What a thread says. */
export type News =
  /** It has begun. */
  | { ready: true }
  /** The `tell` with this number was reached. */
  | { reached: number }
  /** It cannot go on. */
  | { failed: string };
