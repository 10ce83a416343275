// The GPT: a decoder-only transformer (Vaswani et al. 2017; Radford et al. 2019), pre-norm, in one file.
// B sequences, T tokens, C = nEmbd, H = nHead, hs = headSize, V = vocabSize. Read next: tensor/ops.ts.

import type { Activation, Backend } from '../backend/contract.ts';
import { currentBackend } from '../backend/current.ts';
import { checkOptions, complete } from '../base/fields.ts';
import { Embedding, Linear, type Mix, type Norm, Positions, type QKNorm } from '../nn/layers.ts';
import { countParameters, slots } from '../nn/parameters.ts';
import * as ops from '../tensor/ops.ts';
import { isQuantized } from '../tensor/quantized.ts';
import { createRandom, STREAMS } from '../tensor/random.ts';
import { scope } from '../tensor/scope.ts';
import { recomputed, withoutGradients } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkConfig, type GPTConfig, shiftedColumns } from './config.ts';
import { dropoutOf } from './dropout.ts';
import { type ForwardOptions, forwardFields, type GPTOptions, gptFields } from './gpt-options.ts';
import { FreshParameters } from './initialise.ts';
import { countShapes, skipFrom } from './shapes.ts';
import { type Tap, tapAgain, tapIn, watch, watchProbabilities } from './taps.ts';

/** What the blocks need to know about the current pass. */
export interface Pass extends ForwardOptions {
  B: number;
  T: number;
  /** Position of the first token. */
  start: number;
  /** The residual stream so far, [B, T, C] each: the embeddings, then the output of each block. */
  stream: Tensor[];
  /** For `valueResidual`: queries, keys and values of block 0, unchanged. */
  firstQKV: Tensor | null;
}

/** How losses are differentiated. */
export interface LossOptions {
  /** As in `crossEntropy`. Default: 1 / number of targets. */
  factor?: number;
  /** As in `crossEntropy`. Default: 0. */
  smoothing?: number;
  /** Models of the same tokens, and the share of the targets that they give: see `pullOf`. */
  teaching?: Teaching | null;
}

/** Whose predictions a model learns beside its text, and their share of each target, above 0 and up to 1. */
export interface Teaching {
  teachers: readonly GPT[];
  weight: number;
}

/** x + W v(softmax(q k^T / sqrt(hs))): lets each token attend to itself and to earlier tokens. */
export class Attention {
  readonly config: GPTConfig;
  readonly layer: number;
  /** [3 * H * hs, C]: the rows of all queries, then all keys, then all values, head by head. */
  qkv: Linear;
  /** Mixes in the values of block 0 (Zhou et al. 2024), by a learned share that starts at one half. */
  valueMix: Mix | null;
  qkNorm: QKNorm | null;
  /** [C, H * hs] */
  proj: Linear;

  constructor(layer: number, fresh: FreshParameters) {
    this.config = fresh.config;
    this.layer = layer;
    this.qkv = fresh.linear('attn.qkv', layer);
    this.valueMix = fresh.mix('attn.valueMix', layer);
    this.qkNorm = fresh.qkNorm(layer);
    this.proj = fresh.linear('attn.proj', layer);
  }

  /** `last`: for the last position only, [B, 1, C]. */
  forward(x: Tensor, pass: Pass, last: boolean): Tensor {
    const { nHead: H, headSize: hs, position, ropeBase, valueResidual } = this.config;
    const { B, T, start, starts = null, cache, tap } = pass;
    const { layer } = this;
    let qkv = this.qkv.forward(x); // [B, T, C] -> [B, T, 3 * H * hs]
    if (valueResidual) pass.firstQKV ??= qkv;
    if (this.valueMix && pass.firstQKV) qkv = this.valueMix.forward(qkv, pass.firstQKV, { from: 2 * H * hs });
    if (this.qkNorm) qkv = this.qkNorm.forward(qkv, H);
    if (position === 'rope') qkv = ops.rope(qkv, { H, hs, start, base: ropeBase }, starts);
    qkv = watch(tap, tapIn(layer, 'attn.qkv'), qkv);
    const shape = { B, T, H, hs, scale: 1 / Math.sqrt(hs) };
    watchProbabilities(tap, tapIn(layer, 'attn.probs'), qkv, { ...shape, start });
    const found = cache // [B, T, H * hs]
      ? ops.attentionCached(
          qkv,
          cache.keys[layer],
          cache.values[layer],
          { ...shape, start, capacity: cache.capacity },
          starts,
        )
      : ops.attention(qkv, shape, dropoutOf(pass, this.config, layer, 'probs'));
    const heads = watch(tap, tapIn(layer, 'attn.heads'), found);
    const out = this.proj.forward(last ? ops.lastPosition(heads) : heads); // [B, T, C]
    return watch(tap, tapIn(layer, 'attn.out'), out);
  }
}

/** W2 f(W1 x), for each token separately. */
export class MLP {
  readonly kind: Activation;
  readonly layer: number;
  /** [mlpRatio * C, C] */
  fc: Linear;
  /** [C, mlpRatio * C] */
  proj: Linear;

  constructor(layer: number, fresh: FreshParameters) {
    this.kind = fresh.config.activation;
    this.layer = layer;
    this.fc = fresh.linear('mlp.fc', layer);
    this.proj = fresh.linear('mlp.proj', layer);
  }

  forward(x: Tensor, { tap }: Pass): Tensor {
    const { fc, kind, proj, layer } = this;
    const [pre, act, out] = [tapIn(layer, 'mlp.pre'), tapIn(layer, 'mlp.act'), tapIn(layer, 'mlp.out')];
    const looked = tap?.wants(pre) || tap?.wants(act);
    const [W1, W2] = [fc.weight, proj.weight];
    // One op if the weights are floats and no tap is used: the same bits, with fewer passes over memory.
    if (!looked && !isQuantized(W1) && !isQuantized(W2))
      return watch(
        tap,
        out,
        ops.mlp(x, { weight: W1, bias: fc.bias }, kind, { weight: W2, bias: proj.bias }),
      );
    const before = watch(tap, pre, fc.forward(x)); // [B, T, C] -> [B, T, 4C]
    const after = watch(tap, act, ops.activation(before, kind));
    return watch(tap, out, proj.forward(after)); // [B, T, C]
  }
}

/** A number of parts from `least` on, if possible one that divides n: parts of equal sizes share buffers. */
function evenly(n: number, least: number): number {
  const first = Math.max(1, Math.ceil(least));
  for (let parts = first; parts < 2 * first; parts++) if (n % parts === 0) return parts;
  return first;
}

/**
 * The most bytes of logits at a time while losses are computed. With 50,257 tokens, a position takes 200 kB.
 */
const LOGITS_BYTES = 2 ** 26;

/** One layer: attention, then MLP. Each reads a normalised copy of the residual stream and adds to it. */
export class Block {
  readonly config: GPTConfig;
  readonly layer: number;
  skip: Mix | null;
  norm1: Norm;
  attn: Attention;
  norm2: Norm;
  mlp: MLP;

  constructor(layer: number, fresh: FreshParameters) {
    this.config = fresh.config;
    this.layer = layer;
    this.skip = fresh.mix('skip', layer);
    this.norm1 = fresh.norm('norm1', layer);
    this.attn = new Attention(layer, fresh);
    this.norm2 = fresh.norm('norm2', layer);
    this.mlp = new MLP(layer, fresh);
  }

  forward(stream: Tensor, pass: Pass): Tensor {
    const { config, layer } = this;
    const atEnd = pass.logits === 'last' && layer === config.nLayer - 1;
    // After the last attention, positions no longer depend on each other, so only the requested ones are
    // computed; but with a token shift the MLP reads of the position before.
    const last = atEnd && !config.tokenShift;
    const from = skipFrom(config, layer);
    const x = this.skip && from !== null ? this.skip.forward(stream, pass.stream[from]) : stream;
    const read = watch(pass.tap, tapIn(layer, 'attn.in'), shifted(this.norm1.forward(x), pass, this, 'attn'));
    const a = this.attn.forward(read, pass, last);
    const sum = ops.add(last ? ops.lastPosition(x) : x, a, dropoutOf(pass, config, layer, 'attn'));
    const mid = watch(pass.tap, tapIn(layer, 'mid'), sum);
    const seen = watch(pass.tap, tapIn(layer, 'mlp.in'), shifted(this.norm2.forward(mid), pass, this, 'mlp'));
    const m = this.mlp.forward(seen, pass);
    const sums = ops.add(mid, m, dropoutOf(pass, config, layer, 'mlp'));
    const out = watch(pass.tap, tapIn(layer, 'out'), sums);
    return atEnd ? ops.lastPosition(out) : out;
  }
}

/** What attention or MLP reads of x [B, T, C]: with `tokenShift`, half of it from the token before. */
function shifted(x: Tensor, pass: Pass, { config, layer }: Block, reader: 'attn' | 'mlp'): Tensor {
  const columns = shiftedColumns(config);
  if (columns === 0) return x;
  const { cache, start, starts = null } = pass;
  if (!cache) return ops.shift(x, columns);
  const history = cache.shifted[reader][layer];
  return ops.shiftCached(x, columns, { history, start, starts, capacity: cache.capacity });
}

/**
 * A GPT with initial weights drawn from `seed`, on `backend` (default: the current one). Throws when the
 * config is not possible, naming the field, its value and what would fit.
 *
 * @example
 * await useBackend('auto');
 * const model = new GPT(makeConfig(presets.seed, 500), { seed: 1337 });
 * model.parameterCount; // 3514836
 */
export class GPT {
  readonly config: GPTConfig;
  readonly backend: Backend;
  /**
   * The token before a text without a prompt, as training found it in its text; null: not known.
   */
  startToken: number | null = null;
  tokens: Embedding;
  positions: Positions | null;
  blocks: Block[];
  norm: Norm;
  head: Linear;

  constructor(config: GPTConfig, options: GPTOptions = {}) {
    const { seed, backend = currentBackend(), init = config.init } = complete(gptFields, options, 'GPT');
    this.config = checkConfig(config);
    this.backend = backend;
    refuseTooLarge(this.config, backend);
    const random = createRandom({ seed, stream: STREAMS.weights });
    const fresh = new FreshParameters(this.config, backend, init, random);
    this.tokens = new Embedding(fresh.take('tokens'));
    const positions = fresh.find('positions');
    this.positions = positions && new Positions(positions);
    this.blocks = Array.from({ length: this.config.nLayer }, (_, layer) => new Block(layer, fresh));
    this.norm = fresh.norm('norm');
    // A tied head multiplies by the token table and has no weight of its own.
    this.head = new Linear(fresh.find('head') ?? this.tokens.weight, fresh.find('head', null, 'bias'));
  }

  /**
   * ids [B, T] `i32` -> logits [B, T, V], or [B, 1, V] with `logits: 'last'`. Throws when T exceeds the block
   * size.
   */
  forward(ids: Tensor<'i32'>, options: ForwardOptions = {}): Tensor {
    const x = this.#residual(ids, options);
    return watch(options.tap, 'logits', this.unembed(x, options.tap)); // [B, T, V], or [B, 1, V]
  }

  /**
   * The cross-entropy of each of `targets` [B, T], nats; teachers change its gradient, not its value. Where
   * the logits would be large, they are computed for a few positions at a time.
   */
  losses(
    ids: Tensor<'i32'>,
    targets: Tensor<'i32'>,
    options: ForwardOptions = {},
    { factor = 1 / targets.size, smoothing = 0, teaching = null }: LossOptions = {},
  ): Tensor {
    const x = this.#residual(ids, options);
    const { tap } = options;
    const pullOn = teaching && this.#pull(ids, teaching, { factor, smoothing });
    const lossOf = (logits: Tensor, wanted: Tensor<'i32'>, cut: ops.Cut): Tensor =>
      ops.crossEntropy(logits, wanted, factor, smoothing, pullOn?.(wanted, cut));
    const slices = evenly(targets.size, (4 * targets.size * this.config.vocabSize) / LOGITS_BYTES);
    if (slices === 1 || tap?.wants('logits'))
      return lossOf(watch(tap, 'logits', this.unembed(x, tap)), targets, (whole) => whole);
    const read = watch(tap, 'head.in', this.norm.forward(x));
    return ops.slicedLoss(read, targets, Math.ceil(targets.size / slices), (rows, wanted, cut) =>
      lossOf(this.#logitsOf(rows), wanted, cut),
    );
  }

  /** What teachers change in the gradient of the logits of some rows, after one pass of each over all ids. */
  #pull(
    ids: Tensor<'i32'>,
    { teachers, weight }: Teaching,
    how: { factor: number; smoothing: number },
  ): (wanted: Tensor<'i32'>, cut: ops.Cut) => Tensor {
    const reads = teachers.map((teacher) =>
      withoutGradients(() => teacher.norm.forward(teacher.#residual(ids, {}))),
    );
    return (wanted, cut) =>
      withoutGradients(() => {
        const taught = teachers.map((teacher, i) => teacher.#logitsOf(cut(reads[i])));
        return ops.pullOf(taught, wanted, { ...how, weight });
      });
  }

  /** The residual stream after the last block, [B, T, C], or [B, 1, C] with `logits: 'last'`. */
  #residual(ids: Tensor<'i32'>, options: ForwardOptions): Tensor {
    checkOptions(forwardFields, options, 'forward');
    const { cache, starts, tap } = options;
    const [B, T] = ids.shape;
    const start = starts ? 0 : (cache?.length ?? 0);
    const { blockSize } = this.config;
    if (starts && !(cache && T === 1 && starts.size === B))
      throw new Error(`starts ${starts} need a cache and one token of each of ${B} sequences, not ${T}`);
    if (start + T > blockSize) {
      throw new Error(
        `${start + T} tokens do not fit the context: blockSize is ${blockSize}; crop to the last ones`,
      );
    }
    const pass: Pass = { ...options, B, T, start, stream: [], firstQKV: null };
    const { tokens, positions } = this;
    const places = positions?.weight ?? null;
    let x = ops.embedding(ids, tokens.weight, starts ? null : places, start); // [B, T, C]
    if (starts && places) x = ops.add(x, ops.embedding(starts, places, null, 0));
    x = watch(tap, 'embed', x);
    for (const block of this.blocks) {
      pass.stream.push(x);
      x = this.#through(block, x, pass);
    }
    if (cache && !starts) cache.length += T;
    return x;
  }

  /** The stream after a block: x [B, T, C] -> [B, T, C], or [B, 1, C]. */
  #through(block: Block, x: Tensor, pass: Pass): Tensor {
    const { checkpointActivations = false, firstQKV, stream, tap } = pass;
    // Later blocks read inside of the first one.
    const read = this.config.valueResidual && block.layer === 0;
    // What is returned outlives the scope.
    if (!checkpointActivations || read)
      return scope(() => [block.forward(x, pass), pass.firstQKV] as const)[0];
    const from = skipFrom(this.config, block.layer);
    const inputs = [x, firstQKV, from === null ? null : stream[from]].filter((input) => input !== null);
    return recomputed(inputs, (again) => block.forward(x, again ? { ...pass, tap: tapAgain(tap) } : pass));
  }

  /** The prediction of the next token from the residual stream x [B, T, C]: logits [B, T, V]. */
  unembed(x: Tensor, tap?: Tap): Tensor {
    return this.#logitsOf(watch(tap, 'head.in', this.norm.forward(x)));
  }

  /** The logits of what the head reads. */
  #logitsOf(read: Tensor): Tensor {
    const { logitCap } = this.config;
    const logits = this.head.forward(read);
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

/** Throws when the weights alone are more than the engine can have. */
function refuseTooLarge(config: GPTConfig, { name, memoryLimit = Number.POSITIVE_INFINITY }: Backend): void {
  const bytes = 4 * countShapes(config);
  if (bytes <= memoryLimit) return;
  const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`;
  throw new Error(
    `the weights take ${gigabytes(bytes)}, the engine ${name} has at most ${gigabytes(memoryLimit)}: use a smaller model, or the native engine, which has what the machine has`,
  );
}
