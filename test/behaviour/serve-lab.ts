// A server of a small model for tests, and requests to it.
import assert from 'node:assert/strict';
import type { Backend } from '../../src/backend/contract.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { createBackend } from '../../src/platform/node-engines.ts';
import { type ModelServer, type ServeOptions, serveModels } from '../../src/serve/server.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

export const CONTEXT = 32;

/** A model with fresh weights, whose texts may end by a token. */
export async function smallModel(): Promise<{ backend: Backend; model: GPT; tokenizer: Tokenizer }> {
  const { backend } = await createBackend('auto', { threads: 1 });
  const text = 'To be, or not to be: that is the question. Töne, wörter, grüße 🙂🙂 und so weiter. '.repeat(
    8,
  );
  const tokenizer = Tokenizer.train(text, { vocabSize: 300, specialTokens: ['<|endoftext|>'] });
  const config = makeConfig(presets.shakespeare, 300, {
    ...{ nLayer: 2, nEmbd: 32, nHead: 2, headSize: 16, blockSize: CONTEXT },
  });
  return { backend, model: new GPT(config, { seed: 3, backend }), tokenizer };
}

/** A server that is closed by the caller, and its requests. */
export interface Lab {
  server: ModelServer;
  errors: unknown[];
  url(path: string): string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** A completion that must succeed. */
  complete(body: object): Promise<CompletionAnswer>;
  /** The error of a request that must fail. */
  refusal(path: string, body: unknown, headers?: Record<string, string>): Promise<Refusal>;
}

export interface Refusal {
  status: number;
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

export interface AnsweredLogprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[];
  text_offset: number[];
}

export interface CompletionAnswer {
  id: string;
  object: string;
  model: string;
  choices: { text: string; index: number; logprobs: AnsweredLogprobs | null; finish_reason: string | null }[];
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

export async function openLab(
  models: readonly { name: string; model: GPT; tokenizer: Tokenizer }[],
  options: ServeOptions = {},
): Promise<Lab> {
  const errors: unknown[] = [];
  const tell = { version: '1.2.3', onError: (error: unknown) => void errors.push(error) };
  const server = await serveModels(models, tell, { port: 0, ...options });
  const url = (path: string): string => new URL(path, server.url).href;
  const post: Lab['post'] = (path, body, headers = {}) =>
    fetch(url(path), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    server,
    errors,
    url,
    post,
    async complete(body) {
      const answer = await post('/v1/completions', body);
      const document = await answer.json();
      assert.equal(answer.status, 200, JSON.stringify(document));
      return document as CompletionAnswer;
    },
    async refusal(path, body, headers) {
      const answer = await post(path, body, headers);
      const { error } = (await answer.json()) as { error: Omit<Refusal, 'status'> };
      assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
      assert.doesNotMatch(error.message, /\n/);
      return { status: answer.status, ...error };
    },
  };
}

/** The documents of a stream of server-sent events; the last one is `[DONE]`. */
export async function eventsOf(answer: Response): Promise<unknown[]> {
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const parts = (await answer.text()).split('\n\n');
  assert.equal(parts.pop(), '');
  return parts.map((part) => {
    assert.match(part, /^data: \S/);
    return part === 'data: [DONE]' ? '[DONE]' : JSON.parse(part.slice(6));
  });
}
