// Hugging Face's folders, which transformers loads without code of ours: GPT-2 for learned positions and
// LayerNorm, Arcee for rotary positions and RMSNorm. Read next: ../target.ts.
import type { Activation } from '../../backend/contract.ts';
import { jsonBytes } from '../../base/json.ts';
import { type TensorToWrite, writeSafetensors } from '../../io/safetensors.ts';
import { type GPTConfig, hiddenSize } from '../../model/config.ts';
import { CONFIG_FILE, MODEL_FILE, tokenizerFiles } from '../../model/folder.ts';
import { type BlockLayer, type Field, type OutsideLayer, parameterName } from '../../model/names.ts';
import { endToken } from '../../tokenizer/special.ts';
import { type Family, familyOf, gpt2Lacks, ownParts, present, rotaryLacks } from '../families.ts';
import { type Mapped, valuesFor } from '../mapping.ts';
import { type DType, dtypes } from '../options.ts';
import { stored } from '../safetensors.ts';
import type { Source } from '../source.ts';
import type { ModelTarget } from '../target.ts';

/** A model class of transformers. */
export interface HfFamily extends Family {
  /** `model_type` of `config.json`. */
  type: string;
  /** Its fields of `config.json`. */
  fields(config: GPTConfig): Record<string, unknown>;
  tensors(config: GPTConfig): Mapped[];
}

/** The names of the activations there. Its other names for them: config.ts. */
export const hfActivations: Readonly<Record<Activation, string>> = {
  relu: 'relu',
  relu2: 'relu2',
  gelu: 'gelu',
  silu: 'silu',
  'gelu-tanh': 'gelu_new',
};

/** GPT-2. Its matrices are stored [in, out]. */
export const gpt2: HfFamily = {
  name: 'GPT2LMHeadModel',
  type: 'gpt2',
  lacks: (config) => present({ ...gpt2Lacks(config), ...ownParts(config) }),
  fields: (config) => ({
    n_positions: config.blockSize,
    n_ctx: config.blockSize, // for converters older than n_positions
    n_embd: config.nEmbd,
    n_layer: config.nLayer,
    n_head: config.nHead,
    n_inner: hiddenSize(config),
    activation_function: hfActivations[config.activation],
    layer_norm_epsilon: config.normEps,
    attn_pdrop: config.dropout,
    resid_pdrop: config.dropout,
    embd_pdrop: 0,
  }),
  tensors: (config) => gpt2Tensors(config),
};

/**
 * The tensors of GPT-2 there, with biases of zeros where ours has none. `linear`: as nanoGPT has them, with
 * matrices [out, in] and without those biases.
 */
export function gpt2Tensors(config: GPTConfig, linear = false): Mapped[] {
  const { vocabSize: V, nEmbd: C, blockSize, nLayer, bias, qkvBias, position } = config;
  const hidden = hiddenSize(config);
  const biasOf = (theirs: string, size: number, ours: string, has: boolean): Mapped[] =>
    has || !linear ? [{ theirs: `${theirs}.bias`, shape: [size], ours: has ? ours : null }] : [];
  const norm = (theirs: string, layer: BlockLayer | 'norm', n: number | null): Mapped[] => [
    { theirs: `${theirs}.weight`, shape: [C], ours: name(layer, 'weight', n) },
    ...biasOf(theirs, C, name(layer, 'bias', n), bias),
  ];
  const matrix = (
    theirs: string,
    layer: BlockLayer,
    n: number,
    [from, to]: number[],
    has = bias,
  ): Mapped[] => {
    const weight = { theirs: `${theirs}.weight`, ours: name(layer, 'weight', n) };
    return [
      linear ? { ...weight, shape: [to, from] } : { ...weight, shape: [from, to], transposed: true },
      ...biasOf(theirs, to, name(layer, 'bias', n), has),
    ];
  };
  const block = (n: number): Mapped[] => {
    const h = `transformer.h.${n}`;
    return [
      ...norm(`${h}.ln_1`, 'norm1', n),
      ...matrix(`${h}.attn.c_attn`, 'attn.qkv', n, [C, 3 * C], qkvBias),
      ...matrix(`${h}.attn.c_proj`, 'attn.proj', n, [C, C]),
      ...norm(`${h}.ln_2`, 'norm2', n),
      ...matrix(`${h}.mlp.c_fc`, 'mlp.fc', n, [C, hidden]),
      ...matrix(`${h}.mlp.c_proj`, 'mlp.proj', n, [hidden, C]),
    ];
  };
  const learned = position === 'learned' ? name('positions', 'weight') : null;
  return [
    { theirs: 'transformer.wte.weight', shape: [V, C], ours: name('tokens', 'weight') },
    { theirs: 'transformer.wpe.weight', shape: [blockSize, C], ours: learned },
    ...Array.from({ length: nLayer }, (_, n) => block(n)).flat(),
    ...norm('transformer.ln_f', 'norm', null),
    ...headOf(config),
  ];
}

/** Arcee: Llama without a gate in the MLP. */
export const arcee: HfFamily = {
  name: 'ArceeForCausalLM',
  type: 'arcee',
  lacks: (config) => {
    const { nHead, nEmbd } = config;
    const uneven = { [`width that ${nHead} heads do not divide (nEmbd ${nEmbd})`]: nEmbd % nHead !== 0 };
    return present({ ...rotaryLacks(config), ...ownParts(config), ...uneven });
  },
  fields: (config) => ({
    hidden_size: config.nEmbd,
    intermediate_size: hiddenSize(config),
    num_hidden_layers: config.nLayer,
    num_attention_heads: config.nHead,
    num_key_value_heads: config.nHead,
    head_dim: config.headSize,
    max_position_embeddings: config.blockSize,
    hidden_act: hfActivations[config.activation],
    rms_norm_eps: config.normEps,
    rope_parameters: { rope_type: 'default', rope_theta: config.ropeBase },
    attention_bias: config.bias || config.qkvBias,
    mlp_bias: config.bias,
    attention_dropout: config.dropout,
  }),
  tensors(config) {
    const { vocabSize: V, nEmbd: C, nLayer, nHead, headSize, bias, qkvBias } = config;
    const [inner, hidden] = [nHead * headSize, hiddenSize(config)];
    const attentionBias = bias || qkvBias;
    const block = (n: number): Mapped[] => {
      const at = `model.layers.${n}`;
      const thirds = [0, 1, 2].flatMap((third): Mapped[] => {
        const theirs = `${at}.self_attn.${'qkv'[third]}_proj`;
        const part = [third, 3] as const;
        const own = qkvBias ? name('attn.qkv', 'bias', n) : null;
        return [
          { theirs: `${theirs}.weight`, shape: [inner, C], ours: name('attn.qkv', 'weight', n), part },
          ...(attentionBias ? [{ theirs: `${theirs}.bias`, shape: [inner], ours: own, part }] : []),
        ];
      });
      const linear = (theirs: string, layer: BlockLayer, shape: number[], biased: boolean): Mapped[] => [
        { theirs: `${at}.${theirs}.weight`, shape, ours: name(layer, 'weight', n) },
        ...(biased
          ? [
              {
                theirs: `${at}.${theirs}.bias`,
                shape: [shape[0]],
                ours: bias ? name(layer, 'bias', n) : null,
              },
            ]
          : []),
      ];
      return [
        { theirs: `${at}.input_layernorm.weight`, shape: [C], ours: name('norm1', 'weight', n) },
        ...thirds,
        ...linear('self_attn.o_proj', 'attn.proj', [C, inner], attentionBias),
        { theirs: `${at}.post_attention_layernorm.weight`, shape: [C], ours: name('norm2', 'weight', n) },
        ...linear('mlp.up_proj', 'mlp.fc', [hidden, C], bias),
        ...linear('mlp.down_proj', 'mlp.proj', [C, hidden], bias),
      ];
    };
    return [
      { theirs: 'model.embed_tokens.weight', shape: [V, C], ours: name('tokens', 'weight') },
      ...Array.from({ length: nLayer }, (_, n) => block(n)).flat(),
      { theirs: 'model.norm.weight', shape: [C], ours: name('norm', 'weight') },
      ...headOf(config),
    ];
  },
};

export const hfFamilies: readonly HfFamily[] = [gpt2, arcee];

/** `--to hf` */
export const hf: ModelTarget = {
  about: 'a folder that AutoModelForCausalLM and AutoTokenizer of transformers load',
  makes: 'folder',
  from: 'model',
  takes: { dtype: dtypes },
  check: (config) => void familyOf('hf', hfFamilies, config),
  build(source, { dtype = 'float32' }) {
    const { config, tokenizer } = source;
    const family = familyOf('hf', hfFamilies, config);
    return {
      files: new Map([
        [MODEL_FILE, writeSafetensors(tensorsOf(family, source, dtype), { format: 'pt' })],
        [CONFIG_FILE, jsonBytes(hfConfig(family, source, dtype), 2)],
        ...tokenizerFiles(tokenizer),
      ]),
      notes: [`the model is of class ${family.name}, in ${dtype}`],
    };
  },
};

/** `config.json`. What a class would take from its own defaults is said, most of all the ties and tokens. */
export function hfConfig(
  family: HfFamily,
  { config, tokenizer }: Pick<Source, 'config' | 'tokenizer'>,
  dtype: DType,
): Record<string, unknown> {
  const end = endToken(tokenizer.specialTokens)?.id ?? null;
  return {
    architectures: [family.name],
    model_type: family.type,
    dtype,
    vocab_size: config.vocabSize,
    ...family.fields(config),
    tie_word_embeddings: config.tieWeights,
    bos_token_id: end,
    eos_token_id: end,
    pad_token_id: null,
  };
}

function tensorsOf(family: HfFamily, { config, weights }: Source, dtype: DType): Map<string, TensorToWrite> {
  return new Map(
    family
      .tensors(config)
      .map((mapped) => [
        mapped.theirs,
        stored(mapped.ours ?? mapped.theirs, valuesFor(mapped, weights), mapped.shape, dtype),
      ]),
  );
}

function headOf({ tieWeights, vocabSize, nEmbd }: GPTConfig): Mapped[] {
  if (tieWeights) return [];
  return [{ theirs: 'lm_head.weight', shape: [vocabSize, nEmbd], ours: name('head', 'weight') }];
}

/** As `parameterName`, for places inside and outside of blocks. */
function name(layer: BlockLayer | OutsideLayer, field: Field, block: number | null = null): string {
  return block === null
    ? parameterName(layer as OutsideLayer, field)
    : parameterName(layer as BlockLayer, field, block);
}
