// The ops of the model. Each calls one kernel in the forward pass and states its backward beside it. Names as
// in the mathematics: y = f(x), dy = dLoss/dy. Shapes in brackets. Read next: backend/reference/attention.ts.
import type { Activation, AttentionShape, Dropout } from '../backend/contract.ts';
import { Int8Tensor, isQuantized, type QuantizedTensor, type Weight } from './quantized.ts';
import { scope } from './scope.ts';
import { addGrad, gradOf, needsGrad, passGrad, record, recordLoss, withGradientsNow } from './tape.ts';
import { empty, sizeOf, type Tensor } from './tensor.ts';

/**
 * y [..., out] = x [..., in] W^T + b, with W [out, in] and b [out] or null. A quantised W gets no gradient.
 */
export function linear(x: Tensor, weight: Weight, bias: Tensor | null): Tensor {
  const [n, k] = weight.shape;
  const m = rows(x);
  expect(x.shape.at(-1) === k, 'linear', `input ${x} does not fit the weight [${weight.shape.join(', ')}]`);
  const y = empty([...x.shape.slice(0, -1), n], 'f32', x.backend);
  const { kernels } = x.backend;
  if (isQuantized(weight)) {
    expect(!needsGrad(x, bias), 'linear', 'a quantised weight cannot be trained through');
    multiplyQuantized(y, x, weight, bias, { m, n, k });
    return y;
  }
  kernels.matmul(y.buffer, x.buffer, weight.buffer, { m, n, k, transB: true, bias: bias?.buffer ?? null });
  return record(y, [x, weight, bias], [], (dy) => {
    if (x.requiresGrad) multiplyGrad(x, dy, weight);
    addWeightGrads(weight, bias, dy, x);
  });
}

/**
 * y = f(x W1^T + b1) W2^T + b2: two linear layers with an activation between them. The same bits as separate
 * ops, with fewer passes over memory. x [..., in], W1 [hidden, in], b1 [hidden], W2 [out, hidden], b2 [out],
 * y [..., out]. Throws when shapes do not fit.
 */
export function mlp(
  x: Tensor,
  { weight: W1, bias: b1 }: { weight: Tensor; bias: Tensor | null },
  kind: Activation,
  { weight: W2, bias: b2 }: { weight: Tensor; bias: Tensor | null },
): Tensor {
  const [hidden, k] = W1.shape;
  const [n] = W2.shape;
  const m = rows(x);
  expect(x.shape.at(-1) === k, 'mlp', `input ${x} does not fit the weight ${W1}`);
  expect(W2.shape[1] === hidden, 'mlp', `the weights ${W1} and ${W2} do not fit one another`);
  const { kernels } = x.backend;
  const inputs = [x, W1, b1, W2, b2];
  const h = empty([...x.shape.slice(0, -1), hidden], 'f32', x.backend);
  // The derivative of relu at x equals that at relu(x), so h is enough.
  const pre = kind !== 'relu' && needsGrad(...inputs) ? empty(h.shape, 'f32', x.backend) : null;
  kernels.matmul(h.buffer, x.buffer, W1.buffer, {
    m,
    n: hidden,
    k,
    transB: true,
    bias: b1?.buffer ?? null,
    activation: { kind, pre: pre?.buffer ?? null },
  });
  const y = empty([...x.shape.slice(0, -1), n], 'f32', x.backend);
  kernels.matmul(y.buffer, h.buffer, W2.buffer, { m, n, k: hidden, transB: true, bias: b2?.buffer ?? null });
  return record(y, inputs, pre ? [h, pre] : [h], (dy) => {
    const dPre = empty(h.shape, 'f32', x.backend);
    const slope = { kind, x: (pre ?? h).buffer };
    kernels.matmul(dPre.buffer, dy.buffer, W2.buffer, { m, n: hidden, k: n, slope });
    addWeightGrads(W2, b2, dy, h);
    if (x.requiresGrad) multiplyGrad(x, dPre, W1);
    addWeightGrads(W1, b1, dPre, x);
    dPre.dispose();
  });
}

/** dx (+)= dy W, the gradient of y = x W^T. */
function multiplyGrad(x: Tensor, dy: Tensor, weight: Tensor): void {
  const [n, k] = weight.shape;
  const { grad: dx, accumulate } = gradOf(x);
  // [m, n] [n, k]
  x.backend.kernels.matmul(dx.buffer, dy.buffer, weight.buffer, { m: rows(x), n: k, k: n, accumulate });
}

/** dW += dy^T x, db += the sum of the rows of dy; nothing for what is frozen. */
function addWeightGrads(weight: Tensor, bias: Tensor | null, dy: Tensor, x: Tensor): void {
  const [n, k] = weight.shape;
  const m = rows(x);
  const { kernels } = x.backend;
  if (weight.requiresGrad) {
    const { grad: dW } = gradOf(weight);
    kernels.matmul(dW.buffer, dy.buffer, x.buffer, { m: n, n: k, k: m, transA: true, accumulate: true });
  }
  if (bias?.requiresGrad) kernels.sumRows(gradOf(bias).grad.buffer, dy.buffer, m, n);
}

function multiplyQuantized(
  y: Tensor,
  x: Tensor,
  weight: QuantizedTensor,
  bias: Tensor | null,
  { m, n, k }: { m: number; n: number; k: number },
): void {
  const { kernels } = x.backend;
  const { scale, activations } = weight;
  const b = bias?.buffer ?? null;
  if (weight instanceof Int8Tensor) {
    const shape = { m, n, k, activations };
    kernels.linearInt8(y.buffer, x.buffer, weight.values.buffer, scale.buffer, b, shape);
  } else {
    const shape = { m, n, k, groupSize: weight.groupSize, activations };
    kernels.linearInt4(y.buffer, x.buffer, weight.codes.buffer, scale.buffer, b, shape);
  }
}

/** x [B, T, C] = tokens[ids] (+ positions[start ..]); ids [B, T] `i32`. The token table may be quantised. */
export function embedding(
  ids: Tensor<'i32'>,
  tokens: Weight,
  positions: Tensor | null,
  start: number,
): Tensor {
  const [B, T] = ids.shape;
  const C = tokens.shape[1];
  const x = empty([B, T, C], 'f32', ids.backend);
  const { kernels } = ids.backend;
  const p = positions?.buffer ?? null;
  const shape = { B, T, C, start };
  if (tokens instanceof Int8Tensor) {
    kernels.embeddingInt8(x.buffer, ids.buffer, tokens.values.buffer, tokens.scale.buffer, p, shape);
    return x;
  }
  if (isQuantized(tokens)) {
    const { codes, scale, groupSize } = tokens;
    kernels.embeddingInt4(x.buffer, ids.buffer, codes.buffer, scale.buffer, p, { ...shape, groupSize });
    return x;
  }
  kernels.embedding(x.buffer, ids.buffer, tokens.buffer, p, shape);
  return record(x, [tokens, positions], [], (dx) => {
    const dTokens = gradOf(tokens).grad.buffer;
    const dPositions = positions && gradOf(positions).grad.buffer;
    kernels.embeddingBackward(dTokens, dPositions, dx.buffer, ids.buffer, { B, T, C });
  });
}

/** LayerNorm over the last axis. weight, bias [C]. */
export function layernorm(x: Tensor, weight: Tensor, bias: Tensor | null, eps: number): Tensor {
  const shape = { rows: rows(x), cols: weight.size };
  const y = empty(x.shape, 'f32', x.backend);
  const mean = empty([shape.rows], 'f32', x.backend);
  const rstd = empty([shape.rows], 'f32', x.backend);
  const { kernels } = x.backend;
  const b = bias?.buffer ?? null;
  kernels.layernorm(y.buffer, mean.buffer, rstd.buffer, x.buffer, weight.buffer, b, { ...shape, eps });
  return record(y, [x, weight, bias], [mean, rstd], (dy) => {
    const { grad: dx, accumulate } = gradOf(x);
    const dWeight = gradOf(weight).grad.buffer;
    const dBias = bias && gradOf(bias).grad.buffer;
    kernels.layernormBackward(
      dx.buffer,
      dWeight,
      dBias,
      dy.buffer,
      x.buffer,
      weight.buffer,
      mean.buffer,
      rstd.buffer,
      { ...shape, accumulate },
    );
  });
}

/** RMSNorm over the last axis. weight [C]. */
export function rmsnorm(x: Tensor, weight: Tensor, eps: number): Tensor {
  const shape = { rows: rows(x), cols: weight.size };
  const y = empty(x.shape, 'f32', x.backend);
  const rrms = empty([shape.rows], 'f32', x.backend);
  const { kernels } = x.backend;
  kernels.rmsnorm(y.buffer, rrms.buffer, x.buffer, weight.buffer, { ...shape, eps });
  return record(y, [x, weight], [rrms], (dy) => {
    const { grad: dx, accumulate } = gradOf(x);
    const dWeight = gradOf(weight).grad.buffer;
    kernels.rmsnormBackward(dx.buffer, dWeight, dy.buffer, x.buffer, weight.buffer, rrms.buffer, {
      ...shape,
      accumulate,
    });
  });
}

/** y = f(x), elementwise. */
export function activation(x: Tensor, kind: Activation): Tensor {
  const y = empty(x.shape, 'f32', x.backend);
  const { kernels } = x.backend;
  kernels.activation(y.buffer, x.buffer, kind);
  return record(y, [x], [], (dy) => {
    kernels.activationBackward(dy.buffer, dy.buffer, x.buffer, kind);
    passGrad(x, y);
  });
}

/**
 * y = a + b, equal shapes. With `mask`, y = a + dropout(b) in one kernel: inverted dropout (Srivastava et al.
 * 2014). The backward computes the mask again.
 */
export function add(a: Tensor, b: Tensor, mask: Dropout | null = null): Tensor {
  expect(a.size === b.size, 'add', `${a} and ${b} differ in size`);
  const y = empty(a.shape, 'f32', a.backend);
  const { kernels } = a.backend;
  if (mask) kernels.dropout(y.buffer, b.buffer, mask, a.buffer);
  else kernels.add(y.buffer, a.buffer, b.buffer);
  return record(y, [a, b], [], (dy) => {
    if (b.requiresGrad) {
      addGrad(b, (db) =>
        mask ? kernels.dropout(db.buffer, dy.buffer, mask) : kernels.copy(db.buffer, dy.buffer),
      );
    }
    if (a.requiresGrad) passGrad(a, y);
  });
}

/**
 * y = a + w (b - a) in the columns `from` to `to` - 1 (default: all), y = a in the others. w = weight[0] is
 * learned; a and b [..., cols] have equal shapes.
 */
export function mix(
  a: Tensor,
  b: Tensor,
  weight: Tensor,
  { from = 0, to = a.shape.at(-1) as number }: { from?: number; to?: number } = {},
): Tensor {
  expect(a.size === b.size, 'mix', `${a} and ${b} differ in size`);
  const shape = { rows: rows(a), cols: a.shape.at(-1) as number, from, to };
  const y = empty(a.shape, 'f32', a.backend);
  const { kernels } = a.backend;
  kernels.mix(y.buffer, a.buffer, b.buffer, weight.buffer, shape);
  return record(y, [a, b, weight], [], (dy) => {
    const dWeight = gradOf(weight).grad.buffer;
    const { grad: db, accumulate } = gradOf(b);
    kernels.mixBackward(dy.buffer, db.buffer, dWeight, dy.buffer, a.buffer, b.buffer, weight.buffer, {
      ...shape,
      accumulate,
    });
    passGrad(a, y);
  });
}

/** y = cap * tanh(x / cap), elementwise. */
export function softcap(x: Tensor, cap: number): Tensor {
  const y = empty(x.shape, 'f32', x.backend);
  const { kernels } = x.backend;
  kernels.softcap(y.buffer, x.buffer, cap);
  return record(y, [x], [], (dy) => {
    kernels.softcapBackward(dy.buffer, dy.buffer, y.buffer, cap);
    passGrad(x, y);
  });
}

/**
 * RMSNorm of every query and key of qkv [B, T, 3, H, hs] separately. weight [2, hs]: of queries, of keys.
 */
export function qkNorm(
  qkv: Tensor,
  weight: Tensor,
  { H, hs, eps }: { H: number; hs: number; eps: number },
): Tensor {
  const shape = { rows: rows(qkv), H, hs };
  const y = empty(qkv.shape, 'f32', qkv.backend);
  const rrms = empty([shape.rows, 2, H], 'f32', qkv.backend);
  const { kernels } = qkv.backend;
  kernels.qkNorm(y.buffer, rrms.buffer, qkv.buffer, weight.buffer, { ...shape, eps });
  return record(y, [qkv, weight], [rrms], (dy) => {
    const dWeight = gradOf(weight).grad.buffer;
    kernels.qkNormBackward(dy.buffer, dWeight, dy.buffer, qkv.buffer, weight.buffer, rrms.buffer, shape);
    passGrad(qkv, y);
  });
}

/**
 * Rotary position embedding of q and k in qkv [B, T, 3, H, hs]. `starts` [B] `i32`: sequence b begins at
 * start + starts[b].
 */
export function rope(
  qkv: Tensor,
  shape: { H: number; hs: number; start: number; base: number },
  starts: Tensor<'i32'> | null = null,
): Tensor {
  const [B, T] = qkv.shape;
  const y = empty(qkv.shape, 'f32', qkv.backend);
  const { kernels } = qkv.backend;
  const own = starts?.buffer ?? null;
  kernels.rope(y.buffer, qkv.buffer, { B, T, ...shape, inverse: false }, own);
  return record(y, [qkv], [], (dy) => {
    kernels.rope(dy.buffer, dy.buffer, { B, T, ...shape, inverse: true }, own);
    passGrad(qkv, y);
  });
}

/** Causal self-attention: qkv [B, T, 3, H, hs] -> [B, T, H * hs], with dropout on the probabilities. */
export function attention(qkv: Tensor, shape: AttentionShape, mask: Dropout | null): Tensor {
  const { B, T, H, hs } = shape;
  const y = empty([B, T, H * hs], 'f32', qkv.backend);
  const lse = empty([B, H, T], 'f32', qkv.backend);
  const { kernels } = qkv.backend;
  kernels.attention(y.buffer, lse.buffer, qkv.buffer, shape, mask);
  return record(y, [qkv], [lse], (dy) => {
    addGrad(qkv, (d) =>
      kernels.attentionBackward(d.buffer, dy.buffer, y.buffer, lse.buffer, qkv.buffer, shape, mask),
    );
  });
}

/**
 * Attention of new tokens with a KV cache; no gradient. Appends to keys and values [B, H, capacity, hs]; of
 * sequence b at start + starts[b], with starts [B] `i32`.
 */
export function attentionCached(
  qkv: Tensor,
  keys: Tensor,
  values: Tensor,
  shape: AttentionShape & { start: number; capacity: number },
  starts: Tensor<'i32'> | null = null,
): Tensor {
  expect(!needsGrad(qkv), 'attentionCached', 'a KV cache is for generation: it has no backward');
  const y = empty([shape.B, shape.T, shape.H * shape.hs], 'f32', qkv.backend);
  const { kernels } = qkv.backend;
  const own = starts?.buffer ?? null;
  kernels.attentionCached(y.buffer, keys.buffer, values.buffer, qkv.buffer, shape, own);
  return y;
}

/**
 * Cross-entropy of each row: logits [..., V], targets [...] `i32` -> losses [...], nats. Gradients start
 * here: the differentiated loss is `factor` times the sum of the losses (1 / rows: their mean). `smoothing`
 * spreads that share of each target evenly over all of V (Szegedy et al. 2016). `pull`, of the shape of the
 * logits, is added to their gradient: what `pullOf` teachers gives.
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor<'i32'>,
  factor: number = 1 / targets.size,
  smoothing = 0,
  pull: Tensor | null = null,
): Tensor {
  const shape = { rows: targets.size, cols: logits.shape.at(-1) as number, smoothing };
  expect(rows(logits) === shape.rows, 'crossEntropy', `logits ${logits} do not fit the targets ${targets}`);
  const losses = empty(targets.shape, 'f32', logits.backend);
  const lse = empty(targets.shape, 'f32', logits.backend);
  const { kernels } = logits.backend;
  kernels.crossEntropy(losses.buffer, lse.buffer, logits.buffer, targets.buffer, shape);
  return recordLoss(losses, [logits], pull ? [lse, pull] : [lse], () => {
    addGrad(logits, (d) =>
      kernels.crossEntropyBackward(d.buffer, logits.buffer, lse.buffer, targets.buffer, { ...shape, factor }),
    );
    if (!pull) return;
    const { grad } = gradOf(logits);
    kernels.add(grad.buffer, grad.buffer, pull.buffer);
  });
}

/**
 * What teachers change in the gradient of `crossEntropy`, if each target is (1 - weight) of the token that
 * came and `weight` of what the teachers expect, the mean p of their probabilities (distillation: Hinton et
 * al. 2015). With logits z, the token y as a one-hot row and the weight a, that gradient is
 *
 *     softmax(z) - (1 - a) y - a p  =  (softmax(z) - y) - a (p - y),
 *
 * and p - y is the gradient that a teacher's own logits would get. So a teacher takes away what it has learnt
 * already, and no kernel is new. `taught` [..., V]: the logits of each teacher; the other arguments as in
 * `crossEntropy`.
 */
export function pullOf(
  taught: readonly Tensor[],
  targets: Tensor<'i32'>,
  { factor, smoothing, weight }: { factor: number; smoothing: number; weight: number },
): Tensor {
  const [first] = taught;
  const { kernels } = first.backend;
  const share = { rows: targets.size, cols: first.shape.at(-1) as number, smoothing };
  const back = { ...share, factor: (-weight * factor) / taught.length };
  const pull = empty(first.shape, 'f32', first.backend);
  for (const logits of taught) {
    const [losses, lse] = [0, 1].map(() => empty(targets.shape, 'f32', first.backend));
    kernels.crossEntropy(losses.buffer, lse.buffer, logits.buffer, targets.buffer, share);
    const own = logits === first ? pull : empty(first.shape, 'f32', first.backend);
    kernels.crossEntropyBackward(own.buffer, logits.buffer, lse.buffer, targets.buffer, back);
    if (own !== pull) kernels.add(pull.buffer, pull.buffer, own.buffer);
  }
  return pull;
}

/** The same rows of another tensor [..., C] as those of a slice. */
export type Cut = (other: Tensor) => Tensor;

/**
 * The losses that `lossOf` computes of rows of x [..., C] and their targets [...], `size` rows at a time. The
 * backward of a slice runs before the next slice, so that what lies between is never there for all rows; the
 * gradient of x is kept until the backward of x.
 */
export function slicedLoss(
  x: Tensor,
  targets: Tensor<'i32'>,
  size: number,
  lossOf: (x: Tensor, targets: Tensor<'i32'>, cut: Cut) => Tensor,
): Tensor {
  const C = x.shape.at(-1) as number;
  expect(rows(x) === targets.size, 'slicedLoss', `${x} does not fit the targets ${targets}`);
  const { kernels } = x.backend;
  const losses = empty(targets.shape, 'f32', x.backend);
  const dx = needsGrad(x) ? empty(x.shape, 'f32', x.backend) : null;
  for (let from = 0; from < targets.size; from += size) {
    const n = Math.min(size, targets.size - from);
    scope(() => {
      const part = rowsOf(x, from, n);
      part.requiresGrad = dx !== null;
      const wanted = empty([n], 'i32', x.backend);
      kernels.copy(wanted.buffer, targets.buffer, 0, from, n);
      const own = withGradientsNow(() => lossOf(part, wanted, (other) => rowsOf(other, from, n)));
      kernels.copy(losses.buffer, own.buffer, from, 0, n);
      if (dx && part.grad) kernels.copy(dx.buffer, part.grad.buffer, from * C, 0, n * C);
    });
  }
  return recordLoss(losses, [x], dx ? [dx] : [], () =>
    addGrad(x, (d) => kernels.copy(d.buffer, (dx as Tensor).buffer)),
  );
}

/** The `n` rows of x [..., C] from row `from` on: [n, C]. No gradient. */
function rowsOf(x: Tensor, from: number, n: number): Tensor {
  const C = x.shape.at(-1) as number;
  const part = empty([n, C], 'f32', x.backend);
  x.backend.kernels.copy(part.buffer, x.buffer, 0, from * C, n * C);
  return part;
}

/** A run of positions in a cache: position `start` comes first, and it ends before `capacity`. */
export interface CachedShift {
  /** [B, capacity, cols] */
  history: Tensor;
  start: number;
  capacity: number;
  /** [B] `i32`, added to `start` */
  starts: Tensor<'i32'> | null;
}

/**
 * Token shift (Peng et al. 2023): x [B, T, C] with the first `cols` columns of each position taken from the
 * position before; 0 at the first one.
 */
export function shift(x: Tensor, cols: number): Tensor {
  const [B, T, C] = x.shape;
  const shape = { B, T, C, cols };
  const y = empty(x.shape, 'f32', x.backend);
  const { kernels } = x.backend;
  kernels.shift(y.buffer, x.buffer, shape);
  return record(y, [x], [], (dy) => {
    const { grad: dx, accumulate } = gradOf(x);
    kernels.shiftBackward(dx.buffer, dy.buffer, { ...shape, accumulate });
  });
}

/** `shift` of new tokens behind those in a cache, to which they are added; no gradient. */
export function shiftCached(x: Tensor, cols: number, { history, starts, ...place }: CachedShift): Tensor {
  expect(!needsGrad(x), 'shiftCached', 'a KV cache is for generation: it has no backward');
  const [B, T, C] = x.shape;
  const y = empty(x.shape, 'f32', x.backend);
  const shape = { B, T, C, cols, ...place };
  x.backend.kernels.shiftCached(y.buffer, history.buffer, x.buffer, shape, starts?.buffer ?? null);
  return y;
}

/** The last position of each sequence: [B, T, C] -> [B, 1, C]. No gradient. */
export function lastPosition(x: Tensor): Tensor {
  const [B, T, C] = x.shape;
  if (T === 1) return x;
  const y = empty([B, 1, C], 'f32', x.backend);
  for (let b = 0; b < B; b++) x.backend.kernels.copy(y.buffer, x.buffer, b * C, (b * T + T - 1) * C, C);
  return y;
}

/** Product of all axes but the last. */
function rows(x: Tensor): number {
  return sizeOf(x.shape.slice(0, -1));
}

function expect(condition: boolean, op: string, problem: string): void {
  if (!condition) throw new Error(`${op}: ${problem}`);
}
