// The parameters of a GPT without a model: names and shapes follow from its config. So sizes can be counted
// before anything is allocated, or compared with a file or with the memory. Read next: initialise.ts.
import { type GPTConfig, hiddenSize } from './config.ts';
import { type BlockLayer, type Field, type OutsideLayer, parameterName } from './names.ts';

type Shaped<L> = [layer: L, field: Field, shape: readonly number[]];

/**
 * Name and shape of every parameter, in the order of `slots(new GPT(config))`. Tied weights appear once.
 */
export function* shapesOf(config: GPTConfig): Generator<[name: string, shape: readonly number[]], void> {
  for (const [layer, field, shape] of shapesBefore(config)) yield [parameterName(layer, field), shape];
  for (let block = 0; block < config.nLayer; block++) {
    for (const [layer, field, shape] of blockShapes(config, block))
      yield [parameterName(layer, field, block), shape];
  }
  for (const [layer, field, shape] of shapesAfter(config)) yield [parameterName(layer, field), shape];
}

/** Number of weights. 3.5 million take 14 MB as float32. */
export function countShapes(config: GPTConfig): number {
  let count = 0;
  for (const [, shape] of shapesOf(config)) count += shape.reduce((n, side) => n * side, 1);
  return count;
}

function* shapesBefore({
  vocabSize: V,
  blockSize,
  nEmbd: C,
  position,
}: GPTConfig): Generator<Shaped<OutsideLayer>> {
  yield ['tokens', 'weight', [V, C]];
  if (position === 'learned') yield ['positions', 'weight', [blockSize, C]];
}

function* blockShapes(config: GPTConfig, block: number): Generator<Shaped<BlockLayer>> {
  const { nEmbd: C, nHead, headSize, bias, qkvBias, qkNorm, valueResidual } = config;
  const [inner, hidden] = [nHead * headSize, hiddenSize(config)];
  if (skipFrom(config, block) !== null) yield ['skip', 'weight', [1]];
  yield* normShapes('norm1', config);
  // The rows of all queries, then all keys, then all values, head by head.
  yield ['attn.qkv', 'weight', [3 * inner, C]];
  if (qkvBias) yield ['attn.qkv', 'bias', [3 * inner]];
  if (valueResidual && block > 0) yield ['attn.valueMix', 'weight', [1]];
  if (qkNorm) yield ['attn.qkNorm', 'weight', [2 * headSize]];
  yield ['attn.proj', 'weight', [C, inner]];
  if (bias) yield ['attn.proj', 'bias', [C]];
  yield* normShapes('norm2', config);
  yield ['mlp.fc', 'weight', [hidden, C]];
  if (bias) yield ['mlp.fc', 'bias', [hidden]];
  yield ['mlp.proj', 'weight', [C, hidden]];
  if (bias) yield ['mlp.proj', 'bias', [C]];
}

function* shapesAfter(config: GPTConfig): Generator<Shaped<OutsideLayer>> {
  const { vocabSize: V, nEmbd: C, tieWeights, headBias } = config;
  yield* normShapes('norm', config);
  if (!tieWeights) yield ['head', 'weight', [V, C]];
  if (headBias) yield ['head', 'bias', [V]];
}

function* normShapes<L>(layer: L, { nEmbd: C, norm, bias }: GPTConfig): Generator<Shaped<L>> {
  yield [layer, 'weight', [C]];
  if (norm === 'layernorm' && bias) yield [layer, 'bias', [C]];
}

/**
 * The value that block `layer` mixes into its input: 0 is the embedding, n the output of block n - 1; null:
 * none. `unet`: the last block takes the output of the first, the last but one that of the second, and so on.
 */
export function skipFrom({ skip, nLayer }: GPTConfig, layer: number): number | null {
  if (skip === 'embed' && layer > 0) return 0;
  const opposite = nLayer - 1 - layer;
  return skip === 'unet' && opposite < layer - 1 ? opposite + 1 : null;
}
