// A server of models from its start to its end. Read next: app.ts.
import { setTimeout as pause } from 'node:timers/promises';
import { choice, complete, integer, number, type Table, text, texts } from '../base/fields.ts';
import { matching, such } from '../base/schema.ts';
import type { Overflow } from '../generate/context.ts';
import { generateFields } from '../generate/options.ts';
import { createApp } from './app.ts';
import { isLoopback, listen } from './listen.ts';
import { type NamedModel, serveModel } from './models.ts';
import { warmUp } from './warm.ts';

/** How models are served. All are optional. */
export interface ServeOptions {
  /** 0: any free port. Default 4466. */
  port?: number;
  /** The address to listen at. Default 127.0.0.1: only this machine. */
  host?: string;
  /** The key that requests must have. Default: none. */
  apiKey?: string;
  /** Origins of pages that may read the answers, `*`: all. Default: none. */
  cors?: readonly string[];
  /** Choices of a model that are written at once, in one pass per token. Default 16. */
  streams?: number;
  /** Choices of a model that may wait; a request with more is answered 429. Default 256. */
  queue?: number;
  /** The largest `max_tokens`. Default 4096. */
  maxTokens?: number;
  /** The largest body, kB. Default 1000. */
  maxBody?: number;
  /** Seconds that a completion may take. Default 600. */
  timeout?: number;
  /** Seconds that completions at work get when the server is asked to end. Default 30. */
  drain?: number;
  /** What to do beyond the context window. Default `slide`. */
  overflow?: Overflow;
}

/** The options of `serveModels`. */
export const serveFields: Table<
  ServeOptions,
  'host' | 'port' | 'streams' | 'queue' | 'maxTokens' | 'maxBody' | 'timeout' | 'drain' | 'overflow'
> = {
  port: integer({ about: 'port, 0: any that is free', min: 0, max: 65535, default: 4466 }),
  host: text({
    about: 'address to listen at; 0.0.0.0: all of this machine, for other machines, too',
    of: matching(/^[^\s/]+$/, 'an address such as 127.0.0.1, or a name'), // Node takes an empty one for all
    default: '127.0.0.1',
  }),
  apiKey: text({
    about: 'key that requests must have, as Authorization: Bearer KEY',
    of: matching(/^[!-~]+$/, 'a key that a header can hold: ASCII characters without spaces, at least one'),
  }),
  cors: texts({
    about: "origin of a page that may read the answers, '*': every page",
    of: such(isOrigin, "'*', or an origin as browsers send it, such as https://example.org, without a path"),
  }),
  streams: integer({
    about: 'choices of a model that are written at once',
    min: 1,
    max: 256,
    default: 16,
  }),
  queue: integer({ about: 'choices that may wait; a request with more gets 429', min: 0, default: 256 }),
  maxTokens: integer({ about: 'largest max_tokens of a request', min: 1, default: 4096 }),
  maxBody: integer({ about: 'largest body of a request, kB', min: 1, max: 100_000, default: 1000 }),
  timeout: number({ about: 'seconds that a completion may take', above: 0, max: 86_400, default: 600 }),
  drain: number({
    about: 'seconds that completions get to end when the server is asked to',
    min: 0,
    max: 86_400,
    default: 30,
  }),
  overflow: choice(['slide', 'shift'], { about: generateFields.overflow.about, default: 'slide' }),
};

/** A server that takes requests. */
export interface ModelServer {
  url: string;
  /**
   * Takes no new requests, and resolves when those at work are answered; after `drain` seconds they are
   * ended. The models belong to the caller.
   */
  close(): Promise<void>;
}

/**
 * Serves models by name. Throws when an option is out of range, and rejects when the port is taken or a
 * model is broken. `onError` gets what went wrong in the server itself.
 */
export async function serveModels(
  models: readonly NamedModel[],
  { version, onError }: { version: string; onError: (error: unknown) => void },
  options: ServeOptions = {},
): Promise<ModelServer> {
  const settings = complete(serveFields, options, 'serve');
  const { port, host, streams, queue, overflow } = settings;
  const local = isLoopback(host);
  const name = host === '127.0.0.1' ? 'localhost' : host;
  const served = models.map((model) => serveModel(model, { streams, queue, overflow }));
  for (const one of served) await warmUp(one);
  const app = createApp({
    models: served,
    version,
    apiKey: settings.apiKey ?? null,
    cors: settings.cors ?? null,
    local,
    maxBody: settings.maxBody * 1000,
    maxTokens: settings.maxTokens,
    choices: Math.max(1, streams + queue),
    timeout: settings.timeout * 1000,
    onError,
  });
  // A client must send its request within these times.
  const times = { headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 75_000 };
  const listening = await listen(app, { port, host, ...times });
  return {
    url: `http://${name.includes(':') ? `[${name}]` : name}:${listening.port}/`,
    async close() {
      app.drain();
      let open = true;
      const closed = listening.close().then(() => {
        open = false;
      });
      const end = performance.now() + settings.drain * 1000;
      while (open && performance.now() < end) {
        listening.server.closeIdleConnections(); // those that are answered, to the last byte
        await pause(20);
      }
      app.cut();
      for (let tries = 0; app.working > 0 && tries < 100; tries++) await pause(20);
      listening.server.closeAllConnections();
      await closed;
      for (const { schedule } of served) await schedule.dispose();
    },
  };
}

/** Whether a browser may send this as the origin of a page. `null` is that of a page from a file. */
function isOrigin(value: unknown): value is string {
  if (value === '*' || value === 'null') return true;
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, host } = new URL(value);
  return value === `${protocol}//${host}` && host !== '';
}
