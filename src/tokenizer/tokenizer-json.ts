// Hugging Face's `tokenizer.json`, for byte-level BPE tokenizers with one of our patterns. Reading checks
// everything that could change an id, and names what it does not support.

import { type JsonLimits, parseJson } from '../base/json.ts';
import { excerpt } from '../base/schema.ts';
import { encode, type Merge, makeVocabulary } from './bpe.ts';
import { spell } from './byte-level.ts';
import type { TokenizerContents, TokenizerParts } from './parts.ts';
import type { Pattern } from './patterns.ts';
import { endToken } from './special.ts';

/** The largest files in use have a quarter of a million tokens and twice as many merges, in 35 MB. */
export const TOKENIZER_LIMITS: JsonLimits = { bytes: 256e6, values: 8e6 };

/** The file as `JSON.stringify` takes it; the parts that vary. */
export interface TokenizerJson {
  version: '1.0';
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: null;
  pre_tokenizer: object;
  post_processor: null;
  decoder: object;
  model: BpeModel;
}

export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

export interface BpeModel {
  type: 'BPE';
  dropout: null;
  unk_token: null;
  continuing_subword_prefix: null;
  end_of_word_suffix: null;
  fuse_unk: boolean;
  byte_fallback: boolean;
  ignore_merges: boolean;
  /** Ids by spelling (see byte-level.ts). */
  vocab: Record<string, number>;
  /** `left right`, in order of rank. */
  merges: string[];
}

/**
 * How conversions to this format write the patterns of GPT-4 and o200k_base. They match exactly what the
 * published ones match.
 */
const writtenExpressions = {
  gpt4: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k: [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ].join('|'),
} as const;

/** As the authors publish them: OpenAI's tiktoken, from which minbpe has the first two. */
export const publishedExpressions: Readonly<Record<Exclude<Pattern, 'none'>, string>> = {
  gpt2: "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  gpt4: "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
  o200k: writtenExpressions.o200k,
};

/** Expressions found in files, and the pattern that each one is. */
export const knownExpressions: ReadonlyMap<string, Pattern> = new Map([
  [writtenExpressions.gpt4, 'gpt4'],
  [publishedExpressions.o200k, 'o200k'],
  [publishedExpressions.gpt4, 'gpt4'],
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
  [publishedExpressions.gpt2, 'gpt2'],
]);

/** The file of a tokenizer. */
export function toTokenizerJson(tokenizer: TokenizerContents): TokenizerJson {
  const { merges, pattern, specialTokens, ids, prefixSpace } = tokenizer;
  const idOf = (number: number): number => (ids ? ids[number] : number);
  const spellings = Array.from({ length: 256 + merges.length }, (_, n) => spell(tokenizer.token(idOf(n))));
  const ordinary = spellings.map((spelling, number) => [spelling, idOf(number)] as const);
  // Other readers give a special token the next free id unless the vocabulary lists it.
  const inOrder = [...specialTokens.values()].every((id, k) => id === spellings.length + k);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Array.from(specialTokens, ([content, id]) => addedToken(content, id)),
    normalizer: null,
    pre_tokenizer: preTokenizer(pattern, prefixSpace),
    post_processor: null,
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids || !inOrder ? [...ordinary, ...specialTokens] : ordinary),
      merges: merges.map(([left, right]) => `${spellings[left]} ${spellings[right]}`),
    },
  };
}

/** `tokenizer_config.json`, which other readers want beside the tokenizer. */
export interface TokenizerConfig {
  tokenizer_class: 'PreTrainedTokenizerFast';
  clean_up_tokenization_spaces: false;
  eos_token?: string;
}

/**
 * What `tokenizer_config.json` must say so that others do as `tokenizer.json` says. Without the class,
 * transformers.js does not load the folder, and AutoTokenizer takes the pre-tokenizer of the model's kind in
 * place of ours. Without the second field, JavaScript readers drop spaces before punctuation.
 */
export function tokenizerConfig(tokenizer: Pick<TokenizerContents, 'specialTokens'>): TokenizerConfig {
  const end = endToken(tokenizer.specialTokens);
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...(end && { eos_token: end.name }),
  };
}

function addedToken(content: string, id: number): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

function preTokenizer(pattern: Pattern, add_prefix_space: boolean): object {
  if (pattern === 'none' || pattern === 'gpt2') return { ...byteLevel(pattern === 'gpt2'), add_prefix_space };
  if (add_prefix_space)
    throw new Error(`tokenizer.json: no way to write a prefix space before pattern ${pattern}`);
  const Regex = writtenExpressions[pattern];
  const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, byteLevel(false)] };
}

/** Bytes as characters; with `use_regex` it also splits as GPT-2 does. */
function byteLevel(use_regex: boolean): object {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex };
}

/**
 * What a file, as text or parsed, says of a tokenizer. Throws when it is damaged, and when it holds something
 * that would give other ids than a tokenizer of this library.
 */
export function fromTokenizerJson(json: unknown): TokenizerParts {
  const file = record(
    typeof json === 'string' ? parseJson(json, TOKENIZER_LIMITS, 'tokenizer.json') : json,
    'the file',
  );
  const model = record(file.model, 'model');
  // Files of 2020, GPT-2's own among them, have no type: of such models, only BPE has merges.
  const { type = 'merges' in model ? 'BPE' : undefined } = model;
  if (type !== 'BPE') throw unsupported('model.type', type, "'BPE'");
  for (const [name, remedy] of Object.entries(foreign)) expectUnset(name, valueAt(file, name), remedy);
  if (!stepsOf(file.post_processor, 'processors').every(isByteLevel))
    expectUnset('post_processor', file.post_processor, withoutTemplate);
  if (!stepsOf(file.decoder, 'decoders').every(isByteLevel))
    throw unsupported('decoder', file.decoder, 'ByteLevel, or none');
  const preTokenizer = readPreTokenizer(file.pre_tokenizer);
  const specialTokens = readAdded(file.added_tokens);
  const vocab = readVocab(model.vocab, specialTokens);
  const numbered = numberTokens(vocab, list(model.merges, 'model.merges').map(readMerge));
  if (model.ignore_merges === true) checkAllForm(numbered);
  return { ...numbered, ...preTokenizer, specialTokens };
}

/**
 * Fields that would change ids or texts, and what to do about them. (`unk_token`, `fuse_unk` and
 * `byte_fallback` are not among them: a vocabulary with all 256 bytes has no unknown byte.)
 */
const foreign = {
  truncation: 'set it to null: it cuts texts off',
  padding: 'set it to null: it adds tokens to texts',
  normalizer: 'normalise the texts before they are encoded, and set it to null',
  'model.dropout': 'set it to null for the ids without dropout, and give the probability when encoding',
  'model.continuing_subword_prefix': 'train the tokenizer without',
  'model.end_of_word_suffix': 'train the tokenizer without',
} as const;

const withoutTemplate =
  'set it to null for the ids of encode(text, add_special_tokens=False), and write special tokens into the texts';

function valueAt(file: Record<string, unknown>, path: string): unknown {
  const value = path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], file);
  return typeOf(value) === 'Sequence' && stepsOf(value, 'normalizers').length === 0 ? null : value;
}

/** The parts of a `Sequence`; anything else as the only part; no parts where it is not set. */
function stepsOf(value: unknown, parts: string): unknown[] {
  if (value === undefined || value === null) return [];
  return typeOf(value) === 'Sequence' ? list(record(value, parts)[parts], parts) : [value];
}

function readPreTokenizer(json: unknown): Required<Pick<TokenizerParts, 'pattern' | 'prefixSpace'>> {
  const only = `ByteLevel, or Split with the pattern of ${[...new Set(knownExpressions.values())].join(', ')} and then ByteLevel`;
  const steps = stepsOf(json, 'pretokenizers');
  const last = steps.at(-1);
  if (!isByteLevel(last) || steps.length > 2) throw unsupported('pre_tokenizer', json, only);
  const { add_prefix_space: prefixSpace, use_regex = true } = last;
  if (typeof prefixSpace !== 'boolean')
    throw unsupported('pre_tokenizer.add_prefix_space', prefixSpace, 'true or false');
  const splits = use_regex !== false;
  if (steps.length === 1) return { pattern: splits ? 'gpt2' : 'none', prefixSpace };
  const split = record(steps[0], 'pre_tokenizer');
  const expression = record(split.pattern ?? {}, 'pre_tokenizer.pattern').Regex;
  const pattern = typeof expression === 'string' ? knownExpressions.get(expression) : undefined;
  const keepsMatches = split.invert === true ? split.behavior === 'Removed' : split.behavior === 'Isolated';
  if (!pattern || split.type !== 'Split' || !keepsMatches) throw unsupported('pre_tokenizer', json, only);
  if (splits)
    throw unsupported('pre_tokenizer: use_regex', true, 'false after Split: chunks would be cut twice');
  if (prefixSpace)
    throw unsupported(
      'pre_tokenizer: add_prefix_space',
      true,
      'false after Split: every chunk would get one',
    );
  return { pattern, prefixSpace };
}

/** The special tokens and their ids. */
function readAdded(json: unknown): Map<string, number> {
  const specials = new Map<string, number>();
  for (const entry of list(json ?? [], 'added_tokens')) {
    const added = record(entry, 'added_tokens');
    const { id, content } = added;
    const name = `added token ${excerpt(content)}`;
    if (typeof content !== 'string' || !isId(id))
      throw new Error(`tokenizer.json: ${name} has id ${excerpt(id)}: a name and a number are needed`);
    if (specials.has(content)) throw new Error(`tokenizer.json: ${name} is there twice`);
    if (added.special !== true)
      throw new Error(
        `tokenizer.json: ${name}: special ${excerpt(added.special)} is not supported: set it to true, which gives the same ids ` +
          "where names of special tokens in a text become those tokens (allowedSpecial: 'all', --allow-special)",
      );
    for (const flag of ['single_word', 'lstrip', 'rstrip'])
      expectUnset(`${name}: ${flag}`, added[flag], 'set it to false: it changes the text around the token');
    specials.set(content, id);
  }
  return specials;
}

/** Ids of ordinary tokens by spelling. Special tokens may be listed among them; some trainers do that. */
function readVocab(json: unknown, specials: ReadonlyMap<string, number>): Map<string, number> {
  const vocab = new Map<string, number>();
  const spellings = new Map<number, string>(Array.from(specials, ([name, id]) => [id, name]));
  if (spellings.size < specials.size) throw new Error('tokenizer.json: two added tokens have the same id');
  for (const [spelling, id] of Object.entries(record(json, 'model.vocab'))) {
    const name = (): string => `token ${excerpt(spelling)}`; // for errors: there are many tokens
    if (!isId(id))
      throw new Error(`tokenizer.json: ${name()} has id ${excerpt(id)}: ids are whole numbers from 0 on`);
    const special = specials.get(spelling);
    if (special === id) continue;
    if (special !== undefined)
      throw new Error(`tokenizer.json: ${name()} has id ${id}, among the added tokens ${special}`);
    const other = spellings.get(id);
    if (other !== undefined)
      throw new Error(`tokenizer.json: ${name()} has id ${id}, which ${excerpt(other)} has too`);
    spellings.set(id, spelling);
    vocab.set(spelling, id);
  }
  return vocab;
}

type Numbered = Pick<TokenizerParts, 'merges' | 'byteIds' | 'ids'>;

/**
 * Numbers the bytes first, then the merges. `ids` are the file's ids where they differ from these numbers.
 */
function numberTokens(
  vocab: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
): Numbered {
  const bytes = readBytes(vocab);
  const within = bytes.every((id) => id < 256); // GPT-2's own files number the bytes like this: id = number
  const byteIds = within ? bytes : Int32Array.from(bytes, (_, byte) => byte);
  const ids = new Int32Array(256 + merges.length);
  const numbers = new Map<number, number>(); // by id
  const assign = (number: number, id: number): void => {
    ids[number] = id;
    numbers.set(id, number);
  };
  bytes.forEach((id, byte) => {
    assign(byteIds[byte], id);
  });
  const numberedMerges = merges.map(([left, right], rank): Merge => {
    const parts = [left, right, left + right].map((spelling) => {
      const id = vocab.get(spelling);
      if (id !== undefined) return id;
      throw new Error(
        `tokenizer.json: merge ${rank} (${excerpt(left)}, ${excerpt(right)}) needs token ${excerpt(spelling)}, which is not in the vocabulary`,
      );
    });
    if (numbers.has(parts[2]))
      throw new Error(
        `tokenizer.json: merge ${rank} makes token ${parts[2]}, which is there already: each makes one of its own`,
      );
    const [l, r] = [numbers.get(parts[0]), numbers.get(parts[1])];
    if (l === undefined || r === undefined)
      throw new Error(
        `tokenizer.json: merge ${rank} uses token ${excerpt(l === undefined ? left : right)}, which no merge before it makes`,
      );
    assign(256 + rank, parts[2]);
    return [l, r];
  });
  for (const [spelling, id] of vocab)
    if (!numbers.has(id))
      throw new Error(
        `tokenizer.json: no merge makes token ${excerpt(spelling)} (id ${id}): cut off, or no BPE`,
      );
  return { merges: numberedMerges, byteIds, ...(ids.some((id, n) => id !== n) && { ids }) };
}

/** The ids of the 256 bytes. Throws when bytes have none, naming them. */
function readBytes(vocab: ReadonlyMap<string, number>): Int32Array {
  const ids = Int32Array.from({ length: 256 }, (_, byte) => vocab.get(spell(Uint8Array.of(byte))) ?? -1);
  const missing = [...ids.keys()].filter((byte) => ids[byte] < 0);
  if (missing.length === 0) return ids;
  throw new Error(
    `tokenizer.json: model.vocab has no token for ${missing.length} of the 256 bytes (${ranges(missing)}), so that not every text ` +
      'can be encoded: train it with initial_alphabet=pre_tokenizers.ByteLevel.alphabet()',
  );
}

/** `[1, 2, 3, 7]` -> `0x01-0x03, 0x07` */
function ranges(bytes: readonly number[]): string {
  const hex = (byte: number): string => `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  const starts = bytes.filter((byte, i) => byte !== bytes[i - 1] + 1);
  const parts = starts.map((start) => {
    let end = start;
    while (bytes.includes(end + 1)) end++;
    return end === start ? hex(start) : `${hex(start)}-${hex(end)}`;
  });
  return parts.join(', ');
}

/**
 * With `ignore_merges`, a chunk that is a token becomes that token, even if merging would never make it.
 */
function checkAllForm({ merges, byteIds }: Numbered): void {
  const vocabulary = makeVocabulary(merges, byteIds);
  for (const token of vocabulary.tokens)
    if (encode(vocabulary, token).length > 1)
      throw unsupported(
        'model.ignore_merges',
        true,
        `false, as token ${excerpt(spell(token))} does not come out of merging`,
      );
}

/** `a b` or `['a', 'b']` */
function readMerge(json: unknown, rank: number): readonly [string, string] {
  const parts = typeof json === 'string' ? json.split(' ') : json;
  if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string'))
    return [parts[0], parts[1]];
  throw new Error(`tokenizer.json: merge ${rank} is ${excerpt(json)}, not two tokens`);
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 2 ** 24;
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error(`tokenizer.json: ${name} is ${found(value)}, not an object`);
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`tokenizer.json: ${name} is ${found(value)}, not a list`);
}

function typeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
}

function isByteLevel(value: unknown): value is Record<string, unknown> {
  return typeOf(value) === 'ByteLevel';
}

function expectUnset(name: string, value: unknown, remedy: string): void {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return;
  throw new Error(`tokenizer.json: ${name} ${excerpt(value)} is not supported: ${remedy}`);
}

function unsupported(name: string, value: unknown, supported: string): Error {
  return new Error(`tokenizer.json: ${name} ${excerpt(value)} is not supported: only ${supported}`);
}

/** A value of the file, on one short line. */
function found(value: unknown): string {
  return value === undefined ? 'missing' : excerpt(value);
}
