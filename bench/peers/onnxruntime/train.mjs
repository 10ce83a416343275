// A training step in onnxruntime, which has no automatic differentiation on this engine. So the graph
// contains the backward pass. Micro-batches, whose gradients are added up; then AdamW in a second graph. Read
// next: main.mjs.
import { createGraph } from '../../../dist/src/exchange/onnx/graph.js';
import { createLayers, createParameters, SEED } from './network.mjs';

/** Larger micro-batches take more memory and no less time. */
const MICRO = 8;
/**
 * The factors of dropout are read from one long list of random draws, from another place each time:
 * onnxruntime's own operator is slower.
 */
const DRAWS = 1 << 22;
const ADAMW = { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.01 };

/** One optimizer step of `batch` x 256 tokens. */
export async function createTraining(ort, options, { batch, dropout }) {
  const micro = Math.min(MICRO, batch);
  const parameters = createParameters();
  const names = Object.keys(parameters);
  const graph = gradientGraph(parameters, micro);
  const gradient = await ort.InferenceSession.create(graph.model, options);
  const update = await ort.InferenceSession.create(updateGraph(parameters, micro / batch), options);

  const tensor = (data, dims, type = 'float32') => new ort.Tensor(type, data, dims);
  const zeros = () =>
    Object.fromEntries(
      names.map((n) => [n, tensor(new Float32Array(parameters[n].data.length), parameters[n].dims)]),
    );
  let weights = Object.fromEntries(names.map((n) => [n, tensor(parameters[n].data, parameters[n].dims)]));
  let [sums, m, v] = [zeros(), zeros(), zeros()];
  // Results are written here; then inputs and outputs are swapped.
  let [nextWeights, nextSums, nextM, nextV] = [zeros(), zeros(), zeros(), zeros()];
  const size = (dims) => dims.reduce((a, b) => a * b);
  const draws = new Float32Array(DRAWS + Math.max(...graph.masks.map(({ dims }) => size(dims))));
  for (let i = 0; i < draws.length; i++) draws[i] = Math.random() < dropout ? 0 : 1 / (1 - dropout);
  const named = (prefix, record) => Object.fromEntries(names.map((n) => [prefix + n, record[n]]));
  const randomIds = (n) =>
    BigInt64Array.from({ length: n }, () => BigInt(Math.floor(Math.random() * SEED.V)));
  const M = micro * SEED.T;
  let step = 0;

  async function accumulate() {
    const feeds = { ids: tensor(randomIds(M), [M], 'int64'), targets: tensor(randomIds(M), [M, 1], 'int64') };
    for (const { name, dims } of graph.masks) {
      const from = Math.floor(Math.random() * DRAWS);
      feeds[name] = tensor(draws.subarray(from, from + size(dims)), dims);
    }
    const fetches = { loss: tensor(new Float32Array(1), []), ...named('new.', nextSums) };
    await gradient.run({ ...feeds, ...weights, ...named('sum.', sums) }, fetches);
    [sums, nextSums] = [nextSums, sums];
  }

  async function optimize() {
    step++;
    const correction = (beta) => tensor(Float32Array.of(1 / (1 - beta ** step)), []);
    const feeds = { first: correction(ADAMW.beta1), second: correction(ADAMW.beta2), ...weights };
    await update.run(
      { ...feeds, ...named('sum.', sums), ...named('m.', m), ...named('v.', v) },
      { ...named('new.', nextWeights), ...named('new.m.', nextM), ...named('new.v.', nextV) },
    );
    [weights, nextWeights, m, nextM, v, nextV] = [nextWeights, weights, nextM, m, nextV, v];
  }

  return {
    includes: `forward, backward, AdamW of ${batch} x ${SEED.T} tokens in micro-batches of ${micro}, dropout ${dropout} from a list of draws`,
    amount: batch * SEED.T,
    async work() {
      for (const name of names) sums[name].data.fill(0);
      for (let done = 0; done < batch; done += micro) await accumulate();
      await optimize();
    },
  };
}

/** Adds the gradient of the loss to `sum`, for each parameter. The masks are inputs. */
function gradientGraph(parameters, B) {
  const { C, L, T } = SEED;
  const g = createGraph();
  const gradients = {};
  const masks = [];
  const mask = (dims) => {
    masks.push({ name: `mask${masks.length}`, dims });
    return g.input(masks.at(-1).name, 'float32', dims);
  };
  const { linear, norm, dropout, relu, attention, embedding, loss, M } = createLayers(
    g,
    SEED,
    B,
    mask,
    gradients,
  );
  for (const [name, { dims }] of Object.entries(parameters)) g.input(name, 'float32', dims);
  g.input('ids', 'int64', [M]);
  g.input('targets', 'int64', [M, 1]);
  const future = Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e30 : 0));
  g.constant('future', 'float32', [T, T], future);

  /** Runs layers one after the other; their backwards in the opposite order. */
  const chain = (x, ...layers) => {
    const backs = [];
    let value = x;
    for (const layer of layers) {
      const [next, back] = layer(value);
      value = next;
      backs.unshift(back);
    }
    return [value, (dy) => backs.reduce((d, back) => back(d), dy)];
  };
  /** x + the layers of x */
  const residual =
    (...layers) =>
    (x) => {
      const [y, back] = chain(x, ...layers);
      return [g.op('Add', [x, y]), (d) => g.op('Add', [d, back(d)])];
    };
  const block = (l) => [
    residual(
      (x) => norm(`${l}.norm1`, x),
      (x) => linear(`${l}.qkv`, x, false),
      attention,
      (x) => linear(`${l}.proj`, x),
      (x) => dropout(x, [M, C]),
    ),
    residual(
      (x) => norm(`${l}.norm2`, x),
      (x) => linear(`${l}.up`, x),
      relu,
      (x) => linear(`${l}.down`, x),
      (x) => dropout(x, [M, C]),
    ),
  ];
  const [value, back] = chain(
    'ids',
    embedding,
    ...Array.from({ length: L }, (_, l) => block(l)).flat(),
    (x) => norm('norm', x),
    (x) => linear('head', x),
    (x) => loss(x, 'targets'),
  );
  back();
  g.output('loss', value, []);
  for (const [name, { dims }] of Object.entries(parameters)) {
    g.output(`new.${name}`, g.op('Add', [g.input(`sum.${name}`, 'float32', dims), gradients[name]]), dims);
  }
  return { model: g.build(), masks };
}

/**
 * AdamW of every parameter from the sum of its gradients. `first` and `second` correct the moments' bias
 * towards zero.
 */
function updateGraph(parameters, share) {
  const { lr, beta1, beta2, eps, decay } = ADAMW;
  const g = createGraph();
  const { op, scalar } = g;
  g.input('first', 'float32', []);
  g.input('second', 'float32', []);
  const mix = (a, x, b, y) => op('Add', [op('Mul', [x, scalar(a)]), op('Mul', [y, scalar(b)])]);
  for (const [name, { dims }] of Object.entries(parameters)) {
    const [w, sum, m, v] = ['', 'sum.', 'm.', 'v.'].map((prefix) => g.input(prefix + name, 'float32', dims));
    const gradient = op('Mul', [sum, scalar(share)]);
    const newM = mix(beta1, m, 1 - beta1, gradient);
    const newV = mix(beta2, v, 1 - beta2, op('Mul', [gradient, gradient]));
    const root = op('Add', [op('Sqrt', [op('Mul', [newV, 'second'])]), scalar(eps)]);
    const change = op('Div', [op('Mul', [newM, 'first']), root]);
    g.output(`new.${name}`, mix(1 - lr * decay, w, -lr, change), dims);
    g.output(`new.m.${name}`, newM, dims);
    g.output(`new.v.${name}`, newV, dims);
  }
  return g.build();
}
