// The models that a server has, by name. Read next: schedule.ts.
import type { Overflow } from '../generate/context.ts';
import { endTokens, startToken } from '../generate/start.ts';
import type { GPT } from '../model/gpt.ts';
import { formatOf } from '../quantize/format.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { ApiError } from './errors.ts';
import { createSchedule, type Schedule } from './schedule.ts';

/** A model to be served. */
export interface NamedModel {
  name: string;
  model: GPT;
  tokenizer: Tokenizer;
}

/** A model with what its requests need. */
export interface ServedModel extends NamedModel {
  /** Seconds since 1970 at which it was loaded. */
  created: number;
  /** How its matrices are stored. */
  format: string;
  /** Tokens that end a text. */
  ends: ReadonlySet<number>;
  /** The special token that ends a text, by name; null where it has none. */
  endName: string | null;
  /** The token before an empty prompt. */
  start: number;
  schedule: Schedule;
}

export function serveModel(
  named: NamedModel,
  limits: { streams: number; queue: number; overflow: Overflow },
): ServedModel {
  const { model, tokenizer } = named;
  const ends = endTokens(model, tokenizer);
  const [endName = null] = [...tokenizer.specialTokens].find(([, id]) => ends.has(id)) ?? [];
  return {
    ...named,
    created: Math.floor(Date.now() / 1000),
    format: formatOf(model),
    ends,
    endName,
    start: startToken(model, tokenizer),
    schedule: createSchedule(model, limits),
  };
}

/** The model of that name; without one the first. Throws an ApiError where there is none. */
export function findModel(models: readonly ServedModel[], name: string | undefined): ServedModel {
  const found = name === undefined ? models[0] : models.find((model) => model.name === name);
  if (found) return found;
  const names = models.map((model) => model.name).join(', ');
  throw new ApiError(404, `there is no model ${JSON.stringify(name)}: this server has ${names}`, {
    param: 'model',
    code: 'model_not_found',
  });
}
