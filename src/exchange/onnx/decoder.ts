// A GPT as an ONNX graph with a KV cache, whose inputs and outputs have the names that transformers.js uses:
// model/gpt.ts in other operators. B sequences, T new tokens after P that are in the cache, S = P + T.
import { type GPTConfig, shiftedColumns } from '../../model/config.ts';
import { type BlockLayer, nameAt } from '../../model/names.ts';
import { shapesOf, skipFrom } from '../../model/shapes.ts';
import { createGraph, type OnnxGraph, TYPES } from './graph.ts';
import { activate, type Layers, layersOf, type Parameters } from './layers.ts';

/** What the blocks need to know about a pass. All are names of values. */
interface Pass {
  g: OnnxGraph;
  config: GPTConfig;
  layers: Layers;
  /** [B, 1, T, S]: 0 where a token may look, else so low that nothing is left after the softmax. */
  mask: string;
  /** For `tokenShift`. */
  recent: Recent | null;
  /** For `rope`: cosines and sines of the new positions, [B, 1, T, floor(hs / 2)] each. */
  rotation: { cos: string; sin: string } | null;
  /** The embeddings, then the output of each block, [B, T, C]. */
  stream: string[];
  /** For `valueResidual`: the values of block 0, [B, T, H * hs]. */
  firstValues: string | null;
}

/** The new tokens of a pass: the names of two values. */
interface Recent {
  /** -(T + 1), [1] */
  from: string;
  /** 1 for a token that may be looked at, else 0, [B, T, 1] */
  real: string;
}

/**
 * The file of the decoder. Inputs: `input_ids` [B, T]; `attention_mask` [B, S] with 0 for tokens that nobody
 * looks at; `position_ids` [B, T] where the model has positions; `past_key_values.N.key` and `.value` [B, H,
 * P, hs] of each block. Outputs: `logits` [B, T, V]; `present.N.key` and `.value` [B, H, S, hs]. With a token
 * shift, the cache has as many layers again, in which attention (`key`) and MLP (`value`) of each block keep
 * what they read of the last token.
 */
export function decoderFile(config: GPTConfig, weights: Omit<Parameters, 'shapes'>): Uint8Array {
  const { nLayer, position, vocabSize, logitCap } = config;
  const g = createGraph();
  const { op } = g;
  const layers = layersOf(g, config, { ...weights, shapes: new Map(shapesOf(config)) });
  const ids = g.input('input_ids', 'int64', ['batch', 'tokens']);
  const seen = g.input('attention_mask', 'int64', ['batch', 'all_tokens']);
  const places = position === 'none' ? null : g.input('position_ids', 'int64', ['batch', 'tokens']);
  let x = layers.rows('tokens', ids); // [B, T, C]
  if (position === 'learned' && places) x = op('Add', [x, layers.rows('positions', places)]);
  const rotation = position === 'rope' && places ? rotationOf(g, config, places) : null;
  const lengths = lengthsOf(g, ids, seen);
  const mask = maskOf(g, config, lengths, seen);
  const recent = config.tokenShift ? recentOf(g, lengths, seen) : null;
  const pass: Pass = { g, config, layers, mask, recent, rotation, stream: [], firstValues: null };
  for (let n = 0; n < nLayer; n++) {
    pass.stream.push(x);
    x = block(pass, n, x);
  }
  const logits = layers.linear(layers.norm(x, 'norm'), 'head', config.tieWeights ? 'tokens' : 'head');
  g.output('logits', logitCap > 0 ? capped(g, logits, logitCap) : logits, ['batch', 'tokens', vocabSize]);
  return g.build();
}

/** Attention, then MLP: each adds to the residual stream x [B, T, C]. */
function block(pass: Pass, n: number, stream: string): string {
  const { g, config, layers } = pass;
  const at = placesIn(n);
  const from = skipFrom(config, n);
  const x = from === null ? stream : layers.mix(stream, pass.stream[from], at('skip'));
  const mid = g.op('Add', [x, attention(pass, n, shifted(pass, n, 'key', layers.norm(x, at('norm1'))))]);
  const before = layers.linear(shifted(pass, n, 'value', layers.norm(mid, at('norm2'))), at('mlp.fc'));
  const after = activate(g, config.activation, before);
  return g.op('Add', [mid, layers.linear(after, at('mlp.proj'))]);
}

/** x [B, T, C] -> [B, T, C] */
function attention(pass: Pass, n: number, x: string): string {
  const { g, config, layers, mask } = pass;
  const { nHead: H, headSize: hs, valueResidual, qkNorm } = config;
  const { op, ints } = g;
  const at = placesIn(n);
  const [inner, heads] = [ints(0, 0, H * hs), ints(0, 0, H, hs)];
  const swapped = (value: string): string => op('Transpose', [value], { perm: [0, 2, 1, 3] });
  /** Queries or keys, [B, T, H * hs] -> [B, H, T, hs]. `from`: the first element of their norm's weight. */
  const placed = (value: string, from: number): string => {
    const apart = op('Reshape', [value, heads]);
    const normed = qkNorm ? layers.rmsnorm(apart, at('attn.qkNorm'), from, from + hs) : apart;
    return rotated(pass, swapped(normed));
  };
  const [third, qkv] = [ints(H * hs, H * hs, H * hs), layers.linear(x, at('attn.qkv'))];
  const [q, k, own] = g.ops('Split', [qkv, third], { axis: -1 }, 3); // [B, T, H * hs] each
  pass.firstValues ??= own;
  const v = valueResidual && n > 0 ? layers.mix(own, pass.firstValues, at('attn.valueMix')) : own;
  const keys = cached(pass, n, 'key', placed(k, hs)); // [B, H, S, hs]
  const values = cached(pass, n, 'value', swapped(op('Reshape', [v, heads])));
  const scaled = op('Mul', [placed(q, 0), g.scalar(1 / Math.sqrt(hs))]);
  const products = op('MatMul', [scaled, op('Transpose', [keys], { perm: [0, 1, 3, 2] })]); // [B, H, T, S]
  const probabilities = op('Softmax', [op('Add', [products, mask])], { axis: -1 });
  const out = swapped(op('MatMul', [probabilities, values])); // [B, T, H, hs]
  return layers.linear(op('Reshape', [out, inner]), at('attn.proj'));
}

/** What the cache holds of a block, and the new tokens behind it. Both enter and leave the graph. */
function cached({ g, config }: Pass, n: number, what: 'key' | 'value', fresh: string): string {
  const { nHead: H, headSize: hs } = config;
  const past = g.input(`past_key_values.${n}.${what}`, 'float32', ['batch', H, 'past_tokens', hs]);
  const name = `present.${n}.${what}`;
  const all = g.op('Concat', [past, fresh], { axis: 2 }, name);
  g.output(name, all, ['batch', H, 'all_tokens', hs]);
  return all;
}

/**
 * x [B, T, C] with half of its columns from the token before, and zeros where there is none that may be
 * looked at. The last token's columns leave the graph in the shape of keys, [B, H, slots, hs].
 */
function shifted({ g, config, recent }: Pass, n: number, what: 'key' | 'value', x: string): string {
  if (!recent) return x;
  const { op, ints } = g;
  const { nHead: H, headSize: hs, nEmbd, nLayer } = config;
  const columns = shiftedColumns(config);
  const slots = Math.ceil(columns / (H * hs));
  const room = slots * H * hs;
  const parts = [x, ints(columns, nEmbd - columns)];
  const [moving, staying] = g.ops('Split', parts, { axis: -1 }, 2);
  const own = op('Mul', [moving, recent.real]); // [B, T, columns]
  const past = g.input(`past_key_values.${nLayer + n}.${what}`, 'float32', ['batch', H, 'past_slots', hs]);
  const kept = op('Reshape', [past, ints(0, -1, room)]); // [B, 0 or 1, room]
  const earlier = op('Slice', [kept, ints(0), ints(columns), ints(2)]);
  const all = op('Pad', [op('Concat', [earlier, own], { axis: 1 }), ints(0, 1, 0, 0, 0, 0)]);
  const before = op('Slice', [all, recent.from, ints(-1), ints(1)]); // [B, T, columns]
  const last = op('Slice', [own, ints(-1), ints(END), ints(1)]);
  const padded = op('Pad', [last, ints(0, 0, 0, 0, 0, room - columns)]);
  const name = `present.${nLayer + n}.${what}`;
  g.output(name, op('Reshape', [padded, ints(0, H, slots, hs)], {}, name), ['batch', H, slots, hs]);
  return op('Concat', [before, staying], { axis: -1 });
}

/** Behind the last element of every axis. */
const END = 2 ** 31 - 1;

/** Rotates columns i and i + half of x [B, H, T, hs]; the last column of an odd hs stays. */
function rotated({ g, config, rotation }: Pass, x: string): string {
  if (!rotation) return x;
  const { op, ints } = g;
  const { cos, sin } = rotation;
  const half = Math.floor(config.headSize / 2);
  const sizes = config.headSize % 2 === 0 ? [half, half] : [half, half, 1];
  const [a, b, ...rest] = g.ops('Split', [x, ints(...sizes)], { axis: -1 }, sizes.length);
  const first = op('Sub', [op('Mul', [a, cos]), op('Mul', [b, sin])]);
  const second = op('Add', [op('Mul', [a, sin]), op('Mul', [b, cos])]);
  return op('Concat', [first, second, ...rest], { axis: -1 });
}

/**
 * Cosines and sines of the new positions [B, T]: within the context from a table, which is exact; beyond it
 * computed.
 */
function rotationOf(g: OnnxGraph, config: GPTConfig, places: string): Pass['rotation'] {
  const { blockSize, headSize, ropeBase } = config;
  const { op, ints } = g;
  const half = Math.floor(headSize / 2);
  const speeds = Array.from({ length: half }, (_, i) => ropeBase ** (-i / half));
  const place = op('Unsqueeze', [op('Cast', [places], { to: TYPES.float32 }), ints(-1)]); // [B, T, 1]
  const angle = op('Mul', [place, g.constant('rope.speeds', 'float32', [half], Float32Array.from(speeds))]);
  const within = op('Less', [place, g.scalar(blockSize)]);
  const row = op('Min', [places, ints(blockSize - 1)]);
  const chosen = (name: 'Cos' | 'Sin', f: (angle: number) => number): string => {
    const table = new Float32Array(blockSize * half);
    for (let t = 0; t < blockSize; t++) for (let i = 0; i < half; i++) table[t * half + i] = f(t * speeds[i]);
    g.constant(`rope.${name}`, 'float32', [blockSize, half], table);
    const known = op('Gather', [`rope.${name}`, row], { axis: 0 });
    return op('Unsqueeze', [op('Where', [within, known, op(name, [angle])]), ints(1)]);
  };
  return { cos: chosen('Cos', Math.cos), sin: chosen('Sin', Math.sin) };
}

/** A number that is still finite when a score is added to it. */
const FORBIDDEN = -1e30;

/** The numbers of new tokens and of all tokens, as scalars. */
interface Lengths {
  T: string;
  S: string;
  zero: string;
  one: string;
}

function lengthsOf(g: OnnxGraph, ids: string, seen: string): Lengths {
  const [zero, one] = [0n, 1n].map((n) => g.constant(`int${n}`, 'int64', [], BigInt64Array.of(n)));
  const length = (value: string): string => g.op('Gather', [g.op('Shape', [value]), one]);
  return { T: length(ids), S: length(seen), zero, one };
}

function recentOf({ op, ints }: OnnxGraph, { T, one }: Lengths, seen: string): Recent {
  const negative = (count: string): string => op('Unsqueeze', [op('Neg', [count]), ints(0)]);
  const own = op('Slice', [seen, negative(T), ints(END), ints(1)]); // [B, T]
  const real = op('Unsqueeze', [op('Cast', [own], { to: TYPES.float32 }), ints(-1)]);
  return { from: negative(op('Add', [T, one])), real };
}

/**
 * A token looks at itself and at the blockSize - 1 before it, except where `seen` is 0. So a text that is
 * longer than the context goes on with its last tokens.
 */
function maskOf(g: OnnxGraph, { blockSize }: GPTConfig, { T, S, zero, one }: Lengths, seen: string): string {
  const { op, ints, scalar } = g;
  const keys = op('Range', [zero, S, one]); // [S]
  const queries = op('Unsqueeze', [op('Range', [op('Sub', [S, T]), S, one]), ints(1)]); // [T, 1]
  const age = op('Sub', [queries, keys]); // [T, S]
  const near = op('And', [op('GreaterOrEqual', [age, zero]), op('Less', [age, ints(blockSize)])]);
  const real = op('Unsqueeze', [op('Cast', [seen], { to: TYPES.bool }), ints(1, 2)]); // [B, 1, 1, S]
  return op('Where', [op('And', [near, real]), scalar(0), scalar(FORBIDDEN)]); // [B, 1, T, S]
}

/** cap * tanh(x / cap) */
function capped({ op, scalar }: OnnxGraph, x: string, cap: number): string {
  return op('Mul', [op('Tanh', [op('Div', [x, scalar(cap)])]), scalar(cap)]);
}

/** The names of the layers of a block. */
function placesIn(n: number): (layer: BlockLayer) => string {
  return (layer) => nameAt(layer, n);
}
