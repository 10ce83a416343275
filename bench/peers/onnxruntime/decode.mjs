// Generates token by token with a KV cache in onnxruntime. No tensor is copied between steps: the graph reads
// the cache of the earlier tokens and writes the new keys and values behind them. Read next: main.mjs.
import { createGraph } from '../../../dist/src/exchange/onnx/graph.js';
import { createParameters, SEED } from './network.mjs';

const { H, hs, L, V, T } = SEED;

/**
 * Generates a window of 256 tokens from token 0, each the one with the largest logit. `weights`: float32 or
 * int8.
 */
export async function createDecoding(ort, options, { weights }) {
  const session = await ort.InferenceSession.create(decodeGraph(createParameters(), weights), options);
  const row = H * hs;
  const caches = Array.from({ length: 2 * L }, () => new Float32Array(T * row));
  const tensor = (data, dims, type = 'float32') => new ort.Tensor(type, data, dims);
  const logits = new Float32Array(V);
  // Every turn reads and writes the same memory.
  const steps = Array.from({ length: T }, (_, at) => {
    const feeds = { position: tensor(BigInt64Array.of(BigInt(at)), [1], 'int64') };
    const fetches = { logits: tensor(logits, [1, V]) };
    for (const [i, cache] of caches.entries()) {
      feeds[`past${i}`] = tensor(cache.subarray(0, at * row), [at, H, hs]);
      fetches[`new${i}`] = tensor(cache.subarray(at * row, (at + 1) * row), [1, H, hs]);
    }
    return { feeds, fetches };
  });
  return {
    includes: `${T} tokens from token 0, the largest logit each, KV cache`,
    amount: T,
    async work() {
      let token = 0;
      for (const { feeds, fetches } of steps) {
        await session.run({ ...feeds, id: tensor(BigInt64Array.of(BigInt(token)), [1], 'int64') }, fetches);
        token = logits.reduce((best, x, i) => (x > logits[best] ? i : best), 0);
      }
    },
  };
}

function decodeGraph(parameters, weights) {
  const g = createGraph();
  const { op, ints } = g;
  const quantised = (name) => weights === 'int8' && name.includes('.') && parameters[name].dims.length === 2;
  for (const [name, { dims, data }] of Object.entries(parameters)) {
    if (!quantised(name)) g.constant(name, 'float32', dims, data);
  }
  g.input('id', 'int64', [1]);
  g.input('position', 'int64', [1]);

  const linear = (name, x) => {
    const bias = `${name}.bias` in parameters ? [`${name}.bias`] : [];
    const weight = `${name}.weight`;
    if (!quantised(weight)) return op('Gemm', [x, weight, ...bias]);
    const { values, scales } = quantise(parameters[weight]);
    g.constant(weight, 'int8', parameters[weight].dims, values);
    g.constant(`${name}.scales`, 'float32', [scales.length], scales);
    return op('com.microsoft:DynamicQuantizeMatMul', [x, weight, `${name}.scales`, '', ...bias]);
  };
  const norm = (name, x) =>
    op('LayerNormalization', [x, `${name}.weight`, `${name}.bias`], { axis: -1, epsilon: { real: 1e-5 } });
  const past = (i) => g.input(`past${i}`, 'float32', ['t', H, hs]);

  /**
   * The row [1, C] of the new token sees t earlier tokens and itself. transBatch*: [t, H, hs] is read as [H,
   * t, hs].
   */
  const attention = (l, x) => {
    const parts = op('Reshape', [linear(`${l}.qkv`, x), ints(3, H, hs)]);
    const [q, k, v] = g.ops('Split', [parts, ints(1, 1, 1)], { axis: 0 }, 3); // [1, H, hs] each
    g.output(`new${2 * l}`, k, [1, H, hs]);
    g.output(`new${2 * l + 1}`, v, [1, H, hs]);
    const keys = op('Concat', [past(2 * l), k], { axis: 0 }); // [t + 1, H, hs]
    const values = op('Concat', [past(2 * l + 1), v], { axis: 0 });
    const across = { transBatchA: 1, transBatchB: 1 };
    // [H, 1, t + 1]
    const scores = op('com.microsoft:FusedMatMul', [q, keys], {
      ...across,
      transB: 1,
      alpha: { real: hs ** -0.5 },
    });
    // [H, 1, hs]
    const heads = op('com.microsoft:FusedMatMul', [op('Softmax', [scores], { axis: -1 }), values], {
      transBatchB: 1,
    });
    return linear(`${l}.proj`, op('Reshape', [heads, ints(1, H * hs)]));
  };

  let x = op('Add', [op('Gather', ['tokens', 'id']), op('Gather', ['positions', 'position'])]); // [1, C]
  for (let l = 0; l < L; l++) {
    x = op('Add', [x, attention(l, norm(`${l}.norm1`, x))]);
    x = op('Add', [x, linear(`${l}.down`, op('Relu', [linear(`${l}.up`, norm(`${l}.norm2`, x))]))]);
  }
  g.output('logits', linear('head', norm('norm', x)), [1, V]);
  return g.build();
}

/** A matrix [in, out] as int8, with one scale per column. */
function quantise({ dims: [, cols], data }) {
  const scales = new Float32Array(cols);
  for (let i = 0; i < data.length; i++)
    scales[i % cols] = Math.max(scales[i % cols], Math.abs(data[i]) / 127);
  return { values: Int8Array.from(data, (w, i) => Math.round(w / scales[i % cols])), scales };
}
