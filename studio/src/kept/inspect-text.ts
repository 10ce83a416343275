// What a text is: asked of a worker, so that the page stays free.
import type { Ask, Inspected } from './text-worker.ts';

export type { Inspected, Reading } from './text-worker.ts';

let worker: Worker | null = null;
let asked = 0;
const waiting = new Map<number, { resolve(inspected: Inspected): void; reject(error: Error): void }>();

/**
 * Looks through `bytes`, which the caller keeps. Text in another encoding is a problem, or converted. Rejects
 * where memory is too short for it.
 */
export function inspectText(
  bytes: Uint8Array,
  { convert = false }: { convert?: Ask['convert'] } = {},
): Promise<Inspected> {
  worker ??= open();
  const number = asked++;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    const ask: Ask = { number, bytes, convert };
    worker?.postMessage(ask);
  });
}

function open(): Worker {
  const opened = new Worker(new URL('./text-worker.ts', import.meta.url), { type: 'module' });
  opened.onmessage = ({ data }: MessageEvent<{ number: number; inspected: Inspected }>): void => {
    waiting.get(data.number)?.resolve(data.inspected);
    waiting.delete(data.number);
  };
  opened.onerror = ({ message }): void => {
    opened.terminate();
    worker = null; // the next text gets another one
    for (const { reject } of waiting.values())
      reject(new Error(`the text cannot be looked through: ${message || 'its worker is not loaded'}`));
    waiting.clear();
  };
  return opened;
}
