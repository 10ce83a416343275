// What a server refuses and limits, how it ends, and what it answers beside completions.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import { quantize } from '../../src/quantize/quantize.ts';
import { listen } from '../../src/serve/listen.ts';
import { completionFields } from '../../src/serve/requests.ts';
import { routes } from '../../src/serve/routes.ts';
import type { ServeOptions } from '../../src/serve/server.ts';
import { statusOf } from '../support/status.ts';
import { inkhorn } from './cli-process.ts';
import { CONTEXT, eventsOf, type Lab, openLab, smallModel } from './serve-lab.ts';

const { backend, model, tokenizer } = await smallModel();
const int8 = await quantize(model);
const models = [
  { name: 'small', model, tokenizer },
  { name: 'int8', model: int8, tokenizer },
];
after(() => {
  for (const one of [model, int8]) one.dispose();
  backend.dispose();
});
const end = tokenizer.specialTokens.get('<|endoftext|>') as number;
const LONG = { prompt: 'To be', max_tokens: 4000, logit_bias: { [end]: -100 }, seed: 1 };

/** Runs `work` with a server of its own. */
async function withLab(options: ServeOptions, work: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await openLab(models, { drain: 0, ...options });
  try {
    await work(lab);
    assert.deepEqual(lab.errors, []);
  } finally {
    await lab.server.close();
  }
}

/** Resolves when so many choices are written and wait. */
async function load(lab: Lab, writing: number, waiting: number): Promise<void> {
  for (;;) {
    const { models: found } = (await (await fetch(lab.url('/health'))).json()) as {
      models: { writing: number; waiting: number }[];
    };
    if (found[0].writing === writing && found[0].waiting === waiting) return;
    await pause(5);
  }
}

describe('beside completions', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab(models);
  });
  after(() => lab.server.close());
  const get = async (path: string): Promise<unknown> => (await fetch(lab.url(path))).json();

  test('models are listed, and found by name', async () => {
    const { data } = (await get('/v1/models')) as { data: { id: string; format: string; object: string }[] };
    assert.deepEqual(
      data.map(({ id, object, format }) => [id, object, format]),
      [
        ['small', 'model', 'float32'],
        ['int8', 'model', 'INT8, activations int8'],
      ],
    );
    assert.deepEqual(await get('/v1/models/int8'), data[1]);
    const none = await fetch(lab.url('/v1/models/gpt-9'));
    assert.equal(none.status, 404);
    const texts = await Promise.all(
      ['small', 'int8', undefined].map((name) => lab.complete({ model: name, prompt: 'To be', seed: 1 })),
    );
    assert.deepEqual(
      texts.map((answer) => answer.model),
      ['small', 'int8', 'small'],
    );
  });

  test('texts become tokens and texts again; a special token is one token', async () => {
    const post = async (path: string, body: object): Promise<Record<string, unknown>> =>
      (await (await lab.post(path, body)).json()) as Record<string, unknown>;
    const text = 'wörter 🙂<|endoftext|>';
    const { tokens, ...rest } = await post('/tokenize', { prompt: text, add_special_tokens: false });
    assert.deepEqual(tokens, Array.from(tokenizer.encode(text, { allowedSpecial: 'all' })));
    assert.deepEqual(rest, { count: (tokens as number[]).length, max_model_len: CONTEXT });
    assert.equal((tokens as number[]).at(-1), end);
    assert.deepEqual(await post('/detokenize', { tokens }), { prompt: text });
    const info = (await get('/tokenizer_info')) as Record<string, unknown>;
    assert.deepEqual([info.eos_token, info.bos_token], ['<|endoftext|>', null]);
    assert.equal(info.vocab_size, tokenizer.vocabSize);
  });

  test('the OpenAPI document has every path and every parameter', async () => {
    const document = (await get('/openapi.json')) as {
      paths: Record<string, Record<string, { requestBody: { content: Record<string, { schema: object }> } }>>;
      info: { version: string };
    };
    assert.equal(document.info.version, '1.2.3');
    assert.deepEqual(
      Object.keys(document.paths),
      Object.values(routes).map(({ path }) => path),
    );
    const { schema } = document.paths['/v1/completions'].post.requestBody.content['application/json'];
    const { properties } = schema as { properties: object };
    assert.deepEqual(Object.keys(properties), Object.keys(completionFields));
    const fits = new Ajv.default({ allowUnionTypes: true }).compile(schema);
    for (const [body, right] of [
      [{ prompt: 'a', stop: ['b'], logit_bias: { 5: 1 }, stream_options: { include_usage: true } }, true],
      [{ prompt: [[1, 2], [3]], max_tokens: 0, n: 2 }, true],
      [{ prompt: 'a', best_off: 1 }, false],
      [{ prompt: 'a', logprobs: 21 }, false],
      [{}, false],
    ] as const)
      assert.equal(fits(body), right, JSON.stringify(body));
  });

  test('log-probabilities of more tokens than memory should hold are refused', async () => {
    await withLab({ queue: 300, streams: 4, maxTokens: 5000 }, async (large) => {
      const body = { prompt: 'a', max_tokens: 5000, n: 20, logprobs: 20 };
      const { status, param, message } = await large.refusal('/v1/completions', body);
      assert.deepEqual([status, param], [400, 'max_tokens']);
      assert.match(
        message,
        /^max_tokens 5000 for 20 choices with logprobs 20 are 2100000 log-prob.*: at most 2097152/,
      );
    });
  });

  test('the page is allowed itself, and nothing else', async () => {
    const page = await fetch(lab.url('/'));
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(
      page.headers.get('content-security-policy') ?? '',
      /default-src 'none'.*script-src 'sha256-/,
    );
    assert.match(await page.text(), /<title>inkhorn serve/);
  });

  test('a chat is refused in one line, for a base model knows none', async () => {
    const asked = { model: 'int8', messages: [{ role: 'user', content: 'Hi' }] };
    const { status, param, message } = await lab.refusal('/v1/chat/completions', asked);
    assert.deepEqual([status, param], [400, 'messages']);
    assert.match(message, /^int8 is a base model.*\/v1\/completions$/);
  });

  test('other paths and methods are refused', async () => {
    for (const [method, path, status] of [
      ['GET', '/v1/completions', 405],
      ['POST', '/v1/models', 405],
      ['DELETE', '/v1/models/small', 405],
      ['POST', '/v1/embeddings', 404],
      ['GET', '/v1/models/', 404],
      ['GET', '/models/shakespeare/config.json', 404],
      ['GET', '/..%2f..%2fpackage.json', 404],
    ] as const) {
      const answer = await fetch(lab.url(path), { method });
      assert.equal(answer.status, status, path);
      const { error } = (await answer.json()) as { error: { type: string } };
      assert.equal(error.type, 'invalid_request_error');
    }
    assert.equal(await statusOf(lab.server.url, '/../package.json', {}), 404);
  });
});

describe('a request that is wrong', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab(models, { maxTokens: 100, streams: 2, queue: 6, maxBody: 20 });
  });
  after(() => lab.server.close());

  const refusals: readonly [parameter: string | null, body: object | string, message: RegExp][] = [
    ['prompt', {}, /prompt is missing/],
    ['prompt', { prompt: null }, /missing/],
    ['prompt', { prompt: [] }, /an empty list is not a text/],
    ['prompt', { prompt: [[]] }, /not a text/],
    ['prompt', { prompt: ['a', 1] }, /not a text/],
    ['prompt', { prompt: [1.5] }, /not a text/],
    ['prompt', { prompt: [-1] }, /not a text/],
    ['prompt', { prompt: [300] }, /token 300 is not in the vocabulary: ids go from 0 to 299/],
    ['prompt', { prompt: [[3], [1e9]] }, /token 1000000000 is not/],
    ['prompt', { prompt: 'x'.repeat(200) }, /tokens, the context of the model 32/],
    ['prompt', { prompt: Array(9).fill('a') }, /9 prompts of 1 choice are 9: at most 8/],
    ['model', { prompt: 'a', model: 5 }, /model 5 is not a text/],
    ['max_tokens', { prompt: 'a', max_tokens: -1 }, /-1 is not a whole number >= 0/],
    ['max_tokens', { prompt: 'a', max_tokens: 101 }, /more than this server allows: 100/],
    ['max_tokens', { prompt: 'a', max_tokens: '5' }, /is not a whole number/],
    ['temperature', { prompt: 'a', temperature: -0.1 }, /is not a number >= 0/],
    ['top_p', { prompt: 'a', top_p: 1.5 }, /top_p 1.5 is not a number > 0 and <= 1/],
    ['top_k', { prompt: 'a', top_k: 0 }, /is not a whole number/],
    ['min_p', { prompt: 'a', min_p: 1 }, /min_p 1/],
    ['repetition_penalty', { prompt: 'a', repetition_penalty: 0 }, /repetition_penalty 0/],
    ['presence_penalty', { prompt: 'a', presence_penalty: 2.1 }, /from -2 to 2/],
    ['frequency_penalty', { prompt: 'a', frequency_penalty: -3 }, /from -2 to 2/],
    ['logit_bias', { prompt: 'a', logit_bias: { 300: 1 } }, /token "300" is not in the vocabulary/],
    ['logit_bias', { prompt: 'a', logit_bias: { a: 1 } }, /token "a" is not in the vocabulary/],
    ['logit_bias', { prompt: 'a', logit_bias: { '05': 1 } }, /token "05" is not in the vocabulary/],
    ['logit_bias', { prompt: 'a', logit_bias: { '-1': 1 } }, /token "-1" is not in the vocabulary/],
    [
      'logit_bias',
      { prompt: 'a', logit_bias: { 5: 101 } },
      /logit_bias\["5"\] 101 is not a number from -100/,
    ],
    [
      'logit_bias',
      { prompt: 'a', logit_bias: { 5: '1' } },
      /logit_bias\["5"\] "1" is not a number from -100/,
    ],
    ['logit_bias', { prompt: 'a', logit_bias: [1] }, /logit_bias a list of 1 is not an object/],
    ['n', { prompt: 'a', n: 0 }, /n 0 is not/],
    ['n', { prompt: 'a', n: 9 }, /at most 8/],
    ['best_of', { prompt: 'a', n: 2, best_of: 1 }, /best_of 1 is less than n 2/],
    ['best_of', { prompt: 'a', best_of: 9 }, /at most 8/],
    ['best_of', { prompt: 'a', best_of: 2, stream: true }, /leave out stream/],
    ['stop', { prompt: 'a', stop: '' }, /none of them empty/],
    ['stop', { prompt: 'a', stop: ['a', 5] }, /is not a text/],
    ['stop', { prompt: 'a', stop: ['a', '\ud83d'] }, /whole characters/],
    ['stop', { prompt: 'a', stop: Array(17).fill('a') }, /at most 16/],
    ['seed', { prompt: 'a', seed: -1 }, /seed -1 is not/],
    ['seed', { prompt: 'a', seed: 1e300 }, /seed 1e\+300 is not/],
    ['echo', { prompt: 'a', echo: 'yes' }, /true or false/],
    ['logprobs', { prompt: 'a', logprobs: 21 }, /from 0 to 20/],
    ['logprobs', { prompt: 'a', logprobs: true }, /from 0 to 20/],
    ['stream', { prompt: 'a', stream: 1 }, /true or false/],
    ['stream_options', { prompt: 'a', stream_options: { include_usage: true } }, /for stream: true/],
    [
      'stream_options',
      { prompt: 'a', stream: true, stream_options: { usage: true } },
      /an object is not an object with include_usage/,
    ],
    ['suffix', { prompt: 'a', suffix: 'b' }, /suffix is not supported/],
    ['user', { prompt: 'a', user: 5 }, /user 5 is not a text/],
    ['prompt', { prompt: 'a\ud83d' }, /is not a text of whole characters/],
    ['prompt', { prompt: ['a', '\udca9a'] }, /is not a text of whole characters/],
    ['max_token', { prompt: 'a', max_token: 5 }, /unknown parameter "max_token": did you mean max_tokens\?/],
    ['__proto__', '{"prompt": "a", "__proto__": 1}', /unknown parameter/],
    [null, [], /not a JSON object/],
    [null, '"text"', /JSON/],
    [null, '{"prompt": "a"', /cut off/],
    [null, '{"prompt": "a", "prompt": "b"}', /occurs twice/],
    [null, '', /empty/],
    [null, `${'['.repeat(50)}${']'.repeat(50)}`, /inside each other/],
  ];
  for (const [param, body, message] of refusals) {
    const shown = typeof body === 'string' ? body : JSON.stringify(body);
    test(`is refused: ${shown.slice(0, 60)}`, async () => {
      const refusal = await lab.refusal('/v1/completions', body);
      assert.deepEqual([refusal.status, refusal.type], [400, 'invalid_request_error']);
      assert.equal(refusal.param, param);
      assert.match(refusal.message, message);
    });
  }

  test('for a model that is not there is refused, whatever it asks', async () => {
    for (const [path, body] of [
      ['/v1/completions', { prompt: 'a' }],
      ['/v1/chat/completions', { messages: [] }],
      ['/tokenize', { prompt: 'a' }],
      ['/detokenize', { tokens: [1] }],
    ] as const) {
      const refusal = await lab.refusal(path, { ...body, model: 'gpt-9' });
      assert.deepEqual([refusal.status, refusal.param], [404, 'model']);
      assert.match(refusal.message, /^there is no model "gpt-9": this server has small, int8$/);
    }
  });

  test('of another kind of body is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const { status } = await lab.refusal('/v1/completions', '{"prompt": "a"}', { 'Content-Type': type });
      assert.equal(status, 415, type);
    }
    const large = await lab.refusal('/v1/completions', { prompt: 'x'.repeat(21_000) });
    assert.deepEqual([large.status, large.code], [413, 'body_too_large']);
    const answer = await lab.post('/v1/completions', { prompt: 'x'.repeat(21_000) });
    assert.equal(answer.headers.get('connection'), 'close');
    const invalid = await fetch(lab.url('/v1/completions'), {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/json' } },
      body: Uint8Array.of(0x7b, 0xff, 0x7d),
    });
    assert.equal(invalid.status, 400);
    for (const [coding, status] of [
      ['gzip', 415],
      ['identity', 200],
    ] as const) {
      const coded = await lab.post('/v1/completions', { prompt: 'a' }, { 'Content-Encoding': coding });
      assert.equal(coded.status, status, coding);
    }
  });

  test('that is none of HTTP, or not for this host, is refused in the same shape', async () => {
    const { port } = new URL(lab.url('/'));
    const raw = async (text: string): Promise<[status: string, error: Record<string, unknown>]> => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.end(text);
      let answer = '';
      for await (const part of socket) answer += part;
      const [head, body] = answer.split('\r\n\r\n');
      assert.match(head, /^content-type: application\/json$/im);
      assert.match(head, /^connection: close$/im);
      return [head.split(' ')[1], JSON.parse(body).error];
    };
    const get = 'GET /health HTTP/1.1\r\nConnection: close\r\n';
    for (const [text, status, message] of [
      ['garbage\r\n\r\n', '400', /^this is no request of HTTP\/1\.1: Parse Error/],
      ['FOO /health HTTP/1.1\r\nHost: localhost\r\n\r\n', '400', /Invalid method/],
      [`${get}\r\n`, '400', /host/i],
      [`${get}Host: a b\r\n\r\n`, '400', /^the request is wrong: /],
      [`${get}Host: elsewhere\r\n\r\n`, '403', /answers to localhost only/],
      [`${get}Host: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431', /larger than 16384 bytes/],
      [`${get}Host: localhost\r\nExpect: all\r\n\r\n`, '417', /^Expect: all is not possible/],
    ] as const) {
      const [code, error] = await raw(text);
      assert.equal(code, status, text.slice(0, 60));
      assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
      assert.equal(error.type, 'invalid_request_error');
      assert.match(error.message as string, message);
    }
  });

  test('that does not arrive in time is answered, too; without a shape by a text', async () => {
    const shape = { errorDocument: (status: number, message: string) => ({ status, message }) };
    for (const [more, expected] of [
      [shape, /^HTTP\/1\.1 408 .*\{"status":408,"message":"the request did not arrive in time: /s],
      [{}, /^HTTP\/1\.1 408 .*text\/plain.*\r\n\r\nthe request did not arrive in time: .*\n$/s],
    ] as const) {
      const app = { fetch: () => new Response('never'), ...more };
      const times = { headersTimeout: 20, requestTimeout: 20, connectionsCheckingInterval: 10 };
      const listening = await listen(app, { port: 0, host: '127.0.0.1', ...times });
      const socket = connect(listening.port, '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
      let answer = '';
      for await (const part of socket) answer += part;
      assert.match(answer, expected);
      await listening.close();
    }
  });

  test('to other paths names the parameter, too', async () => {
    for (const [path, body, param] of [
      ['/tokenize', {}, 'prompt'],
      ['/tokenize', { prompt: 5 }, 'prompt'],
      ['/tokenize', { prompt: '\ud83d' }, 'prompt'],
      ['/tokenize', { prompt: 'a', user: 'me' }, 'user'],
      ['/tokenize', { prompt: 'a', suffix: '' }, 'suffix'],
      ['/detokenize', {}, 'tokens'],
      ['/detokenize', { tokens: [300] }, 'tokens'],
      ['/detokenize', { tokens: 'a' }, 'tokens'],
    ] as const) {
      const refusal = await lab.refusal(path, body);
      assert.deepEqual([refusal.status, refusal.param], [400, param], JSON.stringify(body));
    }
  });

  test('with values at which a parameter means nothing is taken', async () => {
    const neutral = {
      suffix: '',
      user: 'someone',
      presence_penalty: 0,
      frequency_penalty: 0,
      best_of: 1,
      logit_bias: {},
    };
    const nothing = {
      stop: null,
      seed: null,
      logprobs: null,
      suffix: null,
      stream_options: null,
      model: null,
    };
    for (const more of [neutral, nothing]) {
      const { choices } = await lab.complete({ prompt: 'To be', max_tokens: 3, temperature: 0, ...more });
      assert.equal(choices.length, 1);
    }
  });
});

describe('safety', () => {
  test('a key is asked for wherever a model is used', async () => {
    await withLab({ apiKey: 'secret' }, async (lab) => {
      for (const header of [undefined, 'Bearer ', 'Bearer wrong', 'secret', 'Basic secret']) {
        const headers: Record<string, string> = header === undefined ? {} : { Authorization: header };
        for (const path of ['/v1/completions', '/v1/chat/completions', '/tokenize', '/nowhere']) {
          const { status, code, type } = await lab.refusal(path, { prompt: 'a' }, headers);
          assert.deepEqual([status, code, type], [401, 'invalid_api_key', 'authentication_error']);
        }
        for (const path of ['/v1/models', '/tokenizer_info'])
          assert.equal((await fetch(lab.url(path), { headers })).status, 401, path);
      }
      const right = { Authorization: 'Bearer secret' };
      assert.equal((await lab.post('/v1/completions', { prompt: 'a' }, right)).status, 200);
      for (const path of ['/', '/health', '/openapi.json'])
        assert.equal((await fetch(lab.url(path))).status, 200, path);
    });
  });

  test('pages of others can read nothing, except those of --cors', async () => {
    const headers = { Origin: 'https://example.org' };
    const allowed = async (lab: Lab): Promise<(string | null)[]> => {
      const stream = await lab.post('/v1/completions', { prompt: 'a', stream: true }, headers);
      await stream.text();
      const answers = [await fetch(lab.url('/v1/models'), { headers }), stream];
      answers.push(await lab.post('/v1/completions', { prompt: 5 }, headers));
      const preflight = { ...headers, 'Access-Control-Request-Method': 'POST' };
      const asked = { ...preflight, 'Access-Control-Request-Headers': 'content-type,authorization' };
      answers.push(await fetch(lab.url('/v1/completions'), { method: 'OPTIONS', headers: asked }));
      return answers.map((answer) => answer.headers.get('access-control-allow-origin'));
    };
    await withLab({}, async (lab) => assert.deepEqual(await allowed(lab), [null, null, null, null]));
    await withLab({ cors: ['https://other.org'] }, async (lab) =>
      assert.deepEqual(await allowed(lab), [null, null, null, null]),
    );
    const own = 'https://example.org';
    await withLab({ cors: [own], apiKey: 'k' }, async (lab) => {
      assert.deepEqual(await allowed(lab), [own, own, own, own]);
    });
    await withLab({ cors: ['*'] }, async (lab) => assert.deepEqual(await allowed(lab), ['*', '*', '*', '*']));
  });

  test('a key, an origin or an address that no request can have is refused', async () => {
    const refused = (options: ServeOptions): Promise<void> =>
      assert.rejects(
        openLab(models, options),
        (error: Error) => /^serve|^(apiKey|cors|host)/.test(error.message) && !error.message.includes('\n'),
      );
    for (const apiKey of ['', ' ', 'two words', 'schlüssel', 'line\n']) await refused({ apiKey });
    for (const origin of [
      ...['', 'example.org', 'https://example.org/', 'https://example.org/page', 'HTTPS://example.org'],
      ...['https://Example.org', 'https://example.org:443', 'https://a@example.org', 'file://'],
    ])
      await refused({ cors: [origin] });
    for (const origin of [
      '*',
      'null',
      'http://localhost:3000',
      'http://[::1]:8080',
      'chrome-extension://abc',
    ])
      await withLab({ cors: [origin] }, async () => {});
    for (const host of ['', ' ', 'http://localhost']) await refused({ host });
  });

  test('every address of this machine alone is one of its names', {
    skip: process.platform !== 'linux', // others have 127.0.0.1 only
  }, async () => {
    await withLab({ host: '127.0.0.2' }, async (lab) => {
      assert.match(lab.server.url, /^http:\/\/127\.0\.0\.2:/);
      assert.equal(await statusOf(lab.server.url, '/health', {}), 200);
      for (const host of ['127.0.0.1', '[::1]:80', 'localhost:1'])
        assert.equal(await statusOf(lab.server.url, '/health', { headers: { host } }), 200, host);
      for (const host of [
        '127.0.0.1.example',
        '1127.0.0.1',
        'a127.0.0.1',
        '10.0.0.1',
        '[::2]',
        'localhost.example',
      ])
        assert.equal(await statusOf(lab.server.url, '/health', { headers: { host } }), 403, host);
    });
  });

  test('only names of this machine are answered to, unless it listens to others', async () => {
    const asked = { headers: { host: 'elsewhere.example' } };
    await withLab({}, async (lab) => {
      assert.equal(await statusOf(lab.server.url, '/health', asked), 403);
      assert.equal(await statusOf(lab.server.url, '/health', { headers: { host: 'LOCALHOST:80' } }), 200);
    });
    await withLab({ host: '0.0.0.0' }, async (lab) =>
      assert.equal(await statusOf(lab.server.url, '/health', asked), 200),
    );
  });
});

describe('load', () => {
  test('beyond what may wait is answered 429, and takes nothing from the others', async () => {
    await withLab({ streams: 2, queue: 3, maxTokens: 4000 }, async (lab) => {
      const leaving = new AbortController();
      const long = Array.from({ length: 5 }, () =>
        fetch(lab.url('/v1/completions'), {
          ...{ method: 'POST', headers: { 'Content-Type': 'application/json' }, signal: leaving.signal },
          body: JSON.stringify(LONG),
        }).catch((error: Error) => error.name),
      );
      await load(lab, 2, 3);
      for (const stream of [false, true]) {
        const answer = await lab.post('/v1/completions', { prompt: 'a', stream });
        assert.deepEqual([answer.status, answer.headers.get('retry-after')], [429, '1']);
        const { error } = (await answer.json()) as { error: { type: string; code: string } };
        assert.deepEqual([error.type, error.code], ['rate_limit_error', 'queue_full']);
      }
      leaving.abort();
      assert.deepEqual(await Promise.all(long), Array(5).fill('AbortError'));
      await load(lab, 0, 0);
      await lab.complete({ prompt: 'a', max_tokens: 2 });
    });
  });

  test('of clients that leave ends, whether they wait, read a stream or have sent half a request', async () => {
    await withLab({ streams: 1, queue: 3, maxTokens: 4000 }, async (lab) => {
      const { port } = new URL(lab.url('/'));
      const leave = async (body: object, cut = 0): Promise<void> => {
        const text = JSON.stringify(body);
        const socket = connect(Number(port), '127.0.0.1');
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write(
          `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text.slice(0, text.length - cut)}`,
        );
        if (cut === 0) await pause(60);
        socket.destroy();
      };
      await Promise.all([
        leave({ ...LONG, stream: true }),
        leave(LONG),
        leave({ ...LONG, n: 2 }),
        leave(LONG, 5),
      ]);
      await load(lab, 0, 0);
      await lab.complete({ prompt: 'a', max_tokens: 2 });
    });
  });

  test('that takes too long is ended, in a stream by an event', async () => {
    await withLab({ timeout: 0.05, maxTokens: 4000 }, async (lab) => {
      const late = await lab.post('/v1/completions', LONG);
      assert.deepEqual([late.status, late.headers.get('x-should-retry')], [504, 'false']);
      const events = await eventsOf(await lab.post('/v1/completions', { ...LONG, stream: true }));
      const { error } = events.at(-1) as { error: { code: string } };
      assert.equal(error.code, 'timeout');
      await load(lab, 0, 0);
    });
  });
});

describe('the end', () => {
  test('waits for what is at work, and takes nothing new', async () => {
    const lab = await openLab(models, { drain: 20 });
    const stream = await lab.post('/v1/completions', { ...LONG, max_tokens: 300, stream: true });
    const closed = lab.server.close();
    assert.equal((await eventsOf(stream)).at(-1), '[DONE]');
    await closed;
    await assert.rejects(fetch(lab.url('/health')));
  });

  test('comes for what takes longer than it may', async () => {
    const lab = await openLab(models, { drain: 0.1 });
    const stream = await lab.post('/v1/completions', { ...LONG, stream: true });
    const closed = lab.server.close();
    const { error } = (await eventsOf(stream)).at(-1) as { error: { code: string } };
    assert.equal(error.code, 'ending');
    await closed;
  });
});

describe('inkhorn serve', () => {
  const root = mkdtempSync(join(tmpdir(), 'inkhorn-serve-'));
  after(() => rmSync(root, { recursive: true }));

  test('serves the bundled model in INT8, and ends by SIGTERM after its last answer', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--json'], { cwd: root });
    const exit = once(child, 'exit');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url, models: names } = JSON.parse(String(line)) as { url: string; models: string[] };
    assert.deepEqual(names, ['shakespeare']);
    const { data } = (await (await fetch(`${url}v1/models`)).json()) as { data: { format: string }[] };
    assert.match(data[0].format, /^INT8/);
    const answer = fetch(`${url}v1/completions`, {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/json' } },
      body: JSON.stringify({ prompt: 'ROMEO:\n', max_tokens: 200, stream: true }),
    });
    const events = answer.then(eventsOf);
    await answer;
    child.kill('SIGTERM');
    assert.equal((await events).at(-1), '[DONE]');
    assert.deepEqual(await exit, [143, null]);
  });

  test('refuses what cannot be', async () => {
    for (const [args, message] of [
      [['-m', 'nowhere'], /there is no model folder nowhere/],
      [['-m', 'a=x', '-m', 'a=y'], /two models are named a/],
      [
        ['-m', 'my model=x'],
        /the name before = is "my model"; it may have 1 to 100 letters \(a to z\), digits/,
      ],
      [
        ['-m', 'größe=x'],
        /-model größe=x: the name before = is "größe"; it may have .* and \. : _ -; \.\/größe=x is/,
      ],
      [['-m', '=x'], /the name before = is empty/],
      [['-m', `${'a'.repeat(101)}=x`], /it may have 1 to 100 letters/],
      [['-m', 'a='], /--model a= names no folder: a=DIR/],
      [['-m', './a=b'], /there is no model folder \.\/a=b/],
      [['--host', '203.0.113.9'], /--host 203\.0\.113\.9 is no address of this machine/],
      [['--port', '70000'], /--port 70000 is not a whole number from 0 to 65535/],
      [['--streams', '0'], /--streams 0/],
      [['model'], /one argument too many/],
    ] as const) {
      const { code, errors } = await inkhorn(root, ['serve', ...args, '--backend', 'reference']);
      assert.equal(code, 2, errors.join());
      assert.match(errors.at(-1) ?? '', message);
    }
  });
});
