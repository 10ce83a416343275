// `config.json` of Hugging Face's classes, read as a config of ours. What a field means, and its value where
// the file lacks it, is as in transformers. Read next: import.ts.
import { ACTIVATION_KINDS, type Activation } from '../../backend/contract.ts';
import {
  array,
  boolean,
  integer,
  nullable,
  number,
  object,
  optional,
  otherwise,
  record,
  type Schema,
  shown,
  string,
} from '../../base/schema.ts';
import { checkConfig, type GPTConfig, presets } from '../../model/config.ts';
import { present } from '../families.ts';
import { hfActivations } from './target.ts';

/** A `config.json` in terms of ours. */
export interface HfDescription {
  config: GPTConfig;
  /** Tensors that our config has and the class does not, by name: biases. They are zeros here. */
  without: RegExp | null;
  /** Heads of keys and of values; several heads of queries share one where they are fewer. */
  kvHeads: number;
}

/** The fields of every class. */
export interface HfHead {
  model_type: string;
  architectures: string[] | null;
  quantization_config?: unknown;
  bos_token_id?: unknown;
}

/** Reads the fields by which a class is known. */
export const hfHead: Schema<HfHead> = object<HfHead>({
  model_type: string,
  architectures: otherwise(nullable(array(string)), null),
  quantization_config: optional((value) => value),
  bos_token_id: optional((value) => value),
});

/** The other names that transformers has for our activations, beside those of `hfActivations`. */
const otherNames: Readonly<Record<string, Activation>> = {
  swish: 'silu',
  gelu_python: 'gelu',
  gelu_fast: 'gelu-tanh',
  gelu_accurate: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
};

const activation: Schema<Activation> = (value) => {
  const name = string(value);
  const own = ACTIVATION_KINDS.find((kind) => hfActivations[kind] === name);
  if (own ?? Object.hasOwn(otherNames, name)) return own ?? otherNames[name];
  const known = [...Object.values(hfActivations), ...Object.keys(otherNames)];
  throw new Error(`the activation ${shown(name)} is not known; known are ${known.join(', ')}`);
};

const count = integer({ min: 1 });
const share = number({ min: 0, below: 1 });
const epsilon = number({ above: 0 });

interface Gpt2Fields {
  vocab_size: number;
  n_positions: number;
  n_embd: number;
  n_layer: number;
  n_head: number;
  n_inner: number | null;
  activation_function: Activation;
  layer_norm_epsilon: number;
  resid_pdrop: number;
  tie_word_embeddings: boolean;
  scale_attn_weights: boolean;
  scale_attn_by_inverse_layer_idx: boolean;
  add_cross_attention: boolean;
}

const gpt2Fields = object<Gpt2Fields>({
  vocab_size: otherwise(count, 50257),
  n_positions: otherwise(count, 1024),
  n_embd: otherwise(count, 768),
  n_layer: otherwise(count, 12),
  n_head: otherwise(count, 12),
  n_inner: otherwise(nullable(count), null),
  activation_function: otherwise(activation, 'gelu-tanh'),
  layer_norm_epsilon: otherwise(epsilon, 1e-5),
  resid_pdrop: otherwise(share, 0.1),
  tie_word_embeddings: otherwise(boolean, true),
  scale_attn_weights: otherwise(boolean, true),
  scale_attn_by_inverse_layer_idx: otherwise(boolean, false),
  add_cross_attention: otherwise(boolean, false),
});

/** GPT-2. */
export const readGpt2: Schema<HfDescription> = (value) => {
  const found = gpt2Fields(value);
  const { n_embd, n_head } = found;
  refuse({
    'unscaled scores (scale_attn_weights false)': !found.scale_attn_weights,
    'scores divided by the number of the block (scale_attn_by_inverse_layer_idx true)':
      found.scale_attn_by_inverse_layer_idx,
    'cross-attention (add_cross_attention true)': found.add_cross_attention,
    [`heads that do not divide the width (n_head ${n_head}, n_embd ${n_embd})`]: n_embd % n_head !== 0,
  });
  const config = checkConfig({
    ...imported,
    vocabSize: found.vocab_size,
    blockSize: found.n_positions,
    nLayer: found.n_layer,
    nHead: n_head,
    nEmbd: n_embd,
    headSize: n_embd / n_head,
    mlpRatio: found.n_inner === null ? 4 : found.n_inner / n_embd,
    activation: found.activation_function,
    norm: 'layernorm',
    position: 'learned',
    bias: true,
    qkvBias: true,
    tieWeights: found.tie_word_embeddings,
    dropout: found.resid_pdrop,
    normEps: found.layer_norm_epsilon,
  });
  return { config, without: null, kvHeads: config.nHead };
};

interface RopeFields {
  rope_type: string;
  rope_theta: number | null;
  partial_rotary_factor: number;
}

/** `type` is the name that older files have for `rope_type`. */
const ropeFields: Schema<RopeFields> = (value) =>
  object<RopeFields>({
    rope_type: otherwise(string, typeIn(value) ?? 'default'),
    rope_theta: otherwise(nullable(epsilon), null),
    partial_rotary_factor: otherwise(number({ above: 0, max: 1 }), 1),
  })(value);

function typeIn(value: unknown): string | undefined {
  const { type } = record((found) => found)(value);
  return type === undefined ? undefined : string(type);
}

interface LlamaFields {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number | null;
  head_dim: number | null;
  max_position_embeddings: number;
  hidden_act: Activation;
  rms_norm_eps: number;
  rope_theta: number;
  rope_parameters: RopeFields | null;
  rope_scaling: RopeFields | null;
  partial_rotary_factor: number;
  attention_bias: boolean;
  mlp_bias: boolean;
  attention_dropout: number;
  tie_word_embeddings: boolean;
}

/** Arcee, and Llama, whose MLP has a gate besides. They have the same fields. */
export function readLlama(usual: {
  eps: number;
  act: Activation;
  context: number;
}): (value: unknown, gated: boolean) => HfDescription {
  const fields = object<LlamaFields>({
    vocab_size: otherwise(count, 32000),
    hidden_size: count,
    intermediate_size: count,
    num_hidden_layers: count,
    num_attention_heads: count,
    num_key_value_heads: otherwise(nullable(count), null),
    head_dim: otherwise(nullable(count), null),
    max_position_embeddings: otherwise(count, usual.context),
    hidden_act: otherwise(activation, usual.act),
    rms_norm_eps: otherwise(epsilon, usual.eps),
    rope_theta: otherwise(epsilon, 10000),
    rope_parameters: otherwise(nullable(ropeFields), null),
    rope_scaling: otherwise(nullable(ropeFields), null),
    partial_rotary_factor: otherwise(number({ above: 0, max: 1 }), 1),
    attention_bias: otherwise(boolean, false),
    mlp_bias: otherwise(boolean, false),
    attention_dropout: otherwise(share, 0),
    tie_word_embeddings: otherwise(boolean, false),
  });
  return (value, gated) => {
    const found = fields(value);
    const { hidden_size: C, num_attention_heads: H, attention_bias, mlp_bias } = found;
    // Transformers prefers `rope_scaling`, the older name, where a file has both.
    const ropes = [found.rope_scaling, found.rope_parameters].filter((rope) => rope !== null);
    const scaled = ropes.find(({ rope_type: type }) => type !== 'default');
    const ropeBase = ropes.map(({ rope_theta: base }) => base).find((base) => base !== null);
    const kvHeads = found.num_key_value_heads ?? H;
    const turned = Math.min(...[found, ...ropes].map(({ partial_rotary_factor: part }) => part));
    const headSize = found.head_dim ?? C / H;
    refuse({
      'a gate in the MLP (mlp.gate_proj)': gated,
      [`heads that its keys and values do not divide (num_key_value_heads ${kvHeads}, num_attention_heads ${H})`]:
        H % kvHeads !== 0,
      [`rope scaling (rope_type ${shown(scaled?.rope_type)})`]: scaled !== undefined,
      [`rotary positions of a part of each head (partial_rotary_factor ${turned})`]: turned !== 1,
      [`heads of a fraction of the width (hidden_size ${C} / ${H})`]: !Number.isInteger(headSize),
    });
    const config = checkConfig({
      ...imported,
      vocabSize: found.vocab_size,
      blockSize: found.max_position_embeddings,
      nLayer: found.num_hidden_layers,
      nHead: H,
      nEmbd: C,
      headSize,
      mlpRatio: found.intermediate_size / C,
      activation: found.hidden_act,
      norm: 'rmsnorm',
      position: 'rope',
      bias: attention_bias || mlp_bias,
      qkvBias: attention_bias,
      tieWeights: found.tie_word_embeddings,
      dropout: found.attention_dropout,
      normEps: found.rms_norm_eps,
      ropeBase: ropeBase ?? found.rope_theta,
    });
    const without = attention_bias ? /\.mlp\..*\.bias$/ : /\.self_attn\..*\.bias$/;
    return { config, without: attention_bias === mlp_bias ? null : without, kvHeads };
  };
}

/** What no file of another program says of a model. */
const imported = { ...presets.seed, headBias: false, init: 'gpt2' } as const;

/** Throws with all parts that a model of ours cannot have. */
function refuse(parts: Readonly<Record<string, boolean>>): void {
  const found = present(parts);
  if (found.length > 0)
    throw new Error(`the model has ${found.join(', and ')}, which a model of Inkhorn cannot have`);
}
