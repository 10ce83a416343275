// GGUF files, which llama.cpp and what is built on it load: GPT-2 for learned positions and LayerNorm, Arcee
// for rotary positions and RMSNorm. The container is in file.ts.
import { type GPTConfig, hiddenSize } from '../../model/config.ts';
import { type BlockLayer, parameterName } from '../../model/names.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { endToken } from '../../tokenizer/special.ts';
import { type Family, familyOf, gpt2Lacks, ownParts, present, rotaryLacks } from '../families.ts';
import { type Mapped, valuesFor } from '../mapping.ts';
import { type Choices, type GgufType, ggufTypeNames } from '../options.ts';
import { checkRange } from '../range.ts';
import type { Source } from '../source.ts';
import type { ModelTarget } from '../target.ts';
import { ggufTypes } from './blocks.ts';
import { type GgufTensor, type GgufValue, writeGguf } from './file.ts';

/** An architecture of llama.cpp. */
export interface GgufFamily extends Family {
  /** `general.architecture` */
  architecture: string;
  /** Its own fields, without the name of the architecture in front. */
  fields(config: GPTConfig): Record<string, GgufValue>;
  tensors(config: GPTConfig): Mapped[];
}

/** GPT-2. Its activation is GELU by tanh, whatever a file says. */
export const gpt2: GgufFamily = {
  name: 'gpt2',
  architecture: 'gpt2',
  lacks: (config) => {
    const { activation } = config;
    return present({
      ...gpt2Lacks(config),
      ...ownParts(config),
      [`activation but gelu-tanh (activation ${activation})`]: activation !== 'gelu-tanh',
    });
  },
  fields: ({ normEps }) => ({ 'attention.layer_norm_epsilon': { f32: normEps } }),
  tensors(config) {
    const { nEmbd: C, nLayer, bias, qkvBias, blockSize, position } = config;
    const hidden = hiddenSize(config);
    const both = (
      theirs: string,
      layer: BlockLayer,
      n: number,
      shape: number[],
      biased: boolean,
    ): Mapped[] => [
      { theirs: `blk.${n}.${theirs}.weight`, shape, ours: parameterName(layer, 'weight', n) },
      {
        theirs: `blk.${n}.${theirs}.bias`,
        shape: shape.slice(0, 1),
        ours: biased ? parameterName(layer, 'bias', n) : null,
      },
    ];
    const block = (n: number): Mapped[] => [
      ...both('attn_norm', 'norm1', n, [C], bias),
      ...both('attn_qkv', 'attn.qkv', n, [3 * C, C], qkvBias),
      ...both('attn_output', 'attn.proj', n, [C, C], bias),
      ...both('ffn_norm', 'norm2', n, [C], bias),
      ...both('ffn_up', 'mlp.fc', n, [hidden, C], bias),
      ...both('ffn_down', 'mlp.proj', n, [C, hidden], bias),
    ];
    return [
      ...embeddingOf(config),
      {
        theirs: 'position_embd.weight',
        shape: [blockSize, C],
        ours: position === 'learned' ? parameterName('positions', 'weight') : null,
      },
      ...Array.from({ length: nLayer }, (_, n) => block(n)).flat(),
      ...lastOf(config),
      { theirs: 'output_norm.bias', shape: [C], ours: bias ? parameterName('norm', 'bias') : null },
    ];
  },
};

/** Arcee. Rows of queries and keys are in another order: its rotary pairs are neighbours. */
export const arcee: GgufFamily = {
  name: 'arcee',
  architecture: 'arcee',
  lacks: (config) => {
    const { activation, bias, qkvBias } = config;
    return present({
      ...rotaryLacks(config),
      ...ownParts(config),
      [`activation but relu2 (activation ${activation})`]: activation !== 'relu2',
      'biases (bias)': bias,
      'bias of queries, keys and values (qkvBias)': qkvBias,
    });
  },
  fields: ({ normEps, headSize, ropeBase }) => ({
    'attention.layer_norm_rms_epsilon': { f32: normEps },
    'attention.key_length': { u32: headSize },
    'attention.value_length': { u32: headSize },
    'rope.dimension_count': { u32: headSize },
    'rope.freq_base': { f32: ropeBase },
  }),
  tensors(config) {
    const { nEmbd: C, nLayer, nHead, headSize } = config;
    const [inner, hidden] = [nHead * headSize, hiddenSize(config)];
    const block = (n: number): Mapped[] => {
      const one = (
        theirs: string,
        layer: BlockLayer,
        shape: number[],
        more: Partial<Mapped> = {},
      ): Mapped => ({
        theirs: `blk.${n}.${theirs}.weight`,
        shape,
        ours: parameterName(layer, 'weight', n),
        ...more,
      });
      return [
        one('attn_norm', 'norm1', [C]),
        one('attn_q', 'attn.qkv', [inner, C], { part: [0, 3], paired: nHead }),
        one('attn_k', 'attn.qkv', [inner, C], { part: [1, 3], paired: nHead }),
        one('attn_v', 'attn.qkv', [inner, C], { part: [2, 3] }),
        one('attn_output', 'attn.proj', [C, inner]),
        one('ffn_norm', 'norm2', [C]),
        one('ffn_up', 'mlp.fc', [hidden, C]),
        one('ffn_down', 'mlp.proj', [C, hidden]),
      ];
    };
    return [
      ...embeddingOf(config),
      ...Array.from({ length: nLayer }, (_, n) => block(n)).flat(),
      ...lastOf(config),
    ];
  },
};

export const ggufFamilies: readonly GgufFamily[] = [gpt2, arcee];

/** `--to gguf` */
export const gguf: ModelTarget = {
  about: 'one file for llama.cpp, with the tokenizer inside',
  makes: 'file',
  from: 'model',
  takes: { type: ggufTypeNames },
  check(config, choices) {
    checkRows(familyOf('gguf', ggufFamilies, config), config, typeIn(choices));
  },
  build(source, choices) {
    const { config, tokenizer } = source;
    const type = typeIn(choices);
    const family = familyOf('gguf', ggufFamilies, config);
    checkRows(family, config, type);
    const fields = new Map<string, GgufValue>([
      ['general.architecture', { string: family.architecture }],
      ['general.file_type', { u32: ggufTypes[type].fileType }],
      ['general.quantization_version', { u32: 2 }],
      ['general.alignment', { u32: 32 }],
      ...Object.entries({ ...commonFields(config), ...family.fields(config) }).map(
        ([key, value]): [string, GgufValue] => [`${family.architecture}.${key}`, value],
      ),
      ...Object.entries(tokenizerFields(tokenizer)),
    ]);
    const tensors = family.tensors(config).map((mapped) => encoded(mapped, source, type));
    return {
      files: new Map([['model.gguf', writeGguf(fields, tensors)]]),
      notes: [`the model is of architecture ${family.name}, its matrices ${type}`, ...digitNotes(tokenizer)],
    };
  },
};

/** `takes` has seen to it that the type is one of ours. */
function typeIn({ type = 'F32' }: Choices): GgufType {
  return type as GgufType;
}

/** Vectors and positions stay float32, as llama.cpp's own conversions keep them. */
function typeOf({ theirs, shape }: Mapped, type: GgufType): GgufType {
  return shape.length < 2 || theirs.startsWith('position_embd') ? 'F32' : type;
}

function encoded(mapped: Mapped, { weights }: Source, type: GgufType): GgufTensor {
  const values = valuesFor(mapped, weights);
  const own = typeOf(mapped, type);
  const { largest, encode } = ggufTypes[own];
  if (own !== 'F32') checkRange(mapped.ours ?? mapped.theirs, values, own, largest, FLOATS);
  return { name: mapped.theirs, shape: mapped.shape, type: own, bytes: encode(values) };
}

/** Throws when rows do not consist of whole blocks. */
function checkRows(family: GgufFamily, config: GPTConfig, type: GgufType): void {
  const { block } = ggufTypes[type];
  const odd = family
    .tensors(config)
    .find((one) => (one.shape.at(-1) ?? 0) % ggufTypes[typeOf(one, type)].block > 0);
  if (!odd) return;
  throw new Error(
    `type ${type} needs rows of a multiple of ${block} columns: those of ${odd.ours ?? odd.theirs} have ${odd.shape.at(-1)}; F16 and BF16 take any`,
  );
}

/** The types that have room for large numbers. */
const FLOATS = { BF16: ggufTypes.BF16.largest, F32: ggufTypes.F32.largest };

function commonFields(config: GPTConfig): Record<string, GgufValue> {
  const { blockSize, nEmbd, nLayer, nHead, vocabSize } = config;
  return {
    context_length: { u32: blockSize },
    embedding_length: { u32: nEmbd },
    block_count: { u32: nLayer },
    feed_forward_length: { u32: hiddenSize(config) },
    'attention.head_count': { u32: nHead },
    'attention.head_count_kv': { u32: nHead },
    vocab_size: { u32: vocabSize },
  };
}

function embeddingOf({ vocabSize, nEmbd }: GPTConfig): Mapped[] {
  return [
    { theirs: 'token_embd.weight', shape: [vocabSize, nEmbd], ours: parameterName('tokens', 'weight') },
  ];
}

/** The last norm, and the head where it is not tied. */
function lastOf({ tieWeights, vocabSize, nEmbd }: GPTConfig): Mapped[] {
  const norm = { theirs: 'output_norm.weight', shape: [nEmbd], ours: parameterName('norm', 'weight') };
  if (tieWeights) return [norm];
  return [
    norm,
    { theirs: 'output.weight', shape: [vocabSize, nEmbd], ours: parameterName('head', 'weight') },
  ];
}

/**
 * The name by which llama.cpp knows the pattern. It also decides how tokens become text: of several names
 * with the same ids, these keep spaces before punctuation. No name splits nothing; `superbpe` splits numbers
 * only. `qwen2` is the pattern of GPT-4 with single digits; what keeps three digits together drops spaces.
 */
function preOf({ pattern }: Tokenizer, mergesDigits: boolean): string {
  if (pattern === 'gpt4') return mergesDigits ? 'llama-bpe' : 'qwen2';
  return { none: 'superbpe', gpt2: 'trillion', o200k: 'gpt-4o' }[pattern];
}

/** The format's numbers for kinds of tokens. */
const [NORMAL, CONTROL, UNUSED] = [1, 3, 5];

function tokenizerFields(tokenizer: Tokenizer): Record<string, GgufValue> {
  const { specialTokens, vocabSize, byteIds } = tokenizer;
  if (tokenizer.prefixSpace)
    throw new Error(
      'this tokenizer puts a space before every text, which a GGUF file cannot say: export to hf',
    );
  const { vocab, merges } = tokenizer.toJSON().model;
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[UNUSED${id}]`);
  const kinds = new Array<number>(vocabSize).fill(UNUSED);
  for (const [spelling, id] of Object.entries(vocab)) [tokens[id], kinds[id]] = [spelling, NORMAL];
  for (const [name, id] of specialTokens) [tokens[id], kinds[id]] = [name, CONTROL];
  // Without these fields, the token with id 11 would begin and end texts. No text has the byte 255.
  const end = endToken(specialTokens)?.id ?? byteIds[255];
  return {
    'tokenizer.ggml.model': { string: 'gpt2' },
    'tokenizer.ggml.pre': { string: preOf(tokenizer, digitTokens(tokenizer).length > 0) },
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.token_type': { i32s: kinds },
    'tokenizer.ggml.merges': { strings: merges },
    'tokenizer.ggml.bos_token_id': { u32: end },
    'tokenizer.ggml.eos_token_id': { u32: end },
    'tokenizer.ggml.add_bos_token': { bool: false },
    'tokenizer.ggml.add_eos_token': { bool: false },
  };
}

/** What llama.cpp does otherwise with numbers, where merges hold digits. */
function digitNotes(tokenizer: Tokenizer): string[] {
  const { pattern, merges } = tokenizer;
  const held = digitTokens(tokenizer);
  if (held.length === 0) return [];
  if (pattern === 'gpt4')
    return ['llama.cpp drops spaces before punctuation from its text, though its tokens are the right ones'];
  if (pattern !== 'none') return [];
  return [
    `llama.cpp splits texts at numbers, and this tokenizer (pattern none) merges digits, as in '${held[0]}': ` +
      `texts with numbers get other tokens there, of ${held.length} of ${merges.length} merges`,
  ];
}

/** The tokens made by merging that hold a digit. */
function digitTokens(tokenizer: Tokenizer): string[] {
  const { merges, ids } = tokenizer;
  return merges
    .map((_, rank) => tokenizer.tokenText(ids ? ids[256 + rank] : 256 + rank))
    .filter((token) => /\p{N}/u.test(token));
}
