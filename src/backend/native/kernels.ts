// The contract's kernels, as calls of the addon. Read next: native/args.h, which checks them.
import type { Activation, AttentionShape, DeviceBuffer, Dropout, Kernels } from '../contract.ts';
import type { DropoutArgs, Id, NativeEngine } from './addon.ts';

/** Activations by their number in native/kernels.h. */
const ACTIVATIONS: Readonly<Record<Activation, number>> = { relu: 0, gelu: 1, relu2: 2, silu: 3 };

/** What a product may end with, by its number there. */
const EPILOGUES = { none: 0, activation: 1, slope: 2 } as const;

/** All kernels on `engine`. `id` gives a buffer's number, and throws for buffers of other engines. */
export function createKernels(engine: NativeEngine, id: (buffer: DeviceBuffer) => Id): Kernels {
  const idOrNull = (buffer: DeviceBuffer | null | undefined): Id | null => (buffer ? id(buffer) : null);

  return {
    fill: (out, value) => engine.fill(value, id(out)),
    copy: (out, x, outOffset = 0, xOffset = 0, length = x.length - xOffset) =>
      engine.copy(outOffset, xOffset, length, id(out), id(x)),
    add: (out, a, b) => engine.add(out.length, id(out), id(a), id(b)),
    axpy: (out, x, factor) => engine.axpy(out.length, factor, id(out), id(x)),
    scale: (out, x, factor) => engine.scale(out.length, factor, id(out), id(x)),
    sumSquares: (out, x, accumulate) => engine.sumSquares(x.length, accumulate, id(out), id(x)),
    normalize: (out, x, squares, eps) => engine.normalize(out.length, eps, id(out), id(x), id(squares)),
    sumRows: (out, x, rows, cols) => engine.sumRows(rows, cols, id(out), id(x)),

    matmul: (out, a, b, { m, n, k, bias, activation, slope, ...flags }) => {
      const { transA = false, transB = false, accumulate = false, symmetric = false } = flags;
      if (activation && slope) throw new Error('matmul: activation or slope, not both');
      engine.matmul(
        m,
        n,
        k,
        transA,
        transB,
        accumulate,
        symmetric,
        activation ? EPILOGUES.activation : slope ? EPILOGUES.slope : EPILOGUES.none,
        ACTIVATIONS[(activation ?? slope)?.kind ?? 'relu'],
        id(out),
        id(a),
        id(b),
        idOrNull(bias),
        idOrNull(activation?.pre),
        idOrNull(slope?.x),
      );
    },

    embedding: (out, ids, tokens, positions, { B, T, C, start }) =>
      engine.embedding(B, T, C, start, rowsOf(tokens, C), id(out), id(ids), id(tokens), idOrNull(positions)),
    embeddingBackward: (dTokens, dPositions, dOut, ids, { B, T, C }) =>
      engine.embeddingBackward(
        B,
        T,
        C,
        rowsOf(dTokens, C),
        id(dTokens),
        idOrNull(dPositions),
        id(dOut),
        id(ids),
      ),

    layernorm: (out, mean, rstd, x, weight, bias, { rows, cols, eps }) =>
      engine.layernorm(rows, cols, eps, id(out), id(mean), id(rstd), id(x), id(weight), idOrNull(bias)),
    layernormBackward: (dx, dWeight, dBias, dOut, x, weight, mean, rstd, { rows, cols, accumulate }) =>
      engine.layernormBackward(
        rows,
        cols,
        accumulate,
        id(dx),
        id(dWeight),
        idOrNull(dBias),
        id(dOut),
        id(x),
        id(weight),
        id(mean),
        id(rstd),
      ),
    rmsnorm: (out, rrms, x, weight, { rows, cols, eps }) =>
      engine.rmsnorm(rows, cols, eps, id(out), id(rrms), id(x), id(weight)),
    rmsnormBackward: (dx, dWeight, dOut, x, weight, rrms, { rows, cols, accumulate }) =>
      engine.rmsnormBackward(
        rows,
        cols,
        accumulate,
        id(dx),
        id(dWeight),
        id(dOut),
        id(x),
        id(weight),
        id(rrms),
      ),

    activation: (out, x, kind) => engine.activation(out.length, ACTIVATIONS[kind], id(out), id(x)),
    activationBackward: (dx, dOut, x, kind) =>
      engine.activationBackward(dx.length, ACTIVATIONS[kind], id(dx), id(dOut), id(x)),
    softcap: (out, x, cap) => engine.softcap(out.length, cap, id(out), id(x)),
    softcapBackward: (dx, dOut, y, cap) => engine.softcapBackward(dx.length, cap, id(dx), id(dOut), id(y)),
    mix: (out, a, b, weight, { rows, cols, from, to }) =>
      engine.mix(rows, cols, from, to, id(out), id(a), id(b), id(weight)),
    mixBackward: (da, db, dWeight, dOut, a, b, weight, { rows, cols, from, to, accumulate }) =>
      engine.mixBackward(
        rows,
        cols,
        from,
        to,
        accumulate,
        id(da),
        id(db),
        id(dWeight),
        id(dOut),
        id(a),
        id(b),
        id(weight),
      ),
    dropout: (out, x, dropout, residual) =>
      engine.dropout(out.length, ...dropoutArgs(dropout), id(out), id(x), idOrNull(residual)),

    attention: (out, lse, qkv, shape, dropout) =>
      engine.attention(...attentionArgs(shape), ...dropoutArgs(dropout), id(out), id(lse), id(qkv)),
    attentionBackward: (dqkv, dOut, out, lse, qkv, shape, dropout) =>
      engine.attentionBackward(
        ...attentionArgs(shape),
        ...dropoutArgs(dropout),
        id(dqkv),
        id(dOut),
        id(out),
        id(lse),
        id(qkv),
      ),
    attentionCached: (out, keys, values, qkv, shape) =>
      engine.attentionCached(
        ...attentionArgs(shape),
        shape.start,
        shape.capacity,
        id(out),
        id(keys),
        id(values),
        id(qkv),
      ),
    attentionProbabilities: (probs, qkv, shape) =>
      engine.attentionProbabilities(...attentionArgs(shape), id(probs), id(qkv)),
    qkNorm: (out, rrms, qkv, weight, { rows, H, hs, eps }) =>
      engine.qkNorm(rows, H, hs, eps, id(out), id(rrms), id(qkv), id(weight)),
    qkNormBackward: (dqkv, dWeight, dOut, qkv, weight, rrms, { rows, H, hs }) =>
      engine.qkNormBackward(rows, H, hs, id(dqkv), id(dWeight), id(dOut), id(qkv), id(weight), id(rrms)),
    rope: (out, qkv, { B, T, H, hs, start, base, inverse }) =>
      engine.rope(B, T, H, hs, start, base, inverse, id(out), id(qkv)),

    crossEntropy: (losses, lse, logits, targets, { rows, cols, smoothing = 0 }) =>
      engine.crossEntropy(rows, cols, smoothing, id(losses), id(lse), id(logits), id(targets)),
    crossEntropyBackward: (dLogits, logits, lse, targets, { rows, cols, factor, smoothing = 0 }) =>
      engine.crossEntropyBackward(
        rows,
        cols,
        factor,
        smoothing,
        id(dLogits),
        id(logits),
        id(lse),
        id(targets),
      ),

    adamw: (param, grad, m, v, { lr, beta1, beta2, eps, weightDecay, t, gradScale }) =>
      engine.adamw(
        param.length,
        lr,
        beta1,
        beta2,
        eps,
        weightDecay,
        t,
        gradScale,
        id(param),
        id(grad),
        id(m),
        id(v),
      ),
    sgd: (param, grad, velocity, { lr, momentum, weightDecay, gradScale }) =>
      engine.sgd(param.length, lr, momentum, weightDecay, gradScale, id(param), id(grad), idOrNull(velocity)),
    nesterov: (out, velocity, grad, { momentum, gradScale }) =>
      engine.nesterov(out.length, momentum, gradScale, id(out), id(velocity), id(grad)),

    statistics: (out, active, x, { rows, cols, lo, hi, bins }) =>
      engine.statistics(rows, cols, lo, hi, bins, id(out), idOrNull(active), id(x)),

    quantizeRows: (q, scale, x, rows, cols) => engine.quantizeRows(rows, cols, id(q), id(scale), id(x)),
    dequantizeRows: (x, q, scale, rows, cols) => engine.dequantizeRows(rows, cols, id(x), id(q), id(scale)),
    linearInt8: (out, x, weight, scale, bias, { m, n, k, activations }) =>
      engine.linearInt8(
        m,
        n,
        k,
        activations === 'int8',
        id(out),
        id(x),
        id(weight),
        id(scale),
        idOrNull(bias),
      ),
    embeddingInt8: (out, ids, tokens, scale, positions, { B, T, C, start }) =>
      engine.embeddingInt8(
        B,
        T,
        C,
        start,
        rowsOf(tokens, C),
        id(out),
        id(ids),
        id(tokens),
        id(scale),
        idOrNull(positions),
      ),

    dequantizeInt4: (x, codes, scale, { rows, cols, groupSize }) =>
      engine.dequantizeInt4(rows, cols, groupSize, id(x), id(codes), id(scale)),
    linearInt4: (out, x, codes, scale, bias, { m, n, k, groupSize, activations }) =>
      engine.linearInt4(
        m,
        n,
        k,
        groupSize,
        activations === 'int8',
        id(out),
        id(x),
        id(codes),
        id(scale),
        idOrNull(bias),
      ),
    embeddingInt4: (out, ids, codes, scale, positions, { B, T, C, start, groupSize }) =>
      engine.embeddingInt4(
        B,
        T,
        C,
        start,
        rowsOf(codes, Math.ceil(C / 2)),
        groupSize,
        id(out),
        id(ids),
        id(codes),
        id(scale),
        idOrNull(positions),
      ),
  };
}

function rowsOf(table: DeviceBuffer, cols: number): number {
  return Math.floor(table.length / cols);
}

function attentionArgs({ B, T, H, hs, scale }: AttentionShape): [number, number, number, number, number] {
  return [B, T, H, hs, scale];
}

function dropoutArgs(dropout: Dropout | null): DropoutArgs {
  if (!dropout || dropout.p === 0) return [0, 0, 0, 0, 0];
  return [dropout.p, dropout.seed, dropout.step, dropout.site, dropout.offset];
}
