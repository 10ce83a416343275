// The named values of a GPT: their list, glob patterns that choose among them, and taps, which see or change
// them while they are computed. Read next: inspect/capture.ts.
import { formatNumbered } from '../base/format.ts';
import { globToRegExp } from '../base/glob.ts';
import { nearest } from '../base/nearest.ts';
import { onGradient } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { type GPTConfig, hiddenSize } from './config.ts';
import { generalName, nameAt, parseParameter, placeOf, splitBlock } from './names.ts';

/** A named value of a block: `attn.qkv` of `blocks.3.attn.qkv`. */
export type BlockTap =
  | `attn.${'in' | 'qkv' | 'probs' | 'heads' | 'out'}`
  | 'mid'
  | `mlp.${'in' | 'pre' | 'act' | 'out'}`
  | 'out';

/** The columns of a value: the last dimensions of its shape. */
export type Columns = 'C' | '3 * H * hs' | 'H * hs' | '4C' | 'V';

/** A named value, with N in place of the block's number. */
export interface TapSpec {
  name: 'embed' | `blocks.N.${BlockTap}` | 'head.in' | 'logits';
  shape: `[B, T, ${Columns}]` | '[B, H, T, T]';
  about: string;
  /** Whether its columns are units that are active (> 0) or not; active units are counted one by one. */
  units?: boolean;
}

/** All names, in the order of computation. */
export const TAPS: readonly TapSpec[] = [
  { name: 'embed', shape: '[B, T, C]', about: 'token plus position embedding' },
  { name: 'blocks.N.attn.in', shape: '[B, T, C]', about: 'what attention reads, normalised' },
  {
    name: 'blocks.N.attn.qkv',
    shape: '[B, T, 3 * H * hs]',
    about: 'queries, keys, values (rotated by rope)',
  },
  { name: 'blocks.N.attn.probs', shape: '[B, H, T, T]', about: 'attention probabilities (read-only)' },
  { name: 'blocks.N.attn.heads', shape: '[B, T, H * hs]', about: 'what the heads found, side by side' },
  { name: 'blocks.N.attn.out', shape: '[B, T, C]', about: 'what attention adds to the stream' },
  { name: 'blocks.N.mid', shape: '[B, T, C]', about: 'the stream between attention and MLP' },
  { name: 'blocks.N.mlp.in', shape: '[B, T, C]', about: 'what the MLP reads, normalised' },
  { name: 'blocks.N.mlp.pre', shape: '[B, T, 4C]', about: 'input of the activation', units: true },
  { name: 'blocks.N.mlp.act', shape: '[B, T, 4C]', about: 'output of the activation', units: true },
  { name: 'blocks.N.mlp.out', shape: '[B, T, C]', about: 'what the MLP adds to the stream' },
  { name: 'blocks.N.out', shape: '[B, T, C]', about: 'the residual stream after the block' },
  { name: 'head.in', shape: '[B, T, C]', about: 'what the head reads, normalised' },
  { name: 'logits', shape: '[B, T, V]', about: 'scores of the next token' },
];

/** The name of a value in a block: `tapIn(3, 'mlp.act')` is `blocks.3.mlp.act`. */
export function tapIn(block: number, path: BlockTap): string {
  return nameAt(path, block);
}

/** Whether a name is that value of any block. */
export function isTap(name: string, path: BlockTap): boolean {
  const place = placeOf(name);
  return place.block !== null && place.path === path;
}

const COLUMNS: Readonly<Record<Columns, (config: GPTConfig) => number>> = {
  C: ({ nEmbd }) => nEmbd,
  '3 * H * hs': ({ nHead, headSize }) => 3 * nHead * headSize,
  'H * hs': ({ nHead, headSize }) => nHead * headSize,
  '4C': hiddenSize,
  V: ({ vocabSize }) => vocabSize,
};

/** Columns of a named value. Throws for attention probabilities, which have none. */
export function tapColumns(name: string, config: GPTConfig): number {
  const { shape } = tapSpec(name);
  const columns = Object.entries(COLUMNS).find(([ending]) => shape === `[B, T, ${ending}]`)?.[1];
  if (!columns) throw new Error(`${name} ${shape} has no columns`);
  return columns(config);
}

/**
 * Sees, and may change, the values named in `TAPS` while they are computed. Sees their gradients once
 * complete.
 */
export interface Tap {
  /** `blocks.3.mlp.act` and so on. */
  wants(name: string): boolean;
  /**
   * Returns the value to use instead of `value`: itself, or another tensor of the same shape. Only without a
   * tape.
   */
  edit?(name: string, value: Tensor): Tensor;
  /** Gets the final value. The value is freed later; a tap that needs it longer must copy or keep it. */
  value?(name: string, value: Tensor): void;
  gradient?(name: string, gradient: Tensor): void;
}

/**
 * Passes `x` to `tap`, and returns the value to use instead. Throws when an edit is made while a tape runs
 * (its gradient would be that of another function) or changes the shape.
 */
export function watch(tap: Tap | undefined, name: string, x: Tensor): Tensor {
  if (!tap?.wants(name)) return x;
  const y = tap.edit?.(name, x) ?? x;
  if (y !== x && x.requiresGrad)
    throw new Error(`${name}: an edited pass has no gradients; run it without a tape`);
  if (String(y) !== String(x)) throw new Error(`${name}: an edit made ${y} of ${x}: keep the shape`);
  tap.value?.(name, y);
  if (tap.gradient) onGradient(y, (gradient) => tap.gradient?.(name, gradient));
  return y;
}

/**
 * The tap for a pass that is made again for its gradients (`recomputed`): it has seen the values already.
 */
export function tapAgain(tap: Tap | undefined): Tap | undefined {
  if (!tap) return undefined;
  return {
    wants: (name) => tap.wants(name),
    edit: tap.edit && ((name, value) => tap.edit?.(name, value) ?? value),
    gradient: tap.gradient && ((name, gradient) => tap.gradient?.(name, gradient)),
  };
}

/** Computes the attention probabilities, which the fused kernels never store, for a tap that wants them. */
export function watchProbabilities(
  tap: Tap | undefined,
  name: string,
  qkv: Tensor,
  shape: { B: number; T: number; H: number; hs: number; scale: number; start: number },
): void {
  if (!tap?.value || !tap.wants(name)) return;
  if (shape.start > 0) {
    throw new Error(
      `${name}: a pass from position ${shape.start} of a cache does not see the tokens before: run all of them without a cache`,
    );
  }
  const { B, T, H } = shape;
  const probabilities = empty([B, H, T, T], 'f32', qkv.backend);
  qkv.backend.kernels.attentionProbabilities(probabilities.buffer, qkv.buffer, shape);
  tap.value?.(name, probabilities);
  probabilities.dispose();
}

/** All names of a model, in the order of computation. */
export function tapNames({ nLayer }: Pick<GPTConfig, 'nLayer'>): string[] {
  const places = TAPS.map(({ name }) => splitBlock(name));
  const ofBlocks = places.filter(({ number }) => number !== null);
  const blocks = Array.from({ length: nLayer }, (_, n) => ofBlocks.map(({ path }) => nameAt(path, n)));
  return places.flatMap((place) => {
    if (place.number === null) return place.path;
    return place === ofBlocks[0] ? blocks.flat() : [];
  });
}

/**
 * The tap of the inputs of the layer with this weight: `blocks.0.attn.in` for `blocks.0.attn.qkv.weight`.
 */
export function inputTap(weight: string): string {
  const { input } = parseParameter(weight);
  if (input === null) throw new Error(`${weight} is the weight of no linear layer`);
  return input;
}

/** The row of `TAPS` for a model's name. */
export function tapSpec(name: string): TapSpec {
  const general = generalName(name);
  return TAPS.find((spec) => spec.name === general) ?? unknownTap(name, { nLayer: 0 });
}

/**
 * The names of a model that match one of `patterns`: `*` matches anything but a dot, `**` anything, `{a,b}`
 * one or the other. Throws for a pattern that matches nothing, with the nearest names.
 *
 * @example matchTaps(['blocks.{0,2}.mlp.*'], model.config) // blocks.0.mlp.in, blocks.0.mlp.pre, ...
 */
export function matchTaps(patterns: readonly string[], config: Pick<GPTConfig, 'nLayer'>): string[] {
  const names = tapNames(config);
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    const fits = globToRegExp(pattern);
    const found = names.filter((name) => fits.test(name));
    if (found.length === 0) unknownTap(pattern, config);
    for (const name of found) chosen.add(name);
  }
  return names.filter((name) => chosen.has(name));
}

/** The most names that an error suggests. */
const NEAREST = 3;

function unknownTap(pattern: string, { nLayer }: Pick<GPTConfig, 'nLayer'>): never {
  const general = generalName(pattern);
  const known = globToRegExp(general);
  if (nLayer > 0 && TAPS.some(({ name }) => known.test(name))) {
    throw new Error(`no tap fits '${pattern}': the model has ${formatNumbered(nLayer, 'block')}`);
  }
  const { number } = splitBlock(pattern);
  const close = nearest(
    general,
    TAPS.map(({ name }) => name),
    NEAREST,
  ).map((name) => {
    const { number: inBlock, path } = splitBlock(name);
    return nameAt(path, inBlock && (number ?? inBlock));
  });
  throw new Error(`no tap fits '${pattern}': the nearest are ${close.join(', ')}`);
}
