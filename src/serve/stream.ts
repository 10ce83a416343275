// A completion as server-sent events. Read next: completion.ts.

import type { Completion, CompletionSettings } from './completion.ts';
import { ApiError, errorBody } from './errors.ts';
import type { HttpBindings } from './hono.ts';

type Outgoing = HttpBindings['outgoing'];

/** Milliseconds without a piece after which a comment keeps the connection open. */
const QUIET = 15_000;

/**
 * Milliseconds in which events are gathered after a write: a frame of a screen, since a write costs as much
 * as a token. The first event is sent at once.
 */
const GATHER = 16;

/** Bytes that may wait for a client to read them, beside what the system keeps: minutes of text. */
const UNREAD = 4 * 2 ** 20;

/**
 * Writes the pieces of `completion` as they come, then the usage if it was asked for, and `[DONE]`. What goes
 * wrong after the first byte is an event with an error. Rejects with an ApiError while nothing has been
 * written.
 */
export async function streamed(
  { outgoing, headers }: { outgoing: Outgoing; headers: Record<string, string> },
  completion: Completion,
  { stream_options: options }: CompletionSettings,
  control: AbortController,
  onError: (error: unknown) => void,
): Promise<void> {
  const { head } = completion;
  const withUsage = options?.include_usage === true;
  const common = JSON.stringify(withUsage ? { ...head, usage: null } : head).slice(0, -1);
  const events = gathered((text) => {
    outgoing.write(text);
    if (outgoing.writableLength <= UNREAD) return;
    control.abort(new Error('the client does not read'));
    outgoing.destroy();
  });
  const written = completion.write(control, (choice) =>
    events.add(`data: ${common},"choices":[${JSON.stringify(choice)}]}\n\n`),
  );
  written.catch(() => {}); // handled below
  outgoing.writeHead(200, {
    ...headers,
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
  });
  outgoing.flushHeaders();
  events.open();
  const quiet = setInterval(() => outgoing.write(': still here\n\n'), QUIET).unref();
  try {
    await written;
    const usage = withUsage ? { ...head, choices: [], usage: completion.usage() } : null;
    outgoing.end(`${events.rest()}${usage ? `data: ${JSON.stringify(usage)}\n\n` : ''}data: [DONE]\n\n`);
  } catch (error) {
    if (!(error instanceof ApiError) && !control.signal.aborted) onError(error);
    if (!outgoing.destroyed) outgoing.end(`${events.rest()}data: ${JSON.stringify(errorBody(error))}\n\n`);
  } finally {
    events.drop();
    clearInterval(quiet);
  }
}

/** Events on their way to `write`. */
interface Gathered {
  add(event: string): void;
  /** From now on there may be writes. */
  open(): void;
  /** What has been gathered, for the last write. */
  rest(): string;
  drop(): void;
}

function gathered(write: (text: string) => void): Gathered {
  let waiting = '';
  let opened = false;
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const drop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const rest = (): string => {
    drop();
    const text = waiting;
    waiting = '';
    return text;
  };
  const flush = (): void => {
    last = performance.now();
    write(rest());
  };
  return {
    add(event) {
      waiting += event;
      if (!opened || timer !== undefined) return;
      const wait = last + GATHER - performance.now();
      if (wait <= 0) flush();
      else timer = setTimeout(flush, wait);
    },
    open() {
      opened = true;
      if (waiting !== '') flush();
    },
    rest,
    drop,
  };
}
