// Tokenizers in the files of other programs: Hugging Face's, minbpe's, and the seed's pickles. Read next:
// ../import.ts.
import { bytesAtMost, parseJson, readJson } from '../../base/json.ts';
import { firstBytes, type Store } from '../../io/store.ts';
import { TOKENIZER_FILE } from '../../model/folder.ts';
import { type Merge, Tokenizer } from '../../tokenizer/index.ts';
import { fromMinbpe, isMinbpe } from '../../tokenizer/minbpe.ts';
import { TOKENIZER_LIMITS } from '../../tokenizer/tokenizer-json.ts';
import { openTorch } from '../torch/file.ts';
import { characterTokenizer, isCharacters } from './characters.ts';

/** A tokenizer that was recognised and read. */
export interface FoundTokenizer {
  /** What it was there: `minbpe`. */
  from: string;
  /** Its file, for errors. */
  place: string;
  tokenizer: Tokenizer;
}

/** The two files of GPT-2's tokenizer from before there was `tokenizer.json`. */
export const VOCAB_JSON = 'vocab.json';
export const MERGES_TXT = 'merges.txt';
/** The two pickles of the seed. */
const [MERGES_PKL, VOCAB_PKL] = ['merges.pkl', 'vocab.pkl'];

/** The characters of nanoGPT's text. */
const META_PKL = 'meta.pkl';

/** The usual names of files with tokenizers. */
export const TOKENIZER_NAMES: readonly string[] = [
  TOKENIZER_FILE,
  VOCAB_JSON,
  MERGES_TXT,
  MERGES_PKL,
  VOCAB_PKL,
  META_PKL,
];

/** The tokenizer among the files of a folder; null: there is none. */
export async function tokenizerBeside(
  store: Store,
  names: readonly string[],
): Promise<FoundTokenizer | null> {
  if (names.includes(TOKENIZER_FILE)) return tokenizerOfJson(store, TOKENIZER_FILE);
  if (names.includes(VOCAB_JSON) && names.includes(MERGES_TXT)) return tokenizerOfTexts(store);
  if (names.includes(MERGES_PKL)) return tokenizerOfPickle(store, names, MERGES_PKL);
  if (names.includes(META_PKL)) return tokenizerOfCharacters(store, META_PKL);
  const models = names.filter((name) => name.endsWith('.model'));
  const heads = await Promise.all(models.map((name) => firstBytes(store, name)));
  const ours = models.filter((_, i) => isMinbpe(heads[i]));
  return ours.length === 1 ? tokenizerOfMinbpe(store, ours[0]) : null;
}

/** Whether it looks like a `tokenizer.json`. */
export function isTokenizerJson(json: Record<string, unknown>): boolean {
  return 'model' in json && ('pre_tokenizer' in json || 'added_tokens' in json);
}

/** Hugging Face's `tokenizer.json`. */
export async function tokenizerOfJson(store: Store, name: string): Promise<FoundTokenizer> {
  const place = `${store.location}/${name}`;
  const bytes = await store.read(name, bytesAtMost(TOKENIZER_LIMITS));
  const read = (json: unknown): Tokenizer => Tokenizer.fromJSON(json);
  return { from: 'tokenizer.json', place, tokenizer: readJson(bytes, place, read, TOKENIZER_LIMITS) };
}

/** A `.model` file of minbpe. */
export async function tokenizerOfMinbpe(store: Store, name: string): Promise<FoundTokenizer> {
  const place = `${store.location}/${name}`;
  const file = await textOf(store, name);
  return { from: 'minbpe', place, tokenizer: within(place, () => new Tokenizer(fromMinbpe(file))) };
}

/** `vocab.json` and `merges.txt`: what GPT-2's `tokenizer.json` has, without what all of its kind share. */
export async function tokenizerOfTexts(store: Store): Promise<FoundTokenizer> {
  const place = `${store.location}/${MERGES_TXT}`;
  const bytes = await store.read(VOCAB_JSON, bytesAtMost(TOKENIZER_LIMITS));
  const lines = (await textOf(store, MERGES_TXT)).split(/\r?\n/);
  const merges = lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  const tokenizer = within(`${store.location}/${VOCAB_JSON}, ${MERGES_TXT}`, () => {
    const vocab = parseJson(bytes, TOKENIZER_LIMITS, VOCAB_JSON) as Record<string, unknown>;
    const end = vocab['<|endoftext|>'];
    const added = end === undefined ? [] : [{ id: end, content: '<|endoftext|>', special: true }];
    return Tokenizer.fromJSON({
      added_tokens: added,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      model: { type: 'BPE', vocab, merges },
    });
  });
  return { from: 'GPT-2', place, tokenizer };
}

/** The seed's `merges.pkl`, which its `vocab.pkl` must fit where it is beside it. */
export async function tokenizerOfPickle(
  store: Store,
  names: readonly string[],
  name: string,
): Promise<FoundTokenizer> {
  const place = `${store.location}/${name}`;
  const merges = await valueIn(store, name);
  if (!isMerges(merges)) throw new Error(`${place} holds no merges: expected {(left, right): id}`);
  const tokenizer = within(place, () => new Tokenizer({ merges: inOrder(merges) }));
  if (names.includes(VOCAB_PKL)) {
    const vocab = await valueIn(store, VOCAB_PKL);
    within(`${store.location}/${VOCAB_PKL}`, () => checkVocab(vocab, tokenizer));
  }
  return { from: 'seed', place, tokenizer };
}

/** nanoGPT's `meta.pkl`. */
export async function tokenizerOfCharacters(store: Store, name: string): Promise<FoundTokenizer> {
  const place = `${store.location}/${name}`;
  const meta = await valueIn(store, name);
  if (!isCharacters(meta)) throw new Error(`${place} holds no characters: expected nanoGPT's stoi and itos`);
  return { from: 'nanoGPT', place, tokenizer: within(place, () => characterTokenizer(meta)) };
}

async function valueIn(store: Store, name: string): Promise<unknown> {
  const { value, close } = await openTorch(store, name);
  await close();
  return value;
}

/** Ids by pairs of ids. */
export function isMerges(value: unknown): value is Map<[number, number], number> {
  if (!(value instanceof Map) || value.size === 0) return false;
  return [...value].every(
    ([pair, id]) => Array.isArray(pair) && pair.length === 2 && [...pair, id].every(Number.isInteger),
  );
}

/** Bytes by ids. */
export function isVocab(value: unknown): value is Map<number, Uint8Array> {
  if (!(value instanceof Map) || value.size === 0) return false;
  return [...value].every(([id, token]) => Number.isInteger(id) && token instanceof Uint8Array);
}

/** The pairs by their ids, which go on from those of the bytes. */
function inOrder(ids: ReadonlyMap<[number, number], number>): Merge[] {
  const sorted = [...ids].sort(([, a], [, b]) => a - b);
  return sorted.map(([pair, id], rank) => {
    if (id === 256 + rank) return pair;
    throw new Error(
      `the merge (${pair.join(', ')}) makes token ${id}, not ${256 + rank}: ids follow each other from 256 on`,
    );
  });
}

function checkVocab(vocab: unknown, tokenizer: Tokenizer): void {
  if (!isVocab(vocab)) throw new Error('it holds no vocabulary: expected {id: bytes}');
  const { vocabSize } = tokenizer;
  if (vocab.size !== vocabSize)
    throw new Error(`it has ${vocab.size} tokens, ${MERGES_PKL} ${vocabSize}: they are not of one tokenizer`);
  for (const [id, token] of vocab) {
    const ours = tokenizer.hasToken(id) ? tokenizer.token(id) : null;
    if (ours?.length !== token.length || ours.some((byte, i) => byte !== token[i]))
      throw new Error(`its token ${id} is not the one of ${MERGES_PKL}: they are not of one tokenizer`);
  }
}

async function textOf(store: Store, name: string): Promise<string> {
  const bytes = await store.read(name, bytesAtMost(TOKENIZER_LIMITS));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${store.location}/${name} is no UTF-8 text`);
  }
}

/** What `read` returns; the error that it throws, with the file in front. */
function within<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${place}: ${(error as Error).message}`, { cause: error });
  }
}
