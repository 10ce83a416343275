// Worker threads that work on units. Results come back in the order in which the units went out. Read next:
// encode-worker.ts, count-worker.ts.
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Unit } from './units.ts';

/** What a worker gets of a unit. */
export type Order = Pick<Unit, 'bytes' | 'own' | 'borders'>;

/** What it makes of it, and the buffers that go along. */
export interface Made<T> {
  result: T;
  transfer: ArrayBuffer[];
}

type Answer<T> = { number: number; result: T } | { number: number; error: string };

/** Units that wait for a thread, or for those before them, for each thread. */
const AHEAD = 2;

/**
 * Has `script`, which gets `data`, work on the units on `threads` threads. Holds as many units as these are
 * busy with and a few more. Ends its threads when it is left. Returns what `units` returns.
 */
export async function* work<T, R>(
  units: AsyncGenerator<Unit, R>,
  script: URL,
  data: unknown,
  threads: number,
): AsyncGenerator<{ unit: Unit; result: T }, R> {
  const waiting = new Map<number, { done(answer: Answer<T>): void; failed(error: Error): void }>();
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(script, { workerData: data, execArgv: [] });
    worker.on('message', (answer: Answer<T>) => {
      waiting.get(answer.number)?.done(answer);
      waiting.delete(answer.number);
    });
    worker.on('error', (error: Error) => {
      for (const { failed } of waiting.values()) failed(error);
    });
    return worker;
  });
  const send = (number: number, unit: Unit): Promise<{ unit: Unit; result: T }> =>
    new Promise((resolve, reject) => {
      const done = (answer: Answer<T>): void => {
        if ('error' in answer) reject(new Error(answer.error));
        else resolve({ unit, result: answer.result });
      };
      waiting.set(number, { done, failed: reject });
      const { bytes, own, borders } = unit;
      workers[number % threads].postMessage({ number, order: { bytes, own, borders } }, [bytes.buffer]);
    });
  try {
    const out: Promise<{ unit: Unit; result: T }>[] = [];
    for (let number = 0; ; number++) {
      const next = await units.next();
      if (next.done) {
        for (const one of out) yield await one;
        return next.value;
      }
      const one = send(number, next.value);
      one.catch(() => {}); // it is awaited later
      out.push(one);
      if (out.length > AHEAD * threads) yield await (out.shift() as Promise<{ unit: Unit; result: T }>);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** What a worker's script does: `make` gets the data that it began with, and then the units. */
export function serveUnits<D, T>(make: (data: D) => (order: Order) => Made<T>): void {
  const port = parentPort as MessagePort;
  const one = make(workerData as D);
  port.on('message', ({ number, order }: { number: number; order: Order }) => {
    try {
      const { result, transfer } = one(order);
      port.postMessage({ number, result } satisfies Answer<T>, transfer);
    } catch (error) {
      port.postMessage({ number, error: (error as Error).message } satisfies Answer<T>);
    }
  });
}
