// The network of the `seed` preset in ONNX operators: its parameters, and its layers, each with its backward.
// Read next: train.mjs, decode.mjs.

/** C: width. H: heads of size hs. L: layers. V: tokens of the vocabulary. T: context. */
export const SEED = { C: 232, H: 6, hs: 38, L: 5, V: 500, T: 256 };

/**
 * All parameters by name: { dims, data }. Matrices are [in, out]. Values are random: only the time counts.
 */
export function createParameters({ C, H, hs, L, V, T } = SEED) {
  const parameters = {};
  const add = (name, dims, spread, centre = 0) => {
    const length = dims.reduce((a, b) => a * b);
    const data = Float32Array.from({ length }, () => centre + spread * (Math.random() - 0.5));
    parameters[name] = { dims, data };
  };
  const norm = (name) => {
    add(`${name}.weight`, [C], 0, 1);
    add(`${name}.bias`, [C], 0);
  };
  const linear = (name, from, to, bias = true) => {
    add(`${name}.weight`, [from, to], 0.07);
    if (bias) add(`${name}.bias`, [to], 0);
  };
  add('tokens', [V, C], 0.07);
  add('positions', [T, C], 0.07);
  for (let l = 0; l < L; l++) {
    norm(`${l}.norm1`);
    linear(`${l}.qkv`, C, 3 * H * hs, false);
    linear(`${l}.proj`, H * hs, C);
    norm(`${l}.norm2`);
    linear(`${l}.up`, C, 4 * C);
    linear(`${l}.down`, 4 * C, C);
  }
  norm('norm');
  linear('head', C, V);
  return parameters;
}

/**
 * Layers on rows x [M, C], M = B * T. Each returns its value and a function from the value's gradient to x's,
 * which stores the gradients of the parameters in `gradients` by name. `mask(dims)` is an input with the
 * factors of dropout, 0 or 1 / (1 - p).
 */
export function createLayers(g, { C, H, hs, V, T }, B, mask, gradients) {
  const { op, ints, scalar } = g;
  const M = B * T;
  const sumRows = (x) => op('ReduceSum', [x, ints(0)], { keepdims: 0 });

  function linear(name, x, bias = true) {
    const y = op('Gemm', bias ? [x, `${name}.weight`, `${name}.bias`] : [x, `${name}.weight`]);
    const back = (dy) => {
      gradients[`${name}.weight`] = op('Gemm', [x, dy], { transA: 1 });
      if (bias) gradients[`${name}.bias`] = sumRows(dy);
      return op('Gemm', [dy, `${name}.weight`], { transB: 1 });
    };
    return [y, back];
  }

  function norm(name, x) {
    const inputs = [x, `${name}.weight`, `${name}.bias`];
    const [y, mean, inverse] = g.ops('LayerNormalization', inputs, { axis: -1, epsilon: { real: 1e-5 } }, 3);
    const back = (dy) => {
      const scaled = op('Mul', [op('Sub', [x, mean]), inverse]);
      gradients[`${name}.weight`] = sumRows(op('Mul', [dy, scaled]));
      gradients[`${name}.bias`] = sumRows(dy);
      const d = op('Mul', [dy, `${name}.weight`]);
      const means = [d, op('Mul', [d, scaled])].map((z) => op('ReduceMean', [z, ints(-1)], { keepdims: 1 }));
      const centred = op('Sub', [op('Sub', [d, means[0]]), op('Mul', [scaled, means[1]])]);
      return op('Mul', [centred, inverse]);
    };
    return [y, back];
  }

  function dropout(x, dims) {
    const factors = mask(dims);
    return [op('Mul', [x, factors]), (dy) => op('Mul', [dy, factors])];
  }

  function relu(x) {
    const back = (dy) => op('Where', [op('Greater', [x, scalar(0)]), dy, scalar(0)]);
    return [op('Relu', [x]), back];
  }

  /** Causal attention between the products: [M, 3 * H * hs] -> [M, H * hs]. */
  function attention(x) {
    const alpha = { real: hs ** -0.5 };
    const parts = op('Transpose', [op('Reshape', [x, ints(B, T, 3, H, hs)])], { perm: [2, 0, 3, 1, 4] });
    const [q, k, v] = g
      .ops('Split', [parts, ints(1, 1, 1)], { axis: 0 }, 3)
      .map((part) => op('Reshape', [part, ints(B * H, T, hs)]));
    const scores = op('com.microsoft:FusedMatMul', [q, k], { transB: 1, alpha }); // [B * H, T, T]
    const weights = op('Softmax', [op('Add', [scores, 'future'])], { axis: -1 });
    const [kept, dropBack] = dropout(weights, [B * H, T, T]);
    const heads = op('Reshape', [op('MatMul', [kept, v]), ints(B, H, T, hs)]);
    const y = op('Reshape', [op('Transpose', [heads], { perm: [0, 2, 1, 3] }), ints(M, H * hs)]);
    const back = (dy) => {
      const apart = op('Transpose', [op('Reshape', [dy, ints(B, T, H, hs)])], { perm: [0, 2, 1, 3] });
      const dHeads = op('Reshape', [apart, ints(B * H, T, hs)]);
      const dv = op('com.microsoft:FusedMatMul', [kept, dHeads], { transA: 1 });
      const product = op('Mul', [
        dropBack(op('com.microsoft:FusedMatMul', [dHeads, v], { transB: 1 })),
        weights,
      ]);
      const total = op('ReduceSum', [product, ints(-1)], { keepdims: 1 });
      const dScores = op('Sub', [product, op('Mul', [weights, total])]);
      const dq = op('com.microsoft:FusedMatMul', [dScores, k], { alpha });
      const dk = op('com.microsoft:FusedMatMul', [dScores, q], { transA: 1, alpha });
      const stacked = [dq, dk, dv].map((d) => op('Reshape', [d, ints(1, B, H, T, hs)]));
      const joined = op('Transpose', [op('Concat', stacked, { axis: 0 })], { perm: [1, 3, 0, 2, 4] });
      return op('Reshape', [joined, ints(M, 3 * H * hs)]);
    };
    return [y, back];
  }

  function embedding(ids) {
    const rows = op('Reshape', [op('Gather', ['tokens', ids]), ints(B, T, C)]);
    const y = op('Reshape', [op('Add', [rows, 'positions']), ints(M, C)]);
    const back = (dy) => {
      gradients.positions = sumRows(op('Reshape', [dy, ints(B, T, C)]));
      const zeros = g.constant('zeros', 'float32', [V, C], new Float32Array(V * C));
      gradients.tokens = op('ScatterND', [zeros, op('Reshape', [ids, ints(M, 1)]), dy], { reduction: 'add' });
    };
    return [y, back];
  }

  /** Mean of -log softmax at the targets [M, 1], and its gradient, softmax - 1 at the target, over M. */
  function loss(logits, targets) {
    const logs = op('LogSoftmax', [logits], { axis: -1 });
    const chosen = op('GatherElements', [logs, targets], { axis: 1 });
    const value = op('Neg', [op('ReduceMean', [chosen], { keepdims: 0 })]);
    const back = () => {
      const p = op('Exp', [logs]);
      const less = op('Sub', [op('GatherElements', [p, targets], { axis: 1 }), scalar(1)]);
      return op('Mul', [op('ScatterElements', [p, targets, less], { axis: 1 }), scalar(1 / M)]);
    };
    return [value, back];
  }

  return { linear, norm, dropout, relu, attention, embedding, loss, M };
}
