// What generation yields, for tests.
import { type GenerateEvent, generate, type TokenEvent } from '../../src/generate/generate.ts';
import type { GenerateOptions } from '../../src/generate/options.ts';
import type { GPT } from '../../src/model/gpt.ts';
import type { Tokenizer } from '../../src/tokenizer/index.ts';

/** All events. */
export async function collect(
  model: GPT,
  tokenizer: Tokenizer,
  options: GenerateOptions,
): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = [];
  for await (const event of generate(model, tokenizer, options)) events.push(event);
  return events;
}

/** The tokens among them. */
export function tokensOf(events: readonly GenerateEvent[]): TokenEvent[] {
  return events.filter((event) => event.type === 'token');
}
