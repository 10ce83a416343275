// What the first request would wait for: code is compiled, weights are packed, a pass is recorded. Read next:
// schedule.ts.
import { checkSampling } from '../generate/sampler.ts';
import { type ChoiceSettings, createChoice } from './choice.ts';
import type { ServedModel } from './models.ts';

/** Milliseconds after which no further text is begun, and texts at most. */
const ENOUGH = 100;
const MOST = 8;

/** Tokens that are read, and that are written. */
const READ = 64;
const WRITTEN = 8;

const SETTINGS: Omit<ChoiceSettings, 'seed'> = {
  sampling: checkSampling({}),
  presencePenalty: 0,
  frequencyPenalty: 0,
  bias: new Map(),
  maxTokens: WRITTEN,
  stop: [],
  echo: false,
  logprobs: null,
  ranked: false,
};

/** Writes a few short texts that nobody sees. Rejects when the model is broken. */
export async function warmUp(served: ServedModel): Promise<void> {
  const end = performance.now() + ENOUGH;
  for (let text = 0; text < MOST && performance.now() < end; text++) await write(served, text);
}

/** Writes a text. Each has another prompt, since the latest one is remembered. */
function write(served: ServedModel, text: number): Promise<void> {
  const { tokenizer, model, schedule } = served;
  const ids = Array.from(
    { length: Math.min(READ, model.config.blockSize) },
    (_, i) => (text + i) % tokenizer.vocabSize,
  );
  const choice = createChoice({ tokenizer, ends: new Set() }, ids, { ...SETTINGS, seed: text }, 0);
  return new Promise((resolve, reject) => {
    schedule.submit([
      {
        ids,
        scored: null,
        maxTokens: WRITTEN,
        signal: new AbortController().signal,
        begin: (logits) => void choice.begin(logits),
        next: (logits, visible) => choice.next(logits, visible).id,
        end: (error) => (error === undefined ? resolve() : reject(error)),
      },
    ]);
  });
}
