// A completion as server-sent events. Read next: completion.ts.
import type { HttpBindings } from '@hono/node-server';
import type { Completion, CompletionSettings } from './completion.ts';
import { ApiError, errorBody } from './errors.ts';

type Outgoing = HttpBindings['outgoing'];

/** Milliseconds without a piece after which a comment keeps the connection open. */
const QUIET = 15_000;

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
  const written = completion.write(control, (choice) =>
    outgoing.write(`data: ${common},"choices":[${JSON.stringify(choice)}]}\n\n`),
  );
  written.catch(() => {}); // handled below
  outgoing.writeHead(200, {
    ...headers,
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
  });
  outgoing.flushHeaders();
  const quiet = setInterval(() => outgoing.write(': still here\n\n'), QUIET).unref();
  try {
    await written;
    if (withUsage)
      outgoing.write(`data: ${JSON.stringify({ ...head, choices: [], usage: completion.usage() })}\n\n`);
    outgoing.end('data: [DONE]\n\n');
  } catch (error) {
    if (!(error instanceof ApiError) && !control.signal.aborted) onError(error);
    if (!outgoing.destroyed) outgoing.end(`data: ${JSON.stringify(errorBody(error))}\n\n`);
  } finally {
    clearInterval(quiet);
  }
}
