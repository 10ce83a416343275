// The meaning of names inside a GPT. Every name denotes a place: outside of the blocks (`tokens.weight`,
// `logits`) or in one (`blocks.3.attn.qkv.weight`, `blocks.3.mlp.act`). Names are built and parsed only in
// this file. Read next: shapes.ts, taps.ts.

/** A place: the number of the block (null outside of the blocks), and the rest of the name. */
export interface Place {
  block: number | null;
  /** `attn.qkv.weight` of `blocks.3.attn.qkv.weight`; the whole name outside of the blocks. */
  path: string;
}

export function placeOf(name: string): Place {
  const { number, path } = splitBlock(name);
  const block = Number(number ?? Number.NaN);
  return Number.isNaN(block) ? { block: null, path: name } : { block, path };
}

/**
 * The block as written in a name or pattern (`3`, `N`, `*`, `{0,2}`), null outside of the blocks, and the
 * rest.
 */
export function splitBlock(name: string): { number: string | null; path: string } {
  const [, number, path = ''] = /^blocks\.(\d+|N|\*|\{[^}]*\})(?:\.(.*))?$/.exec(name) ?? [];
  return number === undefined ? { number: null, path: name } : { number, path };
}

/** The name of a place. */
export function nameAt(path: string, block: number | string | null): string {
  return block === null ? path : `blocks.${block}.${path}`;
}

/** The same name for any block: `blocks.3.mlp.act` -> `blocks.N.mlp.act`. */
export function generalName(name: string, any: 'N' | '*' = 'N'): string {
  const { number, path } = splitBlock(name);
  return nameAt(path, number === null ? null : any);
}

/** For people: `block 3`. A name outside of the blocks stays as it is. */
export function blockLabel(name: string): string {
  const { block } = placeOf(name);
  return block === null ? name : `block ${block}`;
}

/**
 * The role of a parameter. `embedding`: the table of tokens; `positions`: the table of positions; `matrix`:
 * multiplies values inside a block; `head`: makes logits; `norm`: the weight of a norm; `mix`: the share of
 * an earlier value; `bias`: is added.
 */
export type Role = 'embedding' | 'positions' | 'matrix' | 'head' | 'norm' | 'mix' | 'bias';

/** The facts about a layer that follow from its name. */
interface Layer {
  /** The role of its weight. */
  role: Exclude<Role, 'bias'>;
  /** The group over which norms of weights and gradients are taken. */
  group: string;
  /** Number of matrices stacked in the rows of its weight. */
  stacked?: number;
  /** The tap whose value its weight is multiplied by. */
  input?: string;
  /** Whether its output is added to the residual stream. */
  residual?: true;
}

export type OutsideLayer = 'tokens' | 'positions' | 'norm' | 'head';
export type BlockLayer =
  | 'skip'
  | 'norm1'
  | 'attn.qkv'
  | 'attn.valueMix'
  | 'attn.qkNorm'
  | 'attn.proj'
  | 'norm2'
  | 'mlp.fc'
  | 'mlp.proj';
export type LayerName = OutsideLayer | BlockLayer;

/**
 * The layers outside of the blocks. A tied head uses the weight of `tokens`, which is then multiplied by the
 * head's input.
 */
const OUTSIDE: Readonly<Record<OutsideLayer, Layer>> = {
  tokens: { role: 'embedding', group: 'embedding', input: 'head.in' },
  positions: { role: 'positions', group: 'embedding' },
  norm: { role: 'norm', group: 'norm' },
  head: { role: 'head', group: 'head', input: 'head.in' },
};

/** The layers of a block. */
const INSIDE: Readonly<Record<BlockLayer, Layer>> = {
  skip: { role: 'mix', group: 'skip' },
  norm1: { role: 'norm', group: 'norms' },
  'attn.qkv': { role: 'matrix', group: 'attn', stacked: 3, input: 'attn.in' },
  'attn.valueMix': { role: 'mix', group: 'attn' },
  'attn.qkNorm': { role: 'norm', group: 'attn' },
  'attn.proj': { role: 'matrix', group: 'attn', input: 'attn.heads', residual: true },
  norm2: { role: 'norm', group: 'norms' },
  'mlp.fc': { role: 'matrix', group: 'mlp', input: 'mlp.in' },
  'mlp.proj': { role: 'matrix', group: 'mlp', input: 'mlp.act', residual: true },
};

/** `weight` or `bias` of a layer. */
export type Field = 'weight' | 'bias';

/** The name of a parameter: `tokens.weight`, `blocks.3.attn.qkv.bias`. */
export function parameterName(layer: OutsideLayer, field: Field): string;
export function parameterName(layer: BlockLayer, field: Field, block: number): string;
export function parameterName(layer: LayerName, field: Field, block: number | null = null): string {
  return nameAt(`${layer}.${field}`, block);
}

/** A parsed parameter name. */
export interface Parameter {
  block: number | null;
  layer: LayerName;
  field: Field;
  role: Role;
  /** `embedding`, `blocks.0.attn`, `blocks.0.norms`, ..., `norm`, `head`. */
  group: string;
  /** Number of matrices stacked in its rows: 3 for queries, keys and values. */
  stacked: number;
  /** The tap whose value it is multiplied by; null for parameters that are not multiplied. */
  input: string | null;
  /** Whether it is a weight whose product is added to the residual stream. */
  residual: boolean;
}

/** The two thin matrices that are trained instead of a matrix (train/lora.ts). */
export type AdapterPart = 'loraA' | 'loraB';

/** The name of an adapter's matrix: `blocks.0.mlp.fc.weight.loraA`. */
export function adapterName(parameter: string, part: AdapterPart): string {
  return `${parameter}.${part}`;
}

/** The parameter and the part of a name that `adapterName` made; null for any other name. */
export function parseAdapterName(name: string): { parameter: string; part: AdapterPart } | null {
  const [, parameter, part] = /^(.+)\.(lora[AB])$/.exec(name) ?? [];
  return parameter === undefined ? null : { parameter, part: part as AdapterPart };
}

/**
 * Throws for a name that is not a parameter of a GPT. A part of an adapter is parsed as the matrix that it
 * changes.
 */
export function parseParameter(parameter: string): Parameter {
  const name = parseAdapterName(parameter)?.parameter ?? parameter;
  const { block, path } = placeOf(name);
  const { owner, field } = splitField(path);
  const layers: Readonly<Record<string, Layer>> = block === null ? OUTSIDE : INSIDE;
  if (!Object.hasOwn(layers, owner) || (field !== 'weight' && field !== 'bias'))
    throw new Error(`${name} is the name of no parameter of a GPT`);
  const { role, group, stacked = 1, input, residual = false } = layers[owner];
  const isWeight = field === 'weight';
  return {
    block,
    layer: owner as LayerName,
    field,
    role: isWeight ? role : 'bias',
    group: nameAt(group, block),
    stacked: isWeight ? stacked : 1,
    input: isWeight && input !== undefined ? nameAt(input, block) : null,
    residual: isWeight && residual,
  };
}

/** The layer that a parameter belongs to: `blocks.0.attn.qkv` of `blocks.0.attn.qkv.weight`. */
export function ownerOf(parameter: string): string {
  return splitField(parameter).owner;
}

function splitField(name: string): { owner: string; field: string } {
  const dot = name.lastIndexOf('.');
  return { owner: name.slice(0, Math.max(0, dot)), field: name.slice(dot + 1) };
}

/**
 * Whether quantising turns it into integers. Positions are only added, not multiplied, and are few: they stay
 * float.
 */
export function isQuantizable(parameter: string): boolean {
  const { role } = parseParameter(parameter);
  return role === 'embedding' || role === 'matrix' || role === 'head';
}

/** Whether the logits are proportional to this parameter and the others of which this is true. */
export function isLogitScale(parameter: string): boolean {
  const { layer, field } = parseParameter(parameter);
  return layer === 'norm' || (layer === 'head' && field === 'bias');
}

/**
 * Whether a group consists of matrices. Other groups have few weights, some of which begin at 0, so their
 * ratios say little.
 */
export function isMatrixGroup(group: string): boolean {
  const { block, path } = placeOf(group);
  const layers: readonly Layer[] = Object.values(block === null ? OUTSIDE : INSIDE);
  return layers.some((layer) => layer.group === path && layer.role !== 'norm' && layer.role !== 'mix');
}

/**
 * Whether `pattern` is `name` or a prefix of it, part by part: `head`, `blocks.0`, `blocks.*.mlp`, where `*`
 * stands for one part. `embeddings` means the table of tokens.
 */
export function beginsWith(name: string, pattern: string): boolean {
  const wanted = (pattern === 'embeddings' ? 'tokens' : pattern).split('.');
  const parts = name.split('.');
  return wanted.every((part, i) => part === parts[i] || (part === '*' && i < parts.length));
}
