// The paths of the server as a table, from which requests are refused and the OpenAPI document follows. Read
// next: openapi.ts, app.ts.
import type { Fields } from '../base/fields.ts';
import { completionFields, detokenizeFields, tokenizeFields } from './requests.ts';

/** A path, and what it is for. */
export interface Route {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly about: string;
  /** The parameters of its body. */
  readonly body?: Fields;
  /** Whether it is open to those without the key. */
  readonly open?: boolean;
  /** What it answers, in words. */
  readonly answer: string;
}

export const routes = {
  page: { method: 'get', path: '/', about: 'a page to try it', open: true, answer: 'HTML' },
  health: {
    ...{ method: 'get', path: '/health', about: 'whether it takes requests', open: true },
    answer: '{"status": "ok"}, or 503 while it ends; with how many choices are written and wait',
  },
  openapi: {
    ...{ method: 'get', path: '/openapi.json', about: 'this document', open: true },
    answer: 'OpenAPI 3.1',
  },
  models: { method: 'get', path: '/v1/models', about: 'the models', answer: 'a list of models' },
  model: { method: 'get', path: '/v1/models/{model}', about: 'one of the models', answer: 'a model' },
  completions: {
    ...{ method: 'post', path: '/v1/completions', about: 'go on from a prompt', body: completionFields },
    answer:
      'choices: text, index, logprobs (tokens, token_logprobs, top_logprobs, text_offset), finish_reason; usage. With `stream` server-sent events of such documents, then [DONE]',
  },
  chat: {
    ...{ method: 'post', path: '/v1/chat/completions', about: 'refused: these are base models' },
    answer: 'an error',
  },
  tokenize: {
    ...{ method: 'post', path: '/tokenize', about: 'the tokens of a text', body: tokenizeFields },
    answer: '{"tokens", "count", "max_model_len"}',
  },
  detokenize: {
    ...{ method: 'post', path: '/detokenize', about: 'the text of tokens', body: detokenizeFields },
    answer: '{"prompt"}',
  },
  tokenizerInfo: {
    ...{ method: 'get', path: '/tokenizer_info', about: 'the special tokens, for lm-eval' },
    answer: '{"eos_token", "bos_token", ...}, null where there is none',
  },
} as const satisfies Record<string, Route>;
