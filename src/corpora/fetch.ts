// Downloads a corpus over HTTP, once, and accepts only the bytes that match its checksum.

import { createHash } from 'node:crypto';
import { formatCount } from '../base/format.ts';
import { reason } from '../io/node-store.ts';

/** Called while bytes arrive. */
export type FetchProgress = (received: number, total: number) => void;

export interface FetchOptions {
  bytes: number;
  sha256: string;
  onProgress?: FetchProgress;
  signal?: AbortSignal;
  /** Milliseconds without a byte before the download is given up. Default 20,000. */
  patience?: number;
}

/**
 * The text at `url`. Throws the reason as a clause (`the server answered 404 Not Found`), or the signal's
 * reason.
 */
export async function fetchText(url: string, options: FetchOptions): Promise<Uint8Array> {
  const { bytes: total, sha256, onProgress, signal, patience = 20_000 } = options;
  const silence = new AbortController();
  const giveUp = (): void => silence.abort(new Error(`nothing arrived for ${patience / 1000} seconds`));
  const timer = setTimeout(giveUp, patience);
  const parts: Uint8Array[] = [];
  let received = 0;
  try {
    const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const response = await fetch(url, { signal: both });
    if (!response.ok)
      throw new Error(`the server answered ${response.status} ${response.statusText}`.trimEnd());
    for await (const part of response.body ?? []) {
      timer.refresh();
      parts.push(part);
      received += part.length;
      if (received > total)
        throw new Error(`the server sent more than the ${formatCount(total)} bytes expected`);
      onProgress?.(received, total);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new Error(why(error), { cause: error });
  } finally {
    clearTimeout(timer);
    silence.abort(); // closes the connection of a response that was not read to its end
  }
  const bytes = Buffer.concat(parts);
  if (sha256Of(bytes) !== sha256) {
    throw new Error(
      `what arrived is another text (${formatCount(received)} bytes, sha256 ${sha256Of(bytes).slice(0, 12)}...; ` +
        `expected ${formatCount(total)} bytes, ${sha256.slice(0, 12)}...)`,
    );
  }
  return bytes;
}

/** SHA-256 in lower-case hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const REASONS: Record<string, string> = {
  ENOTFOUND: 'the address of the server cannot be looked up; this machine seems to be offline',
  EAI_AGAIN: 'the address of the server cannot be looked up; this machine seems to be offline',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  ETIMEDOUT: 'the server does not answer',
  ENETUNREACH: 'the network cannot be reached; this machine seems to be offline',
  EHOSTUNREACH: 'the server cannot be reached',
  UND_ERR_CONNECT_TIMEOUT: 'the server does not answer',
};

/**
 * `fetch` says only "fetch failed". The reason is in its chain of causes: the innermost one with a message.
 */
function why(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code in REASONS) return REASONS[code];
  return cause instanceof Error ? why(cause) : reason(error);
}
