// A completion as server-sent events, written to clients that read and that do not.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Completion, CompletionSettings } from '../../src/serve/completion.ts';
import { streamed } from '../../src/serve/stream.ts';

/** A response whose client takes a piece whenever `taken` resolves. */
class Client extends Writable {
  received = 0;
  readonly taken: Promise<void>;
  constructor(taken: Promise<void>) {
    super();
    this.taken = taken;
  }
  writeHead(): void {}
  flushHeaders(): void {}
  override _write(bytes: Buffer, _: string, done: () => void): void {
    this.received += bytes.length;
    void this.taken.then(done);
  }
}

const PIECES = 400;
const PIECE = { text: 'a'.repeat(50_000), index: 0, logprobs: null, finish_reason: null };

/** Streams 20 MB in pieces. Returns the pieces that were made. */
async function stream(client: Client): Promise<number> {
  let made = 0;
  const completion: Completion = {
    head: { id: 'cmpl-1', object: 'text_completion', created: 0, model: 'small' },
    async write({ signal }, onPiece) {
      for (; made < PIECES; made++) {
        signal.throwIfAborted();
        onPiece?.(PIECE);
        await setTimeout(1);
      }
      return [];
    },
    usage: () => ({ prompt_tokens: 1, completion_tokens: made, total_tokens: made + 1 }),
  };
  const errors: unknown[] = [];
  await streamed(
    { outgoing: client as unknown as HttpBindings['outgoing'], headers: {} },
    completion,
    {} as CompletionSettings,
    new AbortController(),
    (error) => errors.push(error),
  );
  assert.deepEqual(errors, []);
  return made;
}

test('a client that reads gets every piece', async () => {
  const client = new Client(Promise.resolve());
  assert.equal(await stream(client), PIECES);
  if (!client.writableFinished) await new Promise((resolve) => client.on('finish', resolve));
  assert.ok(client.received > PIECES * PIECE.text.length, `${client.received} bytes`);
});

test('a completion ends when its client leaves some megabytes unread', async () => {
  const client = new Client(new Promise(() => {}));
  const made = await stream(client);
  assert.ok(made < PIECES, `all ${made} pieces were made`);
  assert.ok(client.destroyed);
});
