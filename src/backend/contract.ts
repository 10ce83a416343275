// The contract between model and engine: buffers, and 42 coarse kernels on them. `reference/` defines what
// each computes; every other engine is tested against it. Read next: signatures.ts, reference/matmul.ts.
//
// Rules that hold for every kernel
// - Calls are queued and return at once. They run in the order of the calls. Only `read` and `sync` wait.
// - Buffers are dense and row-major. `f32` unless stated. Shapes in brackets: B batch, T time, C width
//   (nEmbd), H heads, hs head size, V vocabulary, M = B*T rows.
// - The first argument is the output. `accumulate: true` adds to it instead of overwriting it.
// - Gradients of parameters (`dWeight`, `dBias`, ...) always accumulate: the caller zeroes them once per
//   step.
// - Equal inputs give equal bits, whatever the number of threads.

/** The type of an element. */
export type DType = 'f32' | 'i32' | 'i8';

/** The typed array of a dtype in JavaScript. */
export type ArrayOf<D extends DType> = { f32: Float32Array; i32: Int32Array; i8: Int8Array }[D];
export type HostArray = ArrayOf<DType>;

/** A block of memory of one engine. Opaque: only that engine's kernels can access its contents. */
export interface DeviceBuffer {
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;
}

/** The memory of a backend at the moment, for reports and for the test that training does not leak. */
export interface MemoryUse {
  /** Buffers handed out and not yet freed, and their bytes. */
  readonly live: number;
  readonly liveBytes: number;
  /** Freed buffers kept for reuse, and their bytes. */
  readonly pooled: number;
  readonly pooledBytes: number;
  /** Largest `liveBytes + pooledBytes` so far. */
  readonly peakBytes: number;
}

/** A recorded sequence of kernels: see `Backend.record`. */
export interface Program {
  /**
   * Queues its kernels again, on the same buffers with their present contents. Kernels that were recorded
   * with a `start` (`embedding`, `embeddingInt8`, `embeddingInt4`, `rope`, `attentionCached`, `shiftCached`)
   * take this one instead. The results equal those of direct calls, bit for bit. A program of a few
   * microseconds may run before this returns. Throws when a position table or a cache ends before `start`.
   */
  replay(start: number): void;
  /** Ends the program and returns the buffers that it keeps. Replays already queued still run. */
  dispose(): void;
}

/**
 * The precision of the products in `matmul`, `attention` and `attentionBackward`. `bf16`: their inputs are
 * rounded to bfloat16 (nearest, ties to even); products and sums are float32. Weights, softmax, norms, all
 * other kernels and the attention of generation (`attentionCached`) are always float32.
 */
export type Precision = 'f32' | 'bf16';

/** Options for creating an engine. */
export interface BackendOptions {
  /** Number of compute threads; default: the machine's cores. Results do not depend on it. */
  threads?: number;
  /**
   * Default `f32`. Every engine has both. The description says where no hardware makes `bf16` faster.
   */
  precision?: Precision;
}

/**
 * An engine that may or may not work on this machine. `create` throws an Error whose message is the reason,
 * with the fix.
 */
export interface BackendFactory {
  name: string;
  create(options: BackendOptions): Promise<Backend>;
}

/** One engine on one device. */
export interface Backend {
  /** `reference`, `native`, ... */
  readonly name: string;
  /** A description for people: `native (AVX-512, 2 threads)`. */
  readonly description: string;
  readonly precision: Precision;
  /** Why `auto` takes another engine although this one works: it imitates a GPU on the processor. */
  readonly lastResort?: string;
  /** Most bytes that all its buffers take together. Absent: as many as the machine has. */
  readonly memoryLimit?: number;
  /** Most bytes of one buffer, where that is less. */
  readonly bufferLimit?: number;
  readonly kernels: Kernels;
  /** A buffer with undefined contents; from the pool if it has one of this size. */
  alloc(dtype: DType, length: number): DeviceBuffer;
  /**
   * Returns a buffer to the pool. Safe while queued kernels still use it: the next user's kernels run after
   * them.
   */
  free(buffer: DeviceBuffer): void;
  /**
   * Copies `data` into `buffer` from element `offset` on. `data` may be changed as soon as this returns.
   */
  write(buffer: DeviceBuffer, data: HostArray, offset?: number): void;
  /** Copies elements out after everything queued before has run. The event loop continues meanwhile. */
  read(buffer: DeviceBuffer, offset?: number, length?: number): Promise<HostArray>;
  /**
   * Like `read`, into an existing array of the same dtype, for callers that read often. Fills `out` and
   * resolves to it.
   */
  readInto<T extends HostArray>(out: T, buffer: DeviceBuffer, offset?: number): Promise<T>;
  /** Like `readInto`, but blocks the caller. Engines that cannot block throw. */
  readSync(buffer: DeviceBuffer, offset?: number, length?: number): HostArray;
  /** Resolves when everything queued has run. The event loop turns at least once. */
  sync(): Promise<void>;
  /**
   * Drops queued kernels that have not begun. Reads that wait for them reject with `reason`; their outputs
   * are undefined. Only engines whose passes take long have this method.
   */
  cancel?(reason: unknown): void;
  /**
   * Runs `fn` (synchronously) and records the kernels that it calls instead of queueing them. Everything else
   * acts at once, as usual. Buffers that `fn` frees belong to the program until it is disposed of. Buffers
   * that it uses and does not free must live as long as the program. Recordings do not nest, and a replay
   * cannot be recorded.
   *
   * For work that is repeated with another position, like computing the next token of a text. The engine can
   * prepare it, and one call costs less than the hundred that it replaces.
   */
  record(fn: () => void): Program;
  memory(): MemoryUse;
  /** Gives pooled memory back to the system; live buffers stay. */
  trim(): void;
  /**
   * Ends the engine's threads and frees everything. The engine and its buffers must not be used afterwards.
   */
  dispose(): void;
}

/**
 * How the inputs of a product with integer weights enter it: as float, or each row quantised to bytes just
 * before.
 */
export type InputPrecision = 'f32' | 'int8';

/** The activation functions of the MLP; `Kernels.activation` defines them. */
export const ACTIVATION_KINDS = ['relu', 'gelu', 'relu2', 'silu', 'gelu-tanh'] as const;
export type Activation = (typeof ACTIVATION_KINDS)[number];

/**
 * The mask of a dropout. Element `i` of the site is kept when the 32-bit word `word(i)` is at least `floor(p
 * * 2^32)`, and is then multiplied by `1 / (1 - p)`. `word(i)` is Philox 4x32-10 (Salmon et al. 2011) with
 * key `(seed mod 2^32, floor(seed / 2^32))` and counter `(g mod 2^32, floor(g / 2^32), site, step)`, where `g
 * = floor(i / 64) * 16 + i mod 16`; it is output word `floor(i / 16) mod 4`. So 64 neighbours come from 16
 * counters, in the order in which SIMD lanes produce them.
 */
export interface Dropout {
  /** Probability of dropping, 0 <= p < 1. 0 keeps everything and draws nothing. */
  p: number;
  seed: number;
  /** The optimizer step, and the number of a place in the model, so that no two masks are equal. */
  step: number;
  site: number;
  /** Added to the element index, so that a micro-batch draws its rows' masks of the whole batch. */
  offset: number;
}

/**
 * Mask elements per row of T attention probabilities: T rounded up, so that every row begins at a vector.
 */
export function maskRow(T: number): number {
  return Math.ceil(T / 64) * 64;
}

/**
 * Shape of an attention: B sequences of T tokens, H heads of hs columns; scores are multiplied by `scale`.
 */
export interface AttentionShape {
  B: number;
  T: number;
  H: number;
  hs: number;
  scale: number;
}

export interface AdamWOptions {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** 1 for the first update. The bias corrections are 1 - beta^t. */
  t: number;
  /** The gradient is multiplied by it first (clipping, averaging over micro-batches). */
  gradScale: number;
}

export interface StatisticsOptions {
  rows: number;
  cols: number;
  /**
   * Range and number of bins of a histogram. Values outside count in the first or last bin. 0 bins: no
   * histogram.
   */
  lo: number;
  hi: number;
  bins: number;
}

/** Positions that `rope` has for sequences with `starts` of their own: an engine may need a table of them. */
export const ROPE_STARTS: number = 2 ** 14;

/** Length of the header before the bins in the output of `statistics`. */
export const STATISTICS_HEADER = 6;

export interface Kernels {
  // ---- copying and elementwise ----------------------------------------------------------------------------
  /** out[i] = value. `i32` too. */
  fill(out: DeviceBuffer, value: number): void;
  /**
   * out[outOffset + i] = x[xOffset + i] for i < length (default: all of `x` from `xOffset` on). Any dtype.
   */
  copy(out: DeviceBuffer, x: DeviceBuffer, outOffset?: number, xOffset?: number, length?: number): void;
  /** out = a + b. `out` may be `a` or `b`. */
  add(out: DeviceBuffer, a: DeviceBuffer, b: DeviceBuffer): void;
  /** out += factor * x. */
  axpy(out: DeviceBuffer, x: DeviceBuffer, factor: number): void;
  /** out = factor * x. `out` may be `x`. */
  scale(out: DeviceBuffer, x: DeviceBuffer, factor: number): void;
  /** out[0] = sum of x[i]^2 (accumulate: added). */
  sumSquares(out: DeviceBuffer, x: DeviceBuffer, accumulate: boolean): void;
  /**
   * out = x / (sqrt(squares[0]) + eps), with `squares` from `sumSquares`: x scaled to length 1. `out` may be
   * `x`.
   */
  normalize(out: DeviceBuffer, x: DeviceBuffer, squares: DeviceBuffer, eps: number): void;
  /** out[c] += sum over rows of x[r, c]. The gradient of a bias. */
  sumRows(out: DeviceBuffer, x: DeviceBuffer, rows: number, cols: number): void;

  /**
   * out[r, c] = a + weight[0] * (b - a) for columns c from `from` to `to` - 1; a in the other columns. a, b
   * and out are [rows, cols]. `out` may be `a`.
   */
  mix(
    out: DeviceBuffer,
    a: DeviceBuffer,
    b: DeviceBuffer,
    weight: DeviceBuffer,
    shape: { rows: number; cols: number; from: number; to: number },
  ): void;
  /**
   * The backward. db is 0 outside the columns; `accumulate` adds to it. Adds to dWeight [1]. `da` may be
   * `dOut`.
   */
  mixBackward(
    da: DeviceBuffer,
    db: DeviceBuffer,
    dWeight: DeviceBuffer,
    dOut: DeviceBuffer,
    a: DeviceBuffer,
    b: DeviceBuffer,
    weight: DeviceBuffer,
    shape: { rows: number; cols: number; from: number; to: number; accumulate: boolean },
  ): void;

  /**
   * Token shift (Peng et al. 2023): out[b, t, c] = x[b, t - 1, c] for columns c below `cols`, 0 at t = 0;
   * x[b, t, c] in the other columns. x and out are [B, T, C].
   */
  shift(out: DeviceBuffer, x: DeviceBuffer, shape: { B: number; T: number; C: number; cols: number }): void;
  /**
   * The backward: dx[b, t, c] = dOut[b, t + 1, c] for columns below `cols`, 0 at the last position;
   * dOut[b, t, c] in the others. `accumulate` adds to dx.
   */
  shiftBackward(
    dx: DeviceBuffer,
    dOut: DeviceBuffer,
    shape: { B: number; T: number; C: number; cols: number; accumulate: boolean },
  ): void;
  /**
   * Token shift of T new tokens at positions start, start + 1, ... Writes their first `cols` columns into
   * history [B, capacity, cols], where the token before the first of them is. `starts` and what does not fit
   * the capacity: as in `attentionCached`.
   */
  shiftCached(
    out: DeviceBuffer,
    history: DeviceBuffer,
    x: DeviceBuffer,
    shape: { B: number; T: number; C: number; cols: number; start: number; capacity: number },
    starts?: DeviceBuffer | null,
  ): void;

  // ---- matrix product ------------------------------------------------------------------------------------
  /**
   * out[m, n] = op(a)[m, k] op(b)[k, n] (+ bias[n]). `transA`: a is stored [k, m]. `transB`: b is stored [n,
   * k] (a weight [out, in], as in PyTorch). `bf16` rounds a and b, not bias and out. `symmetric`: the caller
   * states that the result is symmetric (m = n, no bias), so an engine may compute one half and mirror it.
   *
   * At most one of two epilogues saves a pass over out, with the same bits; neither is allowed with
   * `accumulate` or `symmetric`. `activation`: out = f(s), where s is the result above; `pre` [m, n] receives
   * s. `slope`: out = s * f'(x), with x [m, n].
   */
  matmul(
    out: DeviceBuffer,
    a: DeviceBuffer,
    b: DeviceBuffer,
    options: {
      m: number;
      n: number;
      k: number;
      transA?: boolean;
      transB?: boolean;
      accumulate?: boolean;
      bias?: DeviceBuffer | null;
      symmetric?: boolean;
      activation?: { kind: Activation; pre?: DeviceBuffer | null };
      slope?: { kind: Activation; x: DeviceBuffer };
    },
  ): void;

  // ---- embedding -----------------------------------------------------------------------------------------
  /**
   * out[b, t, :] = tokens[ids[b, t], :] + positions[start + t, :]. ids `i32` [B, T]; `positions` null: none.
   */
  embedding(
    out: DeviceBuffer,
    ids: DeviceBuffer,
    tokens: DeviceBuffer,
    positions: DeviceBuffer | null,
    shape: { B: number; T: number; C: number; start: number },
  ): void;
  /** dTokens[ids[b, t], :] += dOut[b, t, :]; dPositions[t, :] += sum over b of dOut[b, t, :]. */
  embeddingBackward(
    dTokens: DeviceBuffer,
    dPositions: DeviceBuffer | null,
    dOut: DeviceBuffer,
    ids: DeviceBuffer,
    shape: { B: number; T: number; C: number },
  ): void;

  // ---- normalisation -------------------------------------------------------------------------------------
  /**
   * LayerNorm (Ba et al. 2016) over the last axis: out = (x - mean) * rstd * weight + bias, rstd = 1 /
   * sqrt(var + eps), var biased. Writes mean [rows] and rstd [rows] for the backward. `bias` null: none.
   */
  layernorm(
    out: DeviceBuffer,
    mean: DeviceBuffer,
    rstd: DeviceBuffer,
    x: DeviceBuffer,
    weight: DeviceBuffer,
    bias: DeviceBuffer | null,
    shape: { rows: number; cols: number; eps: number },
  ): void;
  layernormBackward(
    dx: DeviceBuffer,
    dWeight: DeviceBuffer,
    dBias: DeviceBuffer | null,
    dOut: DeviceBuffer,
    x: DeviceBuffer,
    weight: DeviceBuffer,
    mean: DeviceBuffer,
    rstd: DeviceBuffer,
    shape: { rows: number; cols: number; accumulate: boolean },
  ): void;
  /**
   * RMSNorm (Zhang & Sennrich 2019): out = x * rrms * weight, rrms = 1 / sqrt(mean(x^2) + eps), saved [rows].
   */
  rmsnorm(
    out: DeviceBuffer,
    rrms: DeviceBuffer,
    x: DeviceBuffer,
    weight: DeviceBuffer,
    shape: { rows: number; cols: number; eps: number },
  ): void;
  rmsnormBackward(
    dx: DeviceBuffer,
    dWeight: DeviceBuffer,
    dOut: DeviceBuffer,
    x: DeviceBuffer,
    weight: DeviceBuffer,
    rrms: DeviceBuffer,
    shape: { rows: number; cols: number; accumulate: boolean },
  ): void;

  // ---- activation, dropout -------------------------------------------------------------------------------
  /**
   * relu: max(x, 0). gelu: exact, x * Phi(x). relu2: max(x, 0)^2 (So et al. 2021). silu: x * sigmoid(x).
   * gelu-tanh, GPT-2's: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) (Hendrycks & Gimpel 2016).
   */
  activation(out: DeviceBuffer, x: DeviceBuffer, kind: Activation): void;
  /** dx = dOut * f'(x). `dx` may be `dOut`. The derivative of relu at 0 is 0. */
  activationBackward(dx: DeviceBuffer, dOut: DeviceBuffer, x: DeviceBuffer, kind: Activation): void;
  /** out = cap * tanh(x / cap) (Gemma 2 Team 2024). `out` may be `x`. */
  softcap(out: DeviceBuffer, x: DeviceBuffer, cap: number): void;
  /** dx = dOut * (1 - (y / cap)^2), where y is the output of `softcap`. `dx` may be `dOut`. */
  softcapBackward(dx: DeviceBuffer, dOut: DeviceBuffer, y: DeviceBuffer, cap: number): void;
  /**
   * out = (kept(i) ? x / (1 - p) : 0) (+ residual). Without `residual` it is its own backward. `out` may be
   * `x` or `residual`. The mask of element i of the buffer is that of element `offset + i`.
   */
  dropout(out: DeviceBuffer, x: DeviceBuffer, dropout: Dropout, residual?: DeviceBuffer | null): void;

  // ---- attention -----------------------------------------------------------------------------------------
  /**
   * Causal self-attention, fused (Dao et al. 2022: online softmax; nothing of size T*T is stored). qkv [B, T,
   * 3, H, hs] -> out [B, T, H, hs]. lse [B, H, T] = log of the sum of exp(scaled scores), for the backward.
   * `dropout` acts on the probabilities: probability (b, h, t, s) is element `offset + ((b * H + h) * T + t)
   * * maskRow(T) + s`. `bf16` rounds q, k and v, and, after dropout, the numerators of the softmax, exp(score
   * - the row's largest); an engine that multiplies floats may leave the numerators as they are.
   */
  attention(
    out: DeviceBuffer,
    lse: DeviceBuffer,
    qkv: DeviceBuffer,
    shape: AttentionShape,
    dropout: Dropout | null,
  ): void;
  /**
   * Overwrites dqkv. Probabilities and masks are computed again from qkv, lse and the counter. `bf16` rounds
   * q, k, v and dOut, the probabilities after dropout, and the gradients of the scores before the
   * multiplication by `scale`; the last two may stay as they are, as in `attention`.
   */
  attentionBackward(
    dqkv: DeviceBuffer,
    dOut: DeviceBuffer,
    out: DeviceBuffer,
    lse: DeviceBuffer,
    qkv: DeviceBuffer,
    shape: AttentionShape,
    dropout: Dropout | null,
  ): void;
  /**
   * Attention of T new tokens at positions start, start + 1, ... with all earlier ones. Writes their keys and
   * values into keys and values [B, H, capacity, hs]. Then out[b, t] attends to positions 0 .. start + t.
   * `starts` (`i32` [B]; default: all 0) puts sequence b at start + starts[b] instead. Where that does not
   * fit the capacity, engines outside of JavaScript write nothing into the cache and NaN into the rows of
   * out.
   */
  attentionCached(
    out: DeviceBuffer,
    keys: DeviceBuffer,
    values: DeviceBuffer,
    qkv: DeviceBuffer,
    shape: AttentionShape & { start: number; capacity: number },
    starts?: DeviceBuffer | null,
  ): void;
  /** probs [B, H, T, T]: the causal attention probabilities, for looking inside. */
  attentionProbabilities(probs: DeviceBuffer, qkv: DeviceBuffer, shape: AttentionShape): void;
  /**
   * RMSNorm of every query and key (Henry et al. 2020): x * rrms * weight over their hs columns; v is copied.
   * rrms [rows, 2, H] is saved for the backward. qkv [rows, 3, H, hs]; weight [2, hs], of queries and of
   * keys. `out` may be `qkv` if no backward follows.
   */
  qkNorm(
    out: DeviceBuffer,
    rrms: DeviceBuffer,
    qkv: DeviceBuffer,
    weight: DeviceBuffer,
    shape: { rows: number; H: number; hs: number; eps: number },
  ): void;
  /** `dqkv` may be `dOut`. */
  qkNormBackward(
    dqkv: DeviceBuffer,
    dWeight: DeviceBuffer,
    dOut: DeviceBuffer,
    qkv: DeviceBuffer,
    weight: DeviceBuffer,
    rrms: DeviceBuffer,
    shape: { rows: number; H: number; hs: number },
  ): void;
  /**
   * Rotary position embedding (Su et al. 2021) of q and k in qkv [B, T, 3, H, hs]; v is copied. Rotates
   * columns i and i + floor(hs/2) by the angle (start + t) * base^(-2i / (2 floor(hs/2))). `inverse` rotates
   * back, which is the backward. `out` may be `qkv`. `starts` (`i32` [B]; default: all 0) puts sequence b at
   * start + starts[b] instead, which is from 0 to `ROPE_STARTS` - T.
   */
  rope(
    out: DeviceBuffer,
    qkv: DeviceBuffer,
    shape: { B: number; T: number; H: number; hs: number; start: number; base: number; inverse: boolean },
    starts?: DeviceBuffer | null,
  ): void;

  // ---- loss ----------------------------------------------------------------------------------------------
  /**
   * losses[r] = lse[r] - sum over v of q[r, v] * logits[r, v], lse[r] = log sum exp of row r (natural
   * logarithm). q is 1 at targets[r] (`i32`) and 0 elsewhere. With `smoothing` e, 0 <= e <= 1, q is 1 - e + e
   * / cols at targets[r] and e / cols elsewhere (Szegedy et al. 2016).
   */
  crossEntropy(
    losses: DeviceBuffer,
    lse: DeviceBuffer,
    logits: DeviceBuffer,
    targets: DeviceBuffer,
    shape: { rows: number; cols: number; smoothing?: number },
  ): void;
  /**
   * dLogits[r, v] = factor * (exp(logits[r, v] - lse[r]) - q[r, v]), q as above. `dLogits` may be `logits`.
   */
  crossEntropyBackward(
    dLogits: DeviceBuffer,
    logits: DeviceBuffer,
    lse: DeviceBuffer,
    targets: DeviceBuffer,
    shape: { rows: number; cols: number; factor: number; smoothing?: number },
  ): void;

  // ---- optimizers ----------------------------------------------------------------------------------------
  /**
   * AdamW (Loshchilov & Hutter 2019): g = gradScale * grad; m, v moving averages of g, g^2;
   * param = param * (1 - lr * weightDecay) - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).
   */
  adamw(
    param: DeviceBuffer,
    grad: DeviceBuffer,
    m: DeviceBuffer,
    v: DeviceBuffer,
    options: AdamWOptions,
  ): void;
  /**
   * g = gradScale * grad + weightDecay * param; velocity = momentum * velocity + g; param -= lr * velocity.
   */
  sgd(
    param: DeviceBuffer,
    grad: DeviceBuffer,
    velocity: DeviceBuffer | null,
    options: { lr: number; momentum: number; weightDecay: number; gradScale: number },
  ): void;

  /**
   * Nesterov's momentum (Sutskever et al. 2013, as in PyTorch): g = gradScale * grad; velocity = momentum *
   * velocity + g; out = momentum * velocity + g. `out` may be `grad`.
   */
  nesterov(
    out: DeviceBuffer,
    velocity: DeviceBuffer,
    grad: DeviceBuffer,
    options: { momentum: number; gradScale: number },
  ): void;

  // ---- looking inside ------------------------------------------------------------------------------------
  /**
   * out = [sum, sum of squares, min, max, number of values <= 0, number of values not finite, bins...] over
   * the finite values of x [rows, cols]; active[c] (`i32`, may be null) += number of rows with x[r, c] > 0.
   */
  statistics(
    out: DeviceBuffer,
    active: DeviceBuffer | null,
    x: DeviceBuffer,
    options: StatisticsOptions,
  ): void;

  // ---- INT8 ----------------------------------------------------------------------------------------------
  /**
   * Symmetric, per row: scale[r] = max |x[r]| / 127, q = round half to even (x / scale). Where scale[r] would
   * be below 2^-125, row and scale are 0: engines that flush denormals to zero give the same bytes, too.
   * `q` is `i8`.
   */
  quantizeRows(q: DeviceBuffer, scale: DeviceBuffer, x: DeviceBuffer, rows: number, cols: number): void;
  /** x[r, c] = q[r, c] * scale[r]. */
  dequantizeRows(x: DeviceBuffer, q: DeviceBuffer, scale: DeviceBuffer, rows: number, cols: number): void;
  /**
   * out[m, n] = x[m, k] (weight[n, k] * scale[n])^T + bias[n], weight `i8`. `f32`: weight-only. `int8`: each
   * row of x is quantised as by `quantizeRows`, products are summed in int32.
   */
  linearInt8(
    out: DeviceBuffer,
    x: DeviceBuffer,
    weight: DeviceBuffer,
    scale: DeviceBuffer,
    bias: DeviceBuffer | null,
    shape: { m: number; n: number; k: number; activations: InputPrecision },
  ): void;
  /** As `embedding`, with the token table as `i8` [V, C] and a scale per row. */
  embeddingInt8(
    out: DeviceBuffer,
    ids: DeviceBuffer,
    tokens: DeviceBuffer,
    scale: DeviceBuffer,
    positions: DeviceBuffer | null,
    shape: { B: number; T: number; C: number; start: number },
  ): void;

  // ---- INT4 ----------------------------------------------------------------------------------------------
  // A weight [n, k] by groups of `groupSize` columns, a multiple of 32 (the last group may be shorter):
  // weight[j, p] = (code[j, p] - 8) * scale[floor(p / groupSize), j]. `codes` `i8` [n, ceil(k / 2)]: a byte
  // holds the codes, 0 to 15, of two neighbours, the left one in its low half; `scale` [ceil(k / groupSize),
  // n] may have either sign.
  /** x[r, c] = weight[r, c] of [rows, cols]. */
  dequantizeInt4(
    x: DeviceBuffer,
    codes: DeviceBuffer,
    scale: DeviceBuffer,
    shape: { rows: number; cols: number; groupSize: number },
  ): void;
  /** As `linearInt8`: out[m, n] = x[m, k] weight[n, k]^T + bias[n]. */
  linearInt4(
    out: DeviceBuffer,
    x: DeviceBuffer,
    codes: DeviceBuffer,
    scale: DeviceBuffer,
    bias: DeviceBuffer | null,
    shape: { m: number; n: number; k: number; groupSize: number; activations: InputPrecision },
  ): void;
  /** As `embedding`, the token table [V, C] in INT4. */
  embeddingInt4(
    out: DeviceBuffer,
    ids: DeviceBuffer,
    codes: DeviceBuffer,
    scale: DeviceBuffer,
    positions: DeviceBuffer | null,
    shape: { B: number; T: number; C: number; start: number; groupSize: number },
  ): void;
}
