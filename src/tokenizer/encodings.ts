// OpenAI's encodings: the facts that the published `.tiktoken` files leave out.
import type { Pattern } from './patterns.ts';

export interface Encoding {
  pattern: Pattern;
  /** Ids by name. */
  specialTokens: ReadonlyMap<string, number>;
}

export type EncodingName = 'r50k_base' | 'p50k_base' | 'cl100k_base' | 'o200k_base';

const [endOfText, endOfPrompt] = ['<|endoftext|>', '<|endofprompt|>'];

/** By name, as in tiktoken's openai_public.py: `Tokenizer.fromTiktoken(file, encodings.cl100k_base)`. */
export const encodings: Readonly<Record<EncodingName, Encoding>> = {
  r50k_base: { pattern: 'gpt2', specialTokens: new Map([[endOfText, 50256]]) },
  p50k_base: { pattern: 'gpt2', specialTokens: new Map([[endOfText, 50256]]) },
  cl100k_base: {
    pattern: 'gpt4',
    specialTokens: new Map([
      [endOfText, 100257],
      ['<|fim_prefix|>', 100258],
      ['<|fim_middle|>', 100259],
      ['<|fim_suffix|>', 100260],
      [endOfPrompt, 100276],
    ]),
  },
  o200k_base: {
    pattern: 'o200k',
    specialTokens: new Map([
      [endOfText, 199999],
      [endOfPrompt, 200018],
    ]),
  },
};
