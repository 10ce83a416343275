// The configuration of a GPT as one flat record; presets; checks that turn a bad one into a clear error.
import { ACTIVATION_KINDS, type Activation } from '../backend/contract.ts';
import {
  checkRecord,
  choice,
  defaultsOf,
  type Field,
  flag,
  integer,
  number,
  type Row,
  recordOf,
  type Table,
  youngerOf,
} from '../base/fields.ts';

/** Every choice that shapes the model. `config.json` has exactly these fields. */
export interface GPTConfig {
  /** Tokens in the vocabulary (V). */
  vocabSize: number;
  /** Longest context (T). */
  blockSize: number;
  nLayer: number;
  nHead: number;
  /** Width of the residual stream (C). */
  nEmbd: number;
  /** Columns per head (hs); nHead * headSize need not be nEmbd (the seed: 6 * 38 = 228 on 232). */
  headSize: number;
  /** Hidden width of the MLP as a multiple of nEmbd. */
  mlpRatio: number;
  activation: Activation;
  norm: 'layernorm' | 'rmsnorm';
  position: 'learned' | 'rope' | 'none';
  /** Biases of the attention output, the MLP and LayerNorm. */
  bias: boolean;
  /** Bias of the q, k, v projection. */
  qkvBias: boolean;
  /** Bias of the head. */
  headBias: boolean;
  /** The head uses the token embedding as its weight. */
  tieWeights: boolean;
  /**
   * Dropout probability of attention probabilities and of the outputs of attention and MLP, while training.
   */
  dropout: number;
  /**
   * `torch`: PyTorch's defaults, as in the seed: Linear uniform +-1/sqrt(in), embeddings N(0, 1). `gpt2`:
   * N(0, initStd), biases 0, projections into the residual stream divided by sqrt(2 nLayer) (Radford et al.
   * 2019).
   */
  init: 'torch' | 'gpt2';
  /**
   * For `gpt2`: standard deviation of the matrices, and of token and position embeddings. GPT-2 uses 0.02 for
   * all.
   */
  initStd: number;
  embedStd: number;
  /**
   * For `gpt2`: projections into the residual stream begin small, or at 0, so that every block begins as the
   * identity (Zhang et al. 2019).
   */
  residualInit: 'scaled' | 'zero';
  /**
   * For `gpt2`: learned positions begin at random, or as sines and cosines of the position (Vaswani et al.
   * 2017).
   */
  positionInit: 'normal' | 'sinusoidal';
  /**
   * Queries and keys are normalised per head, with a learned weight (Henry et al. 2020; Dehghani et al.
   * 2023).
   */
  qkNorm: boolean;
  /**
   * Values are mixed with those of block 0: v + w (v0 - v), with w learned per block, initially 1/2 (Zhou et
   * al. 2024).
   */
  valueResidual: boolean;
  /**
   * Blocks read x + w (early - x), with w learned per block, initially 0. `embed`: early is the embedding,
   * for every block but the first. `unet`: blocks of the second half mix in the output of the opposite block
   * of the first half (Ronneberger et al. 2015).
   */
  skip: 'none' | 'embed' | 'unet';
  /**
   * Attention and MLP read the first half of their columns (nEmbd / 2, rounded down) from the token before;
   * the first token reads zeros there (Peng et al. 2023, in its first form, with fixed halves).
   */
  tokenShift: boolean;
  /** Logits become logitCap * tanh(logits / logitCap) (Gemma 2 Team 2024). 0: no cap. */
  logitCap: number;
  /**
   * Added to the variance or mean square before a norm divides by its root, also for queries and keys with
   * `qkNorm`.
   */
  normEps: number;
  /**
   * For `rope`: pair i of the columns of queries and keys rotates by position * ropeBase^(-2i / headSize).
   * The slowest pair rotates once in about 2 pi ropeBase positions (Su et al. 2021).
   */
  ropeBase: number;
}

/**
 * A GPTConfig without `vocabSize`, which comes from the tokenizer.
 */
export type Preset = Omit<GPTConfig, 'vocabSize'>;

/** The fields of a config, in the order of `config.json`. The defaults are the seed's. */
export const configFields: Table<GPTConfig, keyof Preset> = {
  vocabSize: count({ about: 'tokens in the vocabulary', required: true }),
  blockSize: count({ about: 'longest context, in tokens', default: 256, common: true }),
  nLayer: count({ about: 'number of transformer blocks', default: 5, common: true }),
  nHead: count({ about: 'attention heads per block', default: 6, common: true }),
  nEmbd: count({ about: 'width of the residual stream', default: 232, common: true }),
  headSize: count({ about: 'columns per head', default: 38 }),
  mlpRatio: number({ about: 'hidden width of the MLP as a multiple of nEmbd', above: 0, default: 4 }),
  activation: choice(ACTIVATION_KINDS, { about: 'nonlinearity of the MLP', default: 'relu' }),
  norm: choice(['layernorm', 'rmsnorm'], {
    about: 'normalisation before attention, MLP and head',
    default: 'layernorm',
  }),
  position: choice(['learned', 'rope', 'none'], { about: 'how positions enter', default: 'learned' }),
  bias: flag({ about: 'biases of the attention output, the MLP and LayerNorm', default: true }),
  qkvBias: flag({ about: 'bias of the q, k, v projection', default: false }),
  headBias: flag({ about: 'bias of the language model head', default: true }),
  tieWeights: flag({ about: 'the head shares the token embedding', default: false }),
  dropout: number({
    about: 'dropped while training: attention, and the outputs of attention and MLP',
    min: 0,
    below: 1,
    default: 0.2,
    common: true,
  }),
  init: choice(['torch', 'gpt2'], {
    about: 'initial weights: PyTorch defaults, or small normal ones',
    default: 'torch',
  }),
  initStd: number({
    about: 'gpt2: standard deviation of the initial matrices',
    above: 0,
    default: 0.02,
    younger: true,
  }),
  embedStd: number({
    about: 'gpt2: standard deviation of the initial embeddings',
    above: 0,
    default: 0.02,
    younger: true,
  }),
  residualInit: choice(['scaled', 'zero'], {
    about: 'gpt2: initial projections into the residual stream',
    default: 'scaled',
    younger: true,
  }),
  positionInit: choice(['normal', 'sinusoidal'], {
    about: 'gpt2: initial learned positions',
    default: 'normal',
    younger: true,
  }),
  qkNorm: flag({ about: 'normalise queries and keys per head', default: false, younger: true }),
  valueResidual: flag({
    about: 'mix the values of every block with those of the first',
    default: false,
    younger: true,
  }),
  skip: choice(['none', 'embed', 'unet'], {
    about: 'mix an earlier value into the input of blocks',
    default: 'none',
    younger: true,
  }),
  tokenShift: flag({
    about: 'attention and MLP read half of their columns from the token before',
    default: false,
    younger: 'tacit',
  }),
  logitCap: number({
    about: 'soft cap of the logits, 0: none',
    min: 0,
    default: 0,
    younger: true,
  }),
  normEps: number({ about: 'added to the variance in norms', above: 0, default: 1e-5, younger: 'tacit' }),
  ropeBase: number({
    about: 'rope: base of the angles, larger for longer contexts',
    above: 0,
    default: 10000,
    younger: 'tacit',
  }),
};

function count<D extends number | undefined = undefined>(row: Row<D>): Field<number, D> {
  return integer({ min: 1, ...row });
}

const seed: Preset = defaultsOf(configFields);

/**
 * The bundled model without its token shift: rotary positions; RMSNorm, also of queries and keys; squared
 * ReLU; widths that fill SIMD registers.
 */
const shakespeare: Preset = {
  ...seed,
  nHead: 6,
  nEmbd: 240,
  headSize: 40,
  position: 'rope',
  norm: 'rmsnorm',
  qkNorm: true,
  activation: 'relu2',
  bias: false,
  headBias: false,
  tieWeights: true,
  valueResidual: true,
  skip: 'embed',
  dropout: 0.1,
  init: 'gpt2',
};

/**
 * A model that other programs can express (exchange/): what `ArceeForCausalLM` of Hugging Face's transformers
 * has, and nothing else.
 */
const portable: Preset = {
  ...shakespeare,
  nHead: 8,
  nEmbd: 256,
  headSize: 32,
  qkNorm: false,
  valueResidual: false,
  skip: 'none',
};

export type PresetName = 'tiny' | 'seed' | 'shakespeare' | 'speedrun' | 'portable';

/**
 * `seed`: the PyTorch project that this one began by reproducing; 3,514,836 parameters with 500 tokens.
 * `tiny`: learns to spell in a minute or two on two cores. `shakespeare`: our recommendation for a megabyte
 * of text; 3,579,048 parameters with 500 tokens. `speedrun`: three narrower blocks of it, with a token shift,
 * without value residuals and dropout, that reach the seed's loss in the least time; 1,424,738 parameters
 * with 500 tokens. `portable`: almost as good, in a shape that other programs know; 4,062,976 parameters
 * with 500 tokens.
 */
export const presets: Readonly<Record<PresetName, Preset>> = {
  tiny: {
    ...seed,
    blockSize: 128,
    nLayer: 3,
    nHead: 4,
    nEmbd: 128,
    headSize: 32,
    dropout: 0.05,
    position: 'rope',
    init: 'gpt2',
  },
  seed,
  shakespeare,
  speedrun: {
    ...shakespeare,
    nLayer: 3,
    nHead: 4,
    nEmbd: 192,
    headSize: 48,
    valueResidual: false,
    tokenShift: true,
    dropout: 0,
  },
  portable,
};

/**
 * A complete GPTConfig: a copy of `config`, with defaults for fields that older files lack. Throws one clear
 * line when it is not possible.
 */
export function checkConfig(config: unknown): GPTConfig {
  const isObject = typeof config === 'object' && config !== null && !Array.isArray(config);
  const checked: unknown = isObject ? { ...youngerOf(configFields), ...config } : config;
  checkRecord(configFields, checked, 'config field');
  const hidden = checked.nEmbd * checked.mlpRatio;
  if (Math.abs(hidden - hiddenSize(checked)) > ROUNDING * hidden || hiddenSize(checked) < 1) {
    throw new Error(
      `mlpRatio ${checked.mlpRatio} x nEmbd ${checked.nEmbd} = ${hidden} is not a whole number of units`,
    );
  }
  if (checked.position === 'rope' && checked.headSize < 2) {
    throw new Error(
      `headSize ${checked.headSize} leaves no pair of columns to rotate: rope needs headSize >= 2`,
    );
  }
  if (checked.tokenShift && checked.nEmbd < 2)
    throw new Error(`nEmbd ${checked.nEmbd} has no half: tokenShift needs nEmbd >= 2`);
  refuseIdle(checked);
  checkSize(checked);
  return checked;
}

/**
 * The hidden width of the MLP. Rounded: for one pair of widths in fifteen, no ratio times nEmbd is the hidden
 * width to the last bit (928 on 448).
 */
export function hiddenSize({ mlpRatio, nEmbd }: Pick<GPTConfig, 'mlpRatio' | 'nEmbd'>): number {
  return Math.round(mlpRatio * nEmbd);
}

/** Columns that are read from the token before. */
export function shiftedColumns({ tokenShift, nEmbd }: Pick<GPTConfig, 'tokenShift' | 'nEmbd'>): number {
  return tokenShift ? Math.floor(nEmbd / 2) : 0;
}

/** The relative error of a ratio of two whole numbers, and of its product, is smaller. */
const ROUNDING = 1e-12;

/** The fields as in `config.json`. `checkConfig` turns them into a GPTConfig. */
export function configRecord(config: GPTConfig): Partial<GPTConfig> {
  return recordOf(configFields, config);
}

/** Refuses options that have no effect. */
function refuseIdle(config: GPTConfig): void {
  const { init, position } = config;
  for (const name of ['initStd', 'embedStd', 'residualInit', 'positionInit'] as const) {
    if (init === 'torch' && config[name] !== configFields[name].default)
      throw new Error(`${name} ${config[name]} has no effect with init torch: set init gpt2`);
  }
  if (config.positionInit === 'sinusoidal' && position !== 'learned')
    throw new Error(`positionInit sinusoidal has no effect with position ${position}: set position learned`);
  if (config.ropeBase !== configFields.ropeBase.default && position !== 'rope')
    throw new Error(`ropeBase ${config.ropeBase} has no effect with position ${position}: set position rope`);
}

/** Largest number of elements of a matrix: engines can allocate it, and 32-bit indices can reach it. */
const MAX_ELEMENTS = 2 ** 30;
/**
 * A larger config is a mistake, or a file made to fill the memory: GPT-3 has 96 blocks, the longest contexts
 * are a million tokens.
 */
const MAX_LAYERS = 4096;
const MAX_BLOCK_SIZE = 2 ** 22;

/** Throws when a dimension, or one of the matrices, would be too large, naming its dimensions. */
function checkSize(config: GPTConfig): void {
  const { vocabSize, blockSize, nLayer, nHead, headSize, nEmbd } = config;
  if (nLayer > MAX_LAYERS) throw new Error(`nLayer ${nLayer}: at most ${MAX_LAYERS} blocks, lower it`);
  if (blockSize > MAX_BLOCK_SIZE)
    throw new Error(`blockSize ${blockSize}: at most ${MAX_BLOCK_SIZE} tokens, lower it`);
  const sides = {
    vocabSize,
    blockSize,
    '3 x nHead x headSize': 3 * nHead * headSize,
    'mlpRatio x nEmbd': hiddenSize(config),
  };
  for (const [name, rows] of Object.entries(sides)) {
    if (rows * nEmbd <= MAX_ELEMENTS) continue;
    throw new Error(
      `${name} ${rows} x nEmbd ${nEmbd} = ${rows * nEmbd} weights in one matrix: at most ${MAX_ELEMENTS}, lower one of them`,
    );
  }
}

/**
 * A preset with changes, checked. If `nHead` or `nEmbd` changes and `headSize` is not given, headSize becomes
 * nEmbd / nHead; throws when that is not a whole number.
 */
export function makeConfig(preset: Preset, vocabSize: number, changes: Partial<GPTConfig> = {}): GPTConfig {
  const config = { ...preset, vocabSize, ...changes };
  const resized = changes.nHead !== undefined || changes.nEmbd !== undefined;
  if (resized && changes.headSize === undefined) {
    config.headSize = config.nEmbd / config.nHead;
    if (!Number.isInteger(config.headSize)) {
      const fit = Math.floor(config.headSize);
      throw new Error(
        `nHead ${config.nHead} does not divide nEmbd ${config.nEmbd}: set headSize (${fit} gives ${fit * config.nHead})`,
      );
    }
  }
  return checkConfig(config);
}
