// The one worker of the page, with the library and an engine in it, and whose turn it is.
import { type ReadonlySignal, signal } from '@preact/signals';
import { type LibraryWorker, openWorker } from 'inkhorn';
import { choice } from './route.ts';

/** How far the engine is. */
export type EngineState =
  | { state: 'starting' }
  | { state: 'ready'; name: string; description: string; passedOver: LibraryWorker['passedOver'] }
  | { state: 'failed'; reason: string };

const shown = signal<EngineState>({ state: 'starting' });
export const engine: ReadonlySignal<EngineState> = shown;

let opened: Promise<LibraryWorker> | null = null;
let replaced = 0;

/**
 * The worker. It is opened once, with the engine that the address names (`engine`, `threads`), or the best
 * one.
 */
export function library(): Promise<LibraryWorker> {
  opened ??= open();
  return opened;
}

/** How many workers there were before this one. Models belong to one of them. */
export function workersBefore(): number {
  return replaced;
}

/** Drops the worker, with all models in it, after its engine broke down: a lost GPU does not come back. */
export function replaceWorker(): void {
  const broken = opened;
  opened = null;
  replaced++;
  shown.value = { state: 'starting' };
  void broken?.then((worker) => worker.close()).catch(() => undefined);
  library().catch(() => undefined); // the engine's line says why
}

async function open(): Promise<LibraryWorker> {
  const threads = Number(choice('threads') ?? freeThreads());
  try {
    const worker = await openWorker({ backend: choice('engine') ?? 'auto', threads });
    const { name, description, passedOver } = worker;
    shown.value = { state: 'ready', name, description, passedOver };
    return worker;
  } catch (error) {
    shown.value = { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
    throw error;
  }
}

/** One core is left to the page where there are three or more. */
function freeThreads(): number {
  const cores = navigator.hardwareConcurrency || 2;
  return cores > 2 ? Math.min(cores - 1, 16) : cores;
}

// ---- whose turn it is ------------------------------------------------------------------------------------

/** Jobs that wait for the training to pause between two of its events. */
const waiting: (() => Promise<void>)[] = [];
let training = false;
let ring = (): void => {};

/**
 * Does `job` at once, or between two steps of the training that goes on, which waits for its end. The worker
 * itself does one call after the other; this is for jobs of several calls that must all see the model after
 * the same step, such as a text, whose every token is one.
 */
export function inTurn<T>(job: (worker: LibraryWorker) => Promise<T>): Promise<T> {
  const work = async (): Promise<T> => job(await library());
  if (!training) return work();
  return new Promise<T>((resolve, reject) => {
    waiting.push(() => work().then(resolve, reject));
    ring();
  });
}

/** Tells that a training begins or ends. What still waits is done at its end. */
export function setTraining(on: boolean): void {
  training = on;
  if (!on) void giveTurn(() => true);
}

/** Does the jobs that wait, and those that come until `goOn()` is true. `wake` makes it look again. */
export async function giveTurn(goOn: () => boolean): Promise<void> {
  for (;;) {
    for (let job = waiting.shift(); job; job = waiting.shift()) await job();
    if (goOn()) return;
    await new Promise<void>((resolve) => {
      ring = resolve;
    });
  }
}

export function wake(): void {
  ring();
}
