// What the files of another program are, by their contents. A new format is one importer, and its line here.
// Read next: foreign.ts, import-hf.ts.
import { kindOf } from '../base/first-bytes.ts';
import { readJson } from '../base/json.ts';
import { record, type Schema } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import { openFile, type Store } from '../io/store.ts';
import { CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE } from '../model/folder.ts';
import { TOKENIZER_LIMITS } from '../tokenizer/tokenizer-json.ts';
import type { ForeignModel } from './foreign.ts';
import { openHf, SHARDS_FILE } from './import-hf.ts';
import { holdsModel, openOwn } from './safetensors.ts';
import { type FoundTokenizer, isTokenizerJson, tokenizerBeside, tokenizerOfJson } from './tokenizer-files.ts';

/** What can be imported, for errors. */
const SUPPORTED =
  'a folder of Hugging Face (GPT-2, Arcee), a file of `inkhorn export --to safetensors`, a tokenizer.json';

/** The model or tokenizer in a folder, or in one file of it. Throws when it is of no known kind. */
export async function recognise(store: Store, file?: string): Promise<ForeignModel | FoundTokenizer> {
  const names = await namesIn(store);
  return file === undefined ? inFolder(store, names) : inFile(store, names, file);
}

async function inFolder(store: Store, names: readonly string[]): Promise<ForeignModel | FoundTokenizer> {
  if (names.includes(CONFIG_FILE)) {
    const config = await readJsonFile(store, CONFIG_FILE, anything);
    if ('model_type' in config) return openHf(store, names);
    if ('nLayer' in config)
      throw new Error(
        `${store.location} is a model folder of Inkhorn already: every command takes it as --model`,
      );
  }
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  if (weights.length === 1) return inFile(store, names, weights[0]);
  const beside = await tokenizerBeside(store, names);
  if (beside) return beside;
  const shown =
    names.length === 0 ? 'no files' : `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`;
  throw new Error(`${store.location} holds ${shown}: nothing that can be imported; that is ${SUPPORTED}`);
}

async function inFile(
  store: Store,
  names: readonly string[],
  file: string,
): Promise<ForeignModel | FoundTokenizer> {
  const place = `${store.location}/${file}`;
  const head = await firstBytes(store, file);
  const kind = kindOf(head) ?? 'binary data';
  if (kind === 'JSON') {
    const json = readJson(await store.read(file, TOKENIZER_LIMITS.bytes), place, anything, TOKENIZER_LIMITS);
    if ('weight_map' in json || 'model_type' in json) return openHf(store, names);
    if (isTokenizerJson(json)) return tokenizerOfJson(store, file, json);
  }
  if (isSafetensors(head)) {
    if (await holdsModel(store, file)) return openOwn(store, file);
    if (names.includes(CONFIG_FILE)) return openHf(store, names, file);
    throw new Error(`${place} does not say what model its tensors are: ${CONFIG_FILE} is not beside it`);
  }
  throw new Error(
    `${place} is ${head.length === 0 ? 'empty' : kind}: it cannot be imported; what can is ${SUPPORTED}`,
  );
}

const anything: Schema<Record<string, unknown>> = record((value) => value);

/** The length of a header, which is a JSON object. */
function isSafetensors(head: Uint8Array): boolean {
  return head.length > 8 && head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0);
}

/** Bytes by which a kind of file is known. */
const SEEN = 512;

async function firstBytes(store: Store, name: string): Promise<Uint8Array> {
  const file = await openFile(store, name);
  try {
    return await file.read(0, Math.min(file.size, SEEN));
  } finally {
    await file.close();
  }
}

/** The files that importers look for, in stores that cannot be listed. */
const KNOWN = [CONFIG_FILE, MODEL_FILE, SHARDS_FILE, TOKENIZER_FILE];

/** The names of the files in a store; on the web, those of the known ones that are there. */
async function namesIn(store: Store): Promise<string[]> {
  try {
    return await store.list();
  } catch (error) {
    const found = await Promise.all(KNOWN.map((name) => store.exists(name)));
    const there = KNOWN.filter((_, i) => found[i]);
    if (there.length > 0) return there;
    throw error;
  }
}
