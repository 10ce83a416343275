// The server: OpenAI's legacy completions, and what lm-eval asks for. Read next: routes.ts, completion.ts.
import { createHash, timingSafeEqual } from 'node:crypto';
import { formatCount } from '../base/format.ts';
import { parseJson } from '../base/json.ts';
import { type CompletionSettings, createCompletion, foreignToken } from './completion.ts';
import { ApiError, errorBody, refused } from './errors.ts';
import { bodyLimit, type Context, cors, Hono, type HttpBindings, RESPONSE_ALREADY_SENT } from './hono.ts';
import { namesThisMachine } from './listen.ts';
import { findModel, type ServedModel } from './models.ts';
import { openApi } from './openapi.ts';
import { PAGE, PAGE_POLICY } from './page.ts';
import { checkBody, completionFields, detokenizeFields, ENCODING, tokenizeFields } from './requests.ts';
import { type Route, routes } from './routes.ts';
import { streamed } from './stream.ts';

type Env = { Bindings: HttpBindings };
type Request = Context<Env>;

export interface AppOptions {
  models: readonly ServedModel[];
  version: string;
  /** The key that requests must have; null: none. */
  apiKey: string | null;
  /** The origins of pages that may read the answers; null: none but its own. */
  cors: readonly string[] | null;
  /** Whether only names of this machine are answered to. */
  local: boolean;
  /** Bytes of a body at most. */
  maxBody: number;
  /** The largest `max_tokens`. */
  maxTokens: number;
  /** Choices of a request at most. */
  choices: number;
  /** Milliseconds that a completion may take. */
  timeout: number;
  /** Called with what went wrong in the server itself. */
  onError(error: unknown): void;
}

/** The app, and what its server tells it. */
export interface ServeApp {
  fetch(request: globalThis.Request, env: HttpBindings): Promise<Response>;
  /** What answers that which is no request, as `NodeApp` says. */
  errorDocument(status: number, message: string): object;
  /** From now on requests are refused: it ends when those at work are answered. */
  drain(): void;
  /** Ends the completions at work. */
  cut(): void;
  /** Requests at work. */
  readonly working: number;
}

export function createApp(options: AppOptions): ServeApp {
  const app = new Hono<Env>();
  const live = new Set<AbortController>();
  let draining = false;
  let working = 0;

  app.onError((error, c) => failed(c, error, options.onError));
  app.notFound((c) => failed(c, unknownPath(c), options.onError));
  app.use(async (c, next) => {
    if (options.local && !namesThisMachine(c.req.header('host')))
      throw new ApiError(403, 'this server answers to localhost only; --host lets others in');
    if (draining && c.req.path !== routes.health.path) throw closing();
    if (draining) c.header('Connection', 'close');
    working++;
    try {
      await next();
    } finally {
      working--;
    }
  });
  if (options.cors) app.use(cors({ origin: options.cors.includes('*') ? '*' : [...options.cors] }));
  const { apiKey } = options;
  if (apiKey !== null)
    app.use(async (c, next) => {
      if (!isOpen(c.req.path)) checkKey(c.req.header('authorization'), apiKey);
      await next();
    });
  app.use(bodyLimit({ maxSize: options.maxBody, onError: () => Promise.reject(tooLarge(options.maxBody)) }));

  app.get(routes.page.path, (c) => c.html(PAGE, 200, { 'Content-Security-Policy': PAGE_POLICY }));
  app.get(routes.health.path, (c) => {
    const load = options.models.map(({ name, schedule }) => ({ model: name, ...schedule.load }));
    return c.json({ status: draining ? 'ending' : 'ok', models: load }, draining ? 503 : 200);
  });
  app.get(routes.openapi.path, (c) => c.json(openApi(options.version)));
  app.get(routes.models.path, (c) => c.json({ object: 'list', data: options.models.map(modelCard) }));
  app.get('/v1/models/:model{.+}', (c) => c.json(modelCard(findModel(options.models, c.req.param('model')))));
  app.post(routes.completions.path, async (c) => {
    const request = checkBody(completionFields, await bodyOf(c)) as CompletionSettings;
    const served = findModel(options.models, request.model);
    return answer(c, served, request, options, live);
  });
  app.post(routes.chat.path, async (c) => {
    const body = await bodyOf(c);
    const name = typeof body === 'object' && body && 'model' in body ? body.model : undefined;
    const served = findModel(options.models, typeof name === 'string' ? name : undefined);
    throw refused(
      'messages',
      `${served.name} is a base model, which goes on from a text and was not trained to chat: use /v1/completions`,
      'unsupported_model',
    );
  });
  app.post(routes.tokenize.path, async (c) => {
    const { model: name, prompt = '' } = checkBody(tokenizeFields, await bodyOf(c));
    const { tokenizer, model } = findModel(options.models, name);
    const tokens = Array.from(tokenizer.encode(prompt, ENCODING));
    return c.json({ tokens, count: tokens.length, max_model_len: model.config.blockSize });
  });
  app.post(routes.detokenize.path, async (c) => {
    const { model: name, tokens = [] } = checkBody(detokenizeFields, await bodyOf(c));
    const { tokenizer } = findModel(options.models, name);
    const foreign = tokens.find((id) => !tokenizer.hasToken(id));
    if (foreign !== undefined)
      throw refused('tokens', `tokens: ${foreignToken(foreign, tokenizer.vocabSize)}`);
    return c.json({ prompt: tokenizer.decode(tokens) });
  });
  app.get(routes.tokenizerInfo.path, (c) => {
    const { tokenizer, endName, model } = findModel(options.models, c.req.query('model'));
    return c.json({
      ...{ eos_token: endName, bos_token: null, pad_token: null, unk_token: null, chat_template: null },
      special_tokens: [...tokenizer.specialTokens.keys()],
      vocab_size: tokenizer.vocabSize,
      model_max_length: model.config.blockSize,
    });
  });

  return {
    async fetch(request, env) {
      const response = await app.fetch(request, env);
      return env.outgoing.headersSent ? RESPONSE_ALREADY_SENT : response; // a stream has written itself
    },
    errorDocument: (status, message) => errorBody(new ApiError(status, message)),
    drain() {
      draining = true;
    },
    cut() {
      for (const control of live) control.abort(closing());
    },
    get working() {
      return working;
    },
  };
}

/** A completion as one document, or piece by piece. It ends early when its client has gone. */
async function answer(
  c: Request,
  served: ServedModel,
  request: CompletionSettings,
  { maxTokens, choices, timeout, onError }: AppOptions,
  live: Set<AbortController>,
): Promise<Response> {
  const { outgoing } = c.env;
  const control = new AbortController();
  const late = setTimeout(() => control.abort(tooSlow(timeout)), timeout).unref();
  const left = (): void => control.abort(new ClientGone());
  live.add(control);
  outgoing.once('close', left);
  try {
    const completion = createCompletion(served, request, { maxTokens, choices });
    if (request.stream) {
      const headers = Object.fromEntries(c.res.headers);
      await streamed({ outgoing, headers }, completion, request, control, onError);
      return c.body(null);
    }
    const written = await completion.write(control);
    return c.json({ ...completion.head, choices: written, usage: completion.usage() });
  } catch (error) {
    // Nobody is there to read it. A body, so that the adapter has something to drop.
    if (error instanceof ClientGone) return c.body(null, 499 as 400);
    throw error;
  } finally {
    live.delete(control);
    clearTimeout(late);
    outgoing.off('close', left);
  }
}

class ClientGone extends Error {}

function failed(c: Request, error: unknown, onError: AppOptions['onError']): Response {
  const own = error instanceof ApiError ? error : null;
  const { incoming, outgoing } = c.env;
  const gone = outgoing.destroyed || !incoming.complete;
  if (!own && !gone) onError(error);
  // The rest of a body is not waited for: the client is told not to use the connection again.
  if (!incoming.complete) c.header('Connection', 'close');
  for (const [name, value] of Object.entries(own?.headers ?? {})) c.header(name, value);
  return c.json(errorBody(error), (own?.status ?? 500) as 400);
}

/** The JSON in the body of a request. */
async function bodyOf(c: Request): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new ApiError(
      415,
      `the body is ${type || 'of no type'}: send JSON, with Content-Type: application/json`,
    );
  const coding = c.req.header('content-encoding') ?? 'identity';
  if (!/^identity$/i.test(coding))
    throw new ApiError(415, `the body is encoded as ${coding}: send it as it is, without Content-Encoding`);
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  try {
    return parseJson(bytes, { depth: 8, bytes: Number.POSITIVE_INFINITY, values: 5e6 }, 'the body');
  } catch (error) {
    throw refused(null, (error as Error).message, 'invalid_json');
  }
}

function modelCard({ name, created, format, model }: ServedModel): object {
  const { blockSize: max_model_len } = model.config;
  return { id: name, object: 'model', created, owned_by: 'inkhorn', format, max_model_len };
}

const open: ReadonlySet<string> = new Set(
  Object.values<Route>(routes).flatMap((route) => (route.open ? [route.path] : [])),
);

function isOpen(path: string): boolean {
  return open.has(path);
}

/** Throws unless the header has the key. The comparison takes the same time for every wrong one. */
function checkKey(header: string | undefined, key: string): void {
  const [, given] = header?.match(/^Bearer\s+(.+)$/i) ?? [];
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return;
  const fix = 'send it as Authorization: Bearer KEY';
  throw new ApiError(401, `the API key is ${given === undefined ? 'missing' : 'wrong'}: ${fix}`, {
    code: 'invalid_api_key',
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

/** The refusal of a path, or of a method that it does not have. */
function unknownPath(c: Request): ApiError {
  const { method, path } = c.req;
  const methods = Object.values<Route>(routes)
    .filter((route) => route.path === path || (route.path.endsWith('}') && /^\/v1\/models\/./.test(path)))
    .map((route) => route.method.toUpperCase());
  if (methods.length > 0)
    return new ApiError(405, `${method} ${path} is not possible: use ${methods.join(', ')}`, {
      headers: { Allow: methods.join(', ') },
    });
  const paths = Object.values<Route>(routes).map((route) => route.path);
  return new ApiError(404, `there is no ${method} ${path}: this server has ${paths.join(', ')}`);
}

function tooLarge(bytes: number): ApiError {
  return new ApiError(413, `the body is larger than ${formatCount(bytes)} bytes`, { code: 'body_too_large' });
}

function tooSlow(timeout: number): ApiError {
  return new ApiError(
    504,
    `the completion took longer than ${timeout / 1000} seconds: ask for fewer tokens`,
    {
      code: 'timeout',
      headers: { 'X-Should-Retry': 'false' },
    },
  );
}

/** The refusal of requests while the server ends. */
function closing(): ApiError {
  return new ApiError(503, 'the server is ending: try again', {
    code: 'ending',
    headers: { 'Retry-After': '5', Connection: 'close' },
  });
}
