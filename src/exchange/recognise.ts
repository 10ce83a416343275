// What the files of another program are, by their contents. A new format is one importer, and its line here.
// Read next: foreign.ts, hf/import.ts.
import { kindOf } from '../base/first-bytes.ts';
import { bytesAtMost, readJson } from '../base/json.ts';
import { record, type Schema, shown } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import { isSafetensors } from '../io/safetensors.ts';
import { firstBytes, type Store } from '../io/store.ts';
import { CONFIG_FILE } from '../model/folder.ts';
import { isMinbpe } from '../tokenizer/minbpe.ts';
import { TOKENIZER_LIMITS } from '../tokenizer/tokenizer-json.ts';
import type { ForeignModel } from './foreign.ts';
import { openHf, WEIGHTS } from './hf/import.ts';
import { holdsModel, openOwn } from './safetensors.ts';
import { isCharacters } from './tokenizer/characters.ts';
import {
  type FoundTokenizer,
  isMerges,
  isTokenizerJson,
  isVocab,
  MERGES_TXT,
  TOKENIZER_NAMES,
  tokenizerBeside,
  tokenizerOfCharacters,
  tokenizerOfJson,
  tokenizerOfMinbpe,
  tokenizerOfPickle,
  tokenizerOfTexts,
  VOCAB_JSON,
} from './tokenizer/read.ts';
import { isTorch, openTorch } from './torch/file.ts';
import { nanoGpt, nanoGptIn } from './torch/nanogpt.ts';
import { isSeed, seedModel } from './torch/seed.ts';

/** What can be imported, for errors. */
const SUPPORTED = [
  'a folder of Hugging Face (GPT-2, Arcee)',
  "nanoGPT's ckpt.pt",
  "the seed's state_dict",
  'a file of `inkhorn export --to safetensors`',
  "a tokenizer (tokenizer.json, vocab.json and merges.txt, .model of minbpe, merges.pkl, nanoGPT's meta.pkl)",
].join(', ');

/** The model or tokenizer in a folder, or in one file of it. Throws when it is of no known kind. */
export async function recognise(store: Store, file?: string): Promise<ForeignModel | FoundTokenizer> {
  const names = await namesIn(store);
  return file === undefined ? inFolder(store, names) : inFile(store, names, file);
}

/** The tokenizer in a folder, whatever else is there; null: there is none. */
export async function tokenizerIn(store: Store): Promise<FoundTokenizer | null> {
  return tokenizerBeside(store, await namesIn(store));
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
  const weights = await weightsAmong(store, names);
  if (weights.length > 1)
    throw new Error(`${store.location} holds several models, ${few(weights)}: name the file of one`);
  if (weights.length === 1) return inFile(store, names, weights[0]);
  const beside = await tokenizerBeside(store, names);
  if (beside) return beside;
  throw new Error(
    `${store.location} holds ${names.length === 0 ? 'no files' : few(names)}: nothing that can be imported; that is ${SUPPORTED}`,
  );
}

/** The files that may hold a model: others with such names are data. */
async function weightsAmong(store: Store, names: readonly string[]): Promise<string[]> {
  const likely = names.filter((name) => /\.(?:safetensors|pt|pth|ckpt|bin)$/.test(name));
  const heads = await Promise.all(likely.map((name) => firstBytes(store, name)));
  return likely.filter((_, i) => isTorch(heads[i]) || isSafetensors(heads[i]));
}

async function inFile(
  store: Store,
  names: readonly string[],
  file: string,
): Promise<ForeignModel | FoundTokenizer> {
  const place = `${store.location}/${file}`;
  const head = await firstBytes(store, file);
  const kind = kindOf(head) ?? 'binary data';
  if (isMinbpe(head)) return tokenizerOfMinbpe(store, file);
  const hasTexts = names.includes(VOCAB_JSON) && names.includes(MERGES_TXT);
  if ((file === VOCAB_JSON || file === MERGES_TXT) && hasTexts) return tokenizerOfTexts(store);
  if (kind === 'JSON') {
    const bytes = await store.read(file, bytesAtMost(TOKENIZER_LIMITS));
    const json = readJson(bytes, place, anything, TOKENIZER_LIMITS);
    if ('weight_map' in json || 'model_type' in json) return openHf(store, names);
    if (isTokenizerJson(json)) return tokenizerOfJson(store, file);
  }
  // Pickles of the first protocols have no beginning of their own.
  if (isTorch(head) || file.endsWith('.pkl')) return inTorch(store, names, file);
  if (isSafetensors(head)) {
    if (await holdsModel(store, file)) return openOwn(store, file);
    if (await hasHfConfig(store, names)) return openHf(store, names, file);
    throw new Error(
      `${place} does not say what model its tensors are: ${names.includes(CONFIG_FILE) ? `the ${CONFIG_FILE} beside it has no model_type, as one of Hugging Face has` : `a ${CONFIG_FILE} of Hugging Face is not beside it`}`,
    );
  }
  throw new Error(
    `${place} is ${head.length === 0 ? 'empty' : kind}: it cannot be imported; what can is ${SUPPORTED}`,
  );
}

/** What a file of PyTorch, or a pickle, holds. */
async function inTorch(
  store: Store,
  names: readonly string[],
  file: string,
): Promise<ForeignModel | FoundTokenizer> {
  const place = `${store.location}/${file}`;
  const torch = await openTorch(store, file);
  try {
    const checkpoint = nanoGptIn(torch.value);
    if (checkpoint) return nanoGpt(checkpoint, torch, { store, file, names });
    if (isSeed(torch.value)) return seedModel(torch, { store, file, names });
    if (isMerges(torch.value)) {
      await torch.close();
      return await tokenizerOfPickle(store, names, file);
    }
    if (isVocab(torch.value))
      throw new Error(`${place} holds tokens without their merges: name the folder, or merges.pkl`);
    if (isCharacters(torch.value)) {
      await torch.close();
      return await tokenizerOfCharacters(store, file);
    }
    if (await hasHfConfig(store, names)) {
      await torch.close();
      return await openHf(store, names, file);
    }
    throw new Error(
      `${place} holds ${contentsOf(torch.value)}: it cannot be imported; what can is ${SUPPORTED}`,
    );
  } catch (error) {
    await torch.close();
    throw error;
  }
}

/** What a pickle holds, for errors. */
function contentsOf(value: unknown): string {
  if (!(value instanceof Map)) return shown(value);
  return value.size === 0 ? 'an empty dict' : `a dict of ${few([...value.keys()].map(shown))}`;
}

/** The first of these names. */
function few(names: readonly string[]): string {
  return `${names.slice(0, 4).join(', ')}${names.length > 4 ? ', ...' : ''}`;
}

async function hasHfConfig(store: Store, names: readonly string[]): Promise<boolean> {
  return names.includes(CONFIG_FILE) && 'model_type' in (await readJsonFile(store, CONFIG_FILE, anything));
}

const anything: Schema<Record<string, unknown>> = record((value) => value);

/** The files that importers look for, in stores that cannot be listed. */
const KNOWN = [CONFIG_FILE, ...WEIGHTS, ...TOKENIZER_NAMES, 'ckpt.pt'];

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
