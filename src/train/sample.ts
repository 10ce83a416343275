// Samples of text drawn during training.
import { generate } from '../generate/generate.ts';
import type { GPT } from '../model/gpt.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { SampleEvent } from './events.ts';
import type { TrainSettings } from './settings.ts';

/**
 * Continues the sample prompt by `sampleTokens` tokens at temperature 1; null when aborted. The random
 * numbers depend on the seed, not on the step.
 */
export async function drawSample(
  model: GPT,
  tokenizer: Tokenizer,
  { samplePrompt: prompt, sampleTokens: maxTokens, seed }: TrainSettings,
  step: number,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<SampleEvent | null> {
  let text = '';
  let drawn = 0;
  for await (const event of generate(model, tokenizer, { prompt, maxTokens, seed, signal })) {
    onProgress?.(drawn, maxTokens);
    text += event.text;
    if (event.type === 'token') drawn++;
  }
  if (signal?.aborted) return null;
  return { type: 'sample', step, prompt, text };
}
