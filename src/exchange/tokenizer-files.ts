// Tokenizers in the files of other programs. Read next: import.ts.
import { readJson } from '../base/json.ts';
import type { Store } from '../io/store.ts';
import { TOKENIZER_FILE } from '../model/folder.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { TOKENIZER_LIMITS } from '../tokenizer/tokenizer-json.ts';

/** A tokenizer that was recognised and read. */
export interface FoundTokenizer {
  /** What it was there: `minbpe`. */
  from: string;
  /** Its file, for errors. */
  place: string;
  tokenizer: Tokenizer;
}

/** The tokenizer among the files of a folder; null: there is none. */
export async function tokenizerBeside(
  store: Store,
  names: readonly string[],
): Promise<FoundTokenizer | null> {
  if (!names.includes(TOKENIZER_FILE)) return null;
  return tokenizerOfJson(store, TOKENIZER_FILE);
}

/** Whether it looks like a `tokenizer.json`. */
export function isTokenizerJson(json: Record<string, unknown>): boolean {
  return 'model' in json && ('pre_tokenizer' in json || 'added_tokens' in json);
}

/** Hugging Face's `tokenizer.json`. `json`: its contents, where they were read already. */
export async function tokenizerOfJson(store: Store, name: string, json?: unknown): Promise<FoundTokenizer> {
  const place = `${store.location}/${name}`;
  const source = json === undefined ? await store.read(name, TOKENIZER_LIMITS.bytes) : null;
  const read = (value: unknown): Tokenizer => Tokenizer.fromJSON(value);
  try {
    const tokenizer = source ? readJson(source, place, read, TOKENIZER_LIMITS) : read(json);
    return { from: 'tokenizer.json', place, tokenizer };
  } catch (error) {
    const { message } = error as Error;
    throw new Error(message.startsWith(place) ? message : `${place}: ${message}`, { cause: error });
  }
}
