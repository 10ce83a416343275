// Hugging Face's `tokenizer.json`, for tokenizers that are byte-level BPE with a pattern known here. Reading checks everything
// that could change an id and names what it cannot represent.
import { type JsonLimits, parseJson } from '../base/json.ts';
import type { Merge } from './bpe.ts';
import { spell } from './byte-level.ts';
import type { Pattern } from './patterns.ts';
import type { Tokenizer, TokenizerParts } from './tokenizer.ts';

/** The largest in use have a quarter of a million tokens and twice as many merges, in 35 MB. */
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

interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

interface BpeModel {
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

/** GPT-4's and o200k_base's patterns as conversions to this format spell them; equal to the published ones in every match. */
const writtenExpressions = {
  gpt4: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k: [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ].join('|'),
} as const;

/** Spellings met in files, and what they are here. */
const knownExpressions: ReadonlyMap<string, Pattern> = new Map([
  [writtenExpressions.gpt4, 'gpt4'],
  [writtenExpressions.o200k, 'o200k'],
  [
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
    'gpt4',
  ],
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
  ["'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
]);

/** The file of a tokenizer. */
export function toTokenizerJson(tokenizer: Tokenizer): TokenizerJson {
  const { merges, pattern, specialTokens } = tokenizer;
  const spellings = Array.from({ length: 256 + merges.length }, (_, id) => spell(tokenizer.token(id)));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Array.from(specialTokens, ([content, id]) => addedToken(content, id)),
    normalizer: null,
    pre_tokenizer: preTokenizer(pattern),
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
      vocab: Object.fromEntries(spellings.map((spelling, id) => [spelling, id])),
      merges: merges.map(([left, right]) => `${spellings[left]} ${spellings[right]}`),
    },
  };
}

function addedToken(content: string, id: number): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

function preTokenizer(pattern: Pattern): object {
  if (pattern === 'none' || pattern === 'gpt2') return byteLevel(pattern === 'gpt2');
  const Regex = writtenExpressions[pattern];
  const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, byteLevel(false)] };
}

/** Bytes as characters; with `use_regex` it also splits as GPT-2 does. */
function byteLevel(use_regex: boolean): object {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex };
}

/**
 * What a file, as text or parsed, says of a tokenizer. Throws when it is damaged, and when it holds something that would give
 * other ids than a tokenizer here.
 */
export function fromTokenizerJson(json: unknown): Required<TokenizerParts> {
  const file = record(
    typeof json === 'string' ? parseJson(json, TOKENIZER_LIMITS, 'tokenizer.json') : json,
    'the file',
  );
  const model = record(file.model, 'model');
  if (model.type !== 'BPE') throw unsupported('model.type', model.type, "'BPE'");
  for (const name of ['truncation', 'padding', 'normalizer']) expectUnset(name, file[name]);
  for (const name of modelExtras) expectUnset(`model.${name}`, model[name]);
  if (!isByteLevel(file.post_processor)) expectUnset('post_processor', file.post_processor);
  if (!isByteLevel(file.decoder)) throw unsupported('decoder', file.decoder, 'ByteLevel');
  const pattern = readPattern(file.pre_tokenizer);
  const merges = list(model.merges, 'model.merges').map(readMerge);
  const specialTokens = readAdded(file.added_tokens, 256 + merges.length);
  const vocab = readVocab(model.vocab, specialTokens, 256 + merges.length);
  const byteIds = readByteIds(vocab);
  return {
    merges: merges.map((parts, rank) => resolveMerge(vocab, parts, rank)),
    pattern,
    specialTokens,
    byteIds,
  };
}

/** Fields of the model that change ids wherever they are set. */
const modelExtras = [
  'dropout',
  'unk_token',
  'continuing_subword_prefix',
  'end_of_word_suffix',
  'byte_fallback',
  'ignore_merges',
];

function readPattern(json: unknown): Pattern {
  const only = 'ByteLevel, or Split with the pattern of GPT-2 or GPT-4 and then ByteLevel';
  const steps =
    typeOf(json) === 'Sequence' ? list(record(json, 'pre_tokenizer').pretokenizers, 'pretokenizers') : [json];
  const last = steps.at(-1);
  if (!isByteLevel(last) || steps.length > 2) throw unsupported('pre_tokenizer', json, only);
  if (last.add_prefix_space !== false)
    throw unsupported('pre_tokenizer.add_prefix_space', last.add_prefix_space, 'false');
  const splits = last.use_regex !== false; // a missing use_regex is true
  if (steps.length === 1) return splits ? 'gpt2' : 'none';
  const split = record(steps[0], 'pre_tokenizer');
  const expression = record(split.pattern ?? {}, 'pre_tokenizer.pattern').Regex;
  const pattern = typeof expression === 'string' ? knownExpressions.get(expression) : undefined;
  const isolated = split.type === 'Split' && split.behavior === 'Isolated' && split.invert === false;
  if (!pattern || !isolated || splits) throw unsupported('pre_tokenizer', json, only);
  return pattern;
}

/** Names of the special tokens, in the order of their ids, which must follow those of the vocabulary. */
function readAdded(json: unknown, firstId: number): string[] {
  return list(json ?? [], 'added_tokens').map((entry, k) => {
    const added = record(entry, 'added_tokens');
    const { id, content } = added;
    const name = `added token ${show(content)}`;
    if (typeof content !== 'string' || id !== firstId + k)
      throw new Error(
        `tokenizer.json: ${name} has id ${show(id)}, not ${firstId + k}: special tokens follow the others in order`,
      );
    if (added.special !== true) throw unsupported(`${name}: special`, added.special, 'true');
    for (const flag of ['single_word', 'lstrip', 'rstrip']) expectUnset(`${name}: ${flag}`, added[flag]);
    return content;
  });
}

/** The ids of the n ordinary tokens by spelling. Special tokens may be listed among them, as GPT-2's is. */
function readVocab(json: unknown, specials: readonly string[], n: number): Map<string, number> {
  const vocab = new Map<string, number>();
  const spellings: string[] = new Array(n);
  for (const [spelling, id] of Object.entries(record(json, 'model.vocab'))) {
    if (typeof id === 'number' && id >= n && specials[id - n] === spelling) continue;
    const name = `token ${show(spelling)}`;
    if (!(typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < n))
      throw new Error(
        `tokenizer.json: ${name} has id ${show(id)}: 256 bytes and ${n - 256} merges have the ids 0 to ${n - 1}`,
      );
    if (spellings[id] !== undefined)
      throw new Error(`tokenizer.json: ${name} has id ${id}, which ${show(spellings[id])} has too`);
    spellings[id] = spelling;
    vocab.set(spelling, id);
  }
  for (let id = 0; id < n; id++)
    if (spellings[id] === undefined)
      throw new Error(`tokenizer.json: no token has id ${id}: ids must be dense`);
  return vocab;
}

function readByteIds(vocab: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    const id = vocab.get(spell(Uint8Array.of(byte)));
    if (id === undefined || id > 255)
      throw new Error(
        `tokenizer.json: byte ${byte} has id ${show(id)}: the bytes must have the ids 0 to 255`,
      );
    return id;
  });
}

/** `a b` or `['a', 'b']` */
function readMerge(json: unknown, rank: number): readonly [string, string] {
  const parts = typeof json === 'string' ? json.split(' ') : json;
  if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string'))
    return [parts[0], parts[1]];
  throw new Error(`tokenizer.json: merge ${rank} is ${show(json)}, not two tokens`);
}

function resolveMerge(
  vocab: ReadonlyMap<string, number>,
  [left, right]: readonly [string, string],
  rank: number,
): Merge {
  const ids = [left, right, left + right].map((spelling) => {
    const id = vocab.get(spelling);
    if (id !== undefined) return id;
    throw new Error(
      `tokenizer.json: merge ${rank} (${show(left)}, ${show(right)}) needs token ${show(spelling)}, which is not in the vocabulary`,
    );
  });
  if (ids[2] === 256 + rank) return [ids[0], ids[1]];
  throw new Error(
    `tokenizer.json: merge ${rank} makes token ${ids[2]}, not ${256 + rank}: ids must follow the merges`,
  );
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error(`tokenizer.json: ${name} is ${show(value)}, not an object`);
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`tokenizer.json: ${name} is ${show(value)}, not a list`);
}

function typeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
}

function isByteLevel(value: unknown): value is Record<string, unknown> {
  return typeOf(value) === 'ByteLevel';
}

function expectUnset(name: string, value: unknown): void {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return;
  throw unsupported(name, value, 'none');
}

function unsupported(name: string, value: unknown, supported: string): Error {
  return new Error(`tokenizer.json: ${name} ${show(value)} is not supported: only ${supported}`);
}

/** A value on one short line. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
