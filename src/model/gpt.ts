// The GPT: a decoder-only transformer (Vaswani et al. 2017; Radford et al. 2019), pre-norm, in one file.
// B sequences, T tokens, C = nEmbd, H = nHead, hs = headSize, V = vocabSize. Read next: tensor/ops.ts.
import type { Activation, Backend } from '../backend/contract.ts';
import { currentBackend } from '../backend/current.ts';
import { Embedding, Linear, Mix, mlp, type Norm, Positions, QKNorm } from '../nn/layers.ts';
import { countParameters, slots } from '../nn/parameters.ts';
import * as ops from '../tensor/ops.ts';
import { createRandom } from '../tensor/random.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkConfig, type GPTConfig } from './config.ts';
import { dropoutOf, type TrainingPass } from './dropout.ts';
import { type Initialiser, initialisers } from './initialise.ts';
import type { KVCache } from './kv-cache.ts';
import { skipFrom } from './shapes.ts';
import { type Tap, watch, watchProbabilities } from './taps.ts';

/** How a forward pass is run; all left out: inference on whole sequences from position 0. */
export interface ForwardOptions {
  /** Training: which dropout masks to draw. */
  training?: TrainingPass;
  /** Generation: `ids` continue what the cache holds, which grows by them. */
  cache?: KVCache;
  /** `last`: logits of the last position only, [B, 1, V]; of the last block a tap then sees that position alone. */
  logits?: 'all' | 'last';
  /** Sees named values and their gradients, and may change them; see taps.ts. */
  tap?: Tap;
}

/** What the blocks need to know about the pass they are in. */
export interface Pass extends ForwardOptions {
  B: number;
  T: number;
  /** Position of the first token. */
  start: number;
  /** The residual stream so far, [B, T, C] each: the embeddings, then what each block made. */
  stream: Tensor[];
  /** With `valueResidual`: queries, keys and values of block 0, before anything was done to them. */
  firstQKV: Tensor | null;
}

/** x + W v(softmax(q k^T / sqrt(hs))): lets each token look at those before it. */
export class Attention {
  readonly config: GPTConfig;
  readonly layer: number;
  /** [3 * H * hs, C]: the rows of all queries, then all keys, then all values, head by head. */
  qkv: Linear;
  /** Values partly those of block 0 (Zhou et al. 2024), by a learned share that starts at one half. */
  valueMix: Mix | null;
  qkNorm: QKNorm | null;
  /** [C, H * hs] */
  proj: Linear;

  constructor(config: GPTConfig, layer: number, init: Initialiser) {
    const { nHead: H, headSize: hs, nEmbd: C } = config;
    this.config = config;
    this.layer = layer;
    this.qkv = new Linear(init.linear(3 * H * hs, C), config.qkvBias ? init.bias(3 * H * hs, C) : null);
    this.valueMix = config.valueResidual && layer > 0 ? new Mix(init.constant(0.5, 1)) : null;
    this.qkNorm = config.qkNorm ? new QKNorm(init.constant(1, 2 * hs)) : null;
    this.proj = new Linear(init.residual(C, H * hs), config.bias ? init.bias(C, H * hs) : null);
  }

  /** `last`: for the last position only, [B, 1, C]. */
  forward(x: Tensor, pass: Pass, last: boolean): Tensor {
    const { nHead: H, headSize: hs, position, valueResidual } = this.config;
    const { B, T, start, cache, tap } = pass;
    const name = `blocks.${this.layer}.attn`;
    let qkv = this.qkv.forward(x); // [B, T, C] -> [B, T, 3 * H * hs]
    if (valueResidual) pass.firstQKV ??= qkv;
    if (this.valueMix && pass.firstQKV) qkv = this.valueMix.forward(qkv, pass.firstQKV, { from: 2 * H * hs });
    if (this.qkNorm) qkv = this.qkNorm.forward(qkv, H);
    if (position === 'rope') qkv = ops.rope(qkv, { H, hs, start, base: 10000 });
    qkv = watch(tap, `${name}.qkv`, qkv);
    const shape = { B, T, H, hs, scale: 1 / Math.sqrt(hs) };
    watchProbabilities(tap, `${name}.probs`, qkv, { ...shape, start });
    const found = cache // [B, T, H * hs]
      ? ops.attentionCached(qkv, cache.keys[this.layer], cache.values[this.layer], {
          ...shape,
          start,
          capacity: cache.capacity,
        })
      : ops.attention(qkv, shape, dropoutOf(pass, this.config, this.layer, 'probs'));
    const heads = watch(tap, `${name}.heads`, found);
    return watch(tap, `${name}.out`, this.proj.forward(last ? ops.lastPosition(heads) : heads)); // [B, T, C]
  }
}

/** W2 f(W1 x): each token on its own. */
export class MLP {
  readonly kind: Activation;
  /** [mlpRatio * C, C] */
  fc: Linear;
  /** [C, mlpRatio * C] */
  proj: Linear;

  constructor(config: GPTConfig, init: Initialiser) {
    const C = config.nEmbd;
    const hidden = C * config.mlpRatio;
    this.kind = config.activation;
    this.fc = new Linear(init.linear(hidden, C), config.bias ? init.bias(hidden, C) : null);
    this.proj = new Linear(init.residual(C, hidden), config.bias ? init.bias(C, hidden) : null);
  }

  forward(x: Tensor, name: string, { tap }: Pass): Tensor {
    const { fc, kind, proj } = this;
    const inside = [`${name}.pre`, `${name}.act`];
    if (!inside.some((hidden) => tap?.wants(hidden))) {
      return watch(tap, `${name}.out`, mlp(x, fc, kind, proj)); // the same, faster
    }
    const pre = watch(tap, inside[0], fc.forward(x)); // [B, T, C] -> [B, T, 4C]
    const act = watch(tap, inside[1], ops.activation(pre, kind));
    return watch(tap, `${name}.out`, proj.forward(act)); // [B, T, C]
  }
}

/** One layer: attention, then MLP, each reading a normalised copy of the residual stream and adding to it. */
export class Block {
  readonly config: GPTConfig;
  readonly layer: number;
  skip: Mix | null;
  norm1: Norm;
  attn: Attention;
  norm2: Norm;
  mlp: MLP;

  constructor(config: GPTConfig, layer: number, init: Initialiser) {
    this.config = config;
    this.layer = layer;
    this.skip = skipFrom(config, layer) === null ? null : new Mix(init.constant(0, 1));
    this.norm1 = init.norm(config);
    this.attn = new Attention(config, layer, init);
    this.norm2 = init.norm(config);
    this.mlp = new MLP(config, init);
  }

  forward(stream: Tensor, pass: Pass): Tensor {
    const { config, layer } = this;
    const name = `blocks.${layer}`;
    // Past the last attention no position looks at another: what is not asked for need not be computed.
    const last = pass.logits === 'last' && layer === config.nLayer - 1;
    const from = skipFrom(config, layer);
    const x = this.skip && from !== null ? this.skip.forward(stream, pass.stream[from]) : stream;
    const a = this.attn.forward(watch(pass.tap, `${name}.attn.in`, this.norm1.forward(x)), pass, last);
    const sum = ops.add(last ? ops.lastPosition(x) : x, a, dropoutOf(pass, config, layer, 'attn'));
    const mid = watch(pass.tap, `${name}.mid`, sum);
    const m = this.mlp.forward(
      watch(pass.tap, `${name}.mlp.in`, this.norm2.forward(mid)),
      `${name}.mlp`,
      pass,
    );
    const out = ops.add(mid, m, dropoutOf(pass, config, layer, 'mlp'));
    return watch(pass.tap, `${name}.out`, out);
  }
}

export interface GPTOptions {
  /** Decides the initial weights. Default 1337. */
  seed?: number;
  /** Default: the current one. */
  backend?: Backend;
  /** `blank`: the weights' contents are undefined, to be written by whoever loads or copies a model. */
  init?: 'blank';
}

/**
 * A GPT with fresh weights, drawn from `seed`, on `backend` (default: the current one). Throws when the config is not
 * possible, naming the field, its value and what would fit.
 *
 * @example
 * await useBackend('auto');
 * const model = new GPT(makeConfig(presets.seed, 500), { seed: 1337 });
 * model.parameterCount; // 3514836
 */
export class GPT {
  readonly config: GPTConfig;
  readonly backend: Backend;
  /** The token that a text without a prompt goes on from, as training found it in its text; null: not known. */
  startToken: number | null = null;
  tokens: Embedding;
  positions: Positions | null;
  blocks: Block[];
  norm: Norm;
  head: Linear;

  constructor(config: GPTConfig, options: GPTOptions = {}) {
    this.config = checkConfig(config);
    this.backend = options.backend ?? currentBackend();
    const { vocabSize: V, nEmbd: C, blockSize, nLayer } = this.config;
    const random = createRandom({ seed: options.seed ?? 1337, stream: INIT_STREAM });
    const recipe = initialisers[options.init ?? this.config.init];
    const init = recipe(this.config, this.backend, random);
    this.tokens = new Embedding(init.table(V, C));
    this.positions = config.position === 'learned' ? new Positions(init.positions(blockSize, C)) : null;
    this.blocks = Array.from({ length: nLayer }, (_, layer) => new Block(this.config, layer, init));
    this.norm = init.norm(this.config);
    const weight = config.tieWeights ? this.tokens.weight : init.linear(V, C);
    this.head = new Linear(weight, config.headBias ? init.bias(V, C) : null);
  }

  /** ids [B, T] `i32` -> logits [B, T, V], or [B, 1, V] with `logits: 'last'`. Throws when T exceeds the block size. */
  forward(ids: Tensor<'i32'>, options: ForwardOptions = {}): Tensor {
    const { cache, tap } = options;
    const [B, T] = ids.shape;
    const start = cache?.length ?? 0;
    const { blockSize } = this.config;
    if (start + T > blockSize) {
      throw new Error(
        `${start + T} tokens do not fit the context: blockSize is ${blockSize}; crop to the last ones`,
      );
    }
    const pass: Pass = { ...options, B, T, start, stream: [], firstQKV: null };
    const { tokens, positions } = this;
    let x = watch(tap, 'embed', ops.embedding(ids, tokens.weight, positions?.weight ?? null, start)); // [B, T, C]
    for (const block of this.blocks) {
      pass.stream.push(x);
      [x] = scope(() => [block.forward(x, pass), pass.firstQKV] as const); // what later blocks use stays
    }
    if (cache) cache.length += T;
    return watch(tap, 'logits', this.unembed(x, tap)); // [B, T, V], or [B, 1, V]
  }

  /** What the residual stream x [B, T, C] says about the next token: logits [B, T, V]. */
  unembed(x: Tensor, tap?: Tap): Tensor {
    const { logitCap } = this.config;
    const logits = this.head.forward(watch(tap, 'head.in', this.norm.forward(x)));
    return logitCap > 0 ? ops.softcap(logits, logitCap) : logits;
  }

  /** Number of weights. */
  get parameterCount(): number {
    return countParameters(this);
  }

  /** Frees the weights. */
  dispose(): void {
    for (const { value } of slots(this)) value.dispose();
  }
}

/** Random stream of the initial weights; training and sampling draw from others. */
const INIT_STREAM = 0;
