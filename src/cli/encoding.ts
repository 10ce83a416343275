// Encodes texts with a progress bar: a large corpus takes minutes.
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Dataset, datasetAsync, encodeTextAsync, type Split } from '../train/data.ts';
import { withProgress } from './progress.ts';

type Text = Parameters<typeof encodeTextAsync>[0];

/** `encodeText`, with a progress bar. */
export function encodeCorpus(text: Text, tokenizer: Tokenizer): Promise<Int32Array> {
  return withProgress('encoding the text', 'bytes', (onProgress) =>
    encodeTextAsync(text, tokenizer, { onProgress }),
  );
}

/** `dataset`, with a progress bar. */
export function splitCorpus(text: Text, tokenizer: Tokenizer, split: Partial<Split> = {}): Promise<Dataset> {
  return withProgress('encoding the text', 'bytes', (onProgress) =>
    datasetAsync(text, tokenizer, { ...split, onProgress }),
  );
}
