// The parameters of each kernel of the contract, one row each. Everything about passing calls on is derived
// from these rows. Read next: call.ts, which checks and packs calls.
//
// Buffers are written as words, `>out(x)[rows,cols]`, in the contract's order:
//   >            the kernel changes it
//   name         its name in errors
//   ?            may be null
//   (x,y)        may be the same buffer as x or y, but not as another changed one
//   :i32         its dtype; `f32` if none is named
//   [rows,cols]  it has at least rows * cols elements; `a/b` is rounded up
//   [=n]         it has exactly n elements
//   [:n,cols]    n follows from its length: the number of rows of cols elements
import {
  ACTIVATION_KINDS,
  type Activation,
  type DeviceBuffer,
  type DType,
  type InputPrecision,
  type Kernels,
} from './contract.ts';

/** The numbers of one call by name. `$` and a buffer's name is the length of the buffer (null: 0). */
export type Sizes = Readonly<Record<string, number>>;

/** The length of one axis of a buffer. */
export type Dim = (sizes: Sizes) => number;

/** A buffer. */
export interface BufferArg<Nullable extends boolean = boolean> {
  readonly kind: 'buffer';
  readonly name: string;
  readonly dtype: DType | 'any';
  readonly written: boolean;
  readonly nullable: Nullable;
  readonly mayBe: readonly string[];
  /** The size that follows from the buffer's length: the number of rows of `shape`. */
  readonly makes: string | null;
  readonly shape: readonly Dim[];
  readonly exact: boolean;
}

/** A number. `least`: a whole number not below it; `position`: one that a replay changes, up to `limit`. */
export interface NumberArg<Optional extends boolean = boolean> {
  readonly kind: 'number' | 'size' | 'position';
  readonly name?: string;
  readonly least: number;
  readonly limit?: Dim;
  /** The value of an absent argument; null: it is required. */
  readonly otherwise: Optional extends true ? Dim : null;
}

/** A boolean; false if absent, where the contract allows that. */
export interface FlagArg {
  readonly kind: 'flag';
  readonly name?: string;
}

/** One of a few words, passed as its place among them, from 1 on. */
export interface ChoiceArg<Word extends string = string> {
  readonly kind: 'choice';
  readonly name?: string;
  readonly words: readonly Word[];
}

/** A record that may be absent or null: then its numbers are 0 and its buffers null. */
export interface OptionalArg<Fields = FieldArgs> {
  readonly kind: 'optional';
  readonly fields: Fields;
}

/** An argument that is passed as a number. */
export type NumericArg = NumberArg | FlagArg | ChoiceArg;
export type Arg = BufferArg | NumericArg | OptionalArg | FieldArgs;
/** A record of arguments. */
export interface FieldArgs {
  readonly [name: string]: Arg;
}

/** Whether `arg` describes one argument rather than a record. */
export function isArg(arg: Arg): arg is Exclude<Arg, FieldArgs> {
  return typeof arg.kind === 'string';
}

/** Returns why a call is refused, or null. */
export type Rule = (sizes: Sizes, buffers: Readonly<Record<string, DeviceBuffer | null>>) => string | null;

/** The row of a kernel: its arguments, and rules beyond their sizes. */
export interface Signature<Args = readonly Arg[]> {
  readonly args: Args;
  readonly rules: readonly Rule[];
}

// ---- rows, typed by the contract -------------------------------------------------------------------------

type MayBeLeftOut<P> = undefined extends P ? true : null extends P ? true : false;
type FieldsOf<T> = { readonly [K in keyof T]-?: ArgOf<T[K]> };

/** The description of an argument of type `P`. */
type ArgOf<P> = [NonNullable<P>] extends [DeviceBuffer]
  ? BufferArg<MayBeLeftOut<P>>
  : [NonNullable<P>] extends [number]
    ? NumberArg<MayBeLeftOut<P>>
    : [NonNullable<P>] extends [boolean]
      ? FlagArg
      : [NonNullable<P>] extends [string]
        ? ChoiceArg<NonNullable<P> & string>
        : MayBeLeftOut<P> extends true
          ? OptionalArg<FieldsOf<NonNullable<P>>>
          : FieldsOf<P>;
type ArgsOf<P extends readonly unknown[]> = { readonly [I in keyof P]-?: ArgOf<P[I]> };

/** The buffers described by words. */
type Words<S extends string> = S extends `${infer Word} ${infer Rest}` ? [Word, ...Words<Rest>] : [S];
type BufferOf<Word> = BufferArg<Word extends `${string}?${string}` ? true : false>;
type Buffers<W> = { [I in keyof W]: BufferOf<W[I]> };
type Parts<P extends readonly unknown[]> = P extends readonly [infer First, ...infer Rest]
  ? [...(First extends string ? Buffers<Words<First>> : [First]), ...Parts<Rest>]
  : [];

/** A row: words for buffers, with the other arguments between them. */
function kernel<const P extends readonly (string | Arg)[]>(...parts: P): Signature<Parts<P>> {
  const args = parts.flatMap((part) => (typeof part === 'string' ? part.split(' ').map(buffer) : [part]));
  return { args: args as Parts<P>, rules: [] };
}

/** A row with rules. */
function ruled<A>(row: Signature<A>, ...rules: Rule[]): Signature<A> {
  return { ...row, rules };
}

const WORD = /^(>?)(\w+)(\??)(?:\(([\w,]+)\))?(?::(\w+))?\[(:\w+)?,?(=?)([^\]]*)\]$/;

function buffer<const W extends string>(word: W): BufferOf<W> {
  const [, changes, name, nullable, mayBe = '', dtype = 'f32', makes, exact, shape] = WORD.exec(word) ?? [];
  if (name === undefined) throw new Error(`${word} is no word for a buffer`);
  return {
    kind: 'buffer',
    name,
    dtype: dtype as DType | 'any',
    written: changes === '>',
    nullable: (nullable === '?') as BufferOf<W>['nullable'],
    mayBe: mayBe.split(','),
    makes: makes?.slice(1) ?? null,
    shape: shape === '' ? [] : shape.split(',').map(dim),
    exact: exact === '=',
  };
}

/** A length: `3`, `rows`, `start+T`, `cols/2`. */
function dim(text: string): Dim {
  const [left, operator, right] = text.split(/([+/])/);
  const value = (term: string): Dim => (/^\d+$/.test(term) ? () => Number(term) : (sizes) => sizes[term]);
  const [a, b] = [value(left), value(right ?? '0')];
  if (operator === '+') return (sizes) => a(sizes) + b(sizes);
  return operator === '/' ? (sizes) => Math.ceil(a(sizes) / b(sizes)) : a;
}

// ---- parts of rows ---------------------------------------------------------------------------------------

const number: NumberArg<false> = { kind: 'number', least: 0, otherwise: null };
const size: NumberArg<false> = { kind: 'size', least: 0, otherwise: null };
const extent: NumberArg<false> = { kind: 'size', least: 1, otherwise: null };
const position = (limit: Dim): NumberArg<false> => ({ ...size, kind: 'position', limit });
const or = (otherwise: Dim, arg: NumberArg<false>): NumberArg<true> => ({ ...arg, otherwise });
const flag: FlagArg = { kind: 'flag' };
const kind: ChoiceArg<Activation> = { kind: 'choice', name: 'kind', words: ACTIVATION_KINDS };
const activations: ChoiceArg<InputPrecision> = { kind: 'choice', words: ['f32', 'int8'] };
const optional = <F>(fields: F): OptionalArg<F> => ({ kind: 'optional', fields });
const named = <A extends NumericArg>(name: string, arg: A): A => ({ ...arg, name });

const rows = { rows: size, cols: extent };
const columns = { ...rows, from: size, to: extent };
const rowsCols = [named('rows', size), named('cols', extent)] as const;
const shifted = { B: size, T: size, C: extent, cols: extent };
const tokens = { B: size, T: size, C: extent };
const heads = { B: size, T: size, H: extent, hs: extent, scale: number };
const dropout = { p: number, seed: size, step: size, site: size, offset: size };
const anywhere = position(() => Number.POSITIVE_INFINITY);
const inCache = position(({ capacity, T }) => capacity - T);
const inTable = position(({ $positions, T, C }) =>
  $positions > 0 ? Math.floor($positions / C) - T : Number.POSITIVE_INFINITY,
);

const unless = (holds: boolean | number, reason: string): string | null => (holds ? null : reason);
const share: Rule = ({ smoothing: e }) => unless(e >= 0 && e <= 1, `smoothing ${e} is not from 0 to 1`);
const probability: Rule = ({ p }) => unless(p >= 0 && p < 1, `dropout p ${p} is not in [0, 1)`);
const among: Rule = ({ from, to, cols }) =>
  unless(from < to && to <= cols, `columns ${from} to ${to} are not among ${cols}`);
const within: Rule = ({ cols, C }) => unless(cols <= C, `${cols} columns are not among ${C}`);
const groups: Rule = ({ groupSize: g }) =>
  unless(g > 0 && g % 32 === 0, `groupSize ${g} is not a multiple of 32`);
const inertia: Rule = ({ momentum }, { velocity }) =>
  unless(
    velocity !== null || momentum === 0,
    `momentum ${momentum} needs a velocity buffer: pass one, or momentum 0`,
  );
/** 127 * 127 * k must fit in an int32. */
const LONGEST_INT32_SUM = Math.floor((2 ** 31 - 1) / (127 * 127));
const noOverflow: Rule = ({ activations: word, k }) =>
  unless(
    word === 1 || k <= LONGEST_INT32_SUM,
    `k ${k} is above ${LONGEST_INT32_SUM}, where int32 sums may overflow: use activations f32`,
  );
const oneEnd: Rule = ({ activation, slope, accumulate, symmetric }) =>
  unless(
    activation + slope === 0 || activation + slope + accumulate + symmetric === 1,
    'activation and slope go neither together nor with accumulate or symmetric',
  );
const mirrored: Rule = ({ symmetric, m, n }, { bias }) =>
  unless(!symmetric || (m === n && !bias), 'symmetric takes m = n and no bias');
const fits: Rule = ({ value }, { out }) => {
  const limit = out?.dtype === 'i32' ? 2 ** 31 : 128;
  const whole = Number.isInteger(value) && value >= -limit && value < limit;
  return unless(out?.dtype === 'f32' || whole, `value ${value} does not fit ${out?.dtype}`);
};
const alike: Rule = (_, { out, x }) =>
  unless(out?.dtype === x?.dtype, `out is ${out?.dtype}, x is ${x?.dtype}`);
const inside =
  (name: string, offset: string): Rule =>
  ({ length, [offset]: from, [`$${name}`]: there }) =>
    unless(from + length <= there, `${name} has ${there} elements, ${length} from ${from} on do not fit`);

// ---- the rows --------------------------------------------------------------------------------------------

/** One row per kernel. A missing row, or one that does not fit the contract, does not compile. */
export const signatures: {
  readonly [K in keyof Kernels]: Signature<ArgsOf<Parameters<Kernels[K]>>>;
} = {
  fill: ruled(kernel('>out:any[]', named('value', number)), fits),
  copy: ruled(
    kernel(
      '>out(x):any[] x:any[]',
      named(
        'outOffset',
        or(() => 0, size),
      ),
      named(
        'xOffset',
        or(() => 0, size),
      ),
      named(
        'length',
        or(({ $x, xOffset }) => Math.max(0, $x - xOffset), size),
      ),
    ),
    alike,
    inside('out', 'outOffset'),
    inside('x', 'xOffset'),
  ),
  add: kernel('>out(a,b)[:n] a[=n] b[=n]'),
  axpy: kernel('>out(x)[:n] x[=n]', named('factor', number)),
  scale: kernel('>out(x)[:n] x[=n]', named('factor', number)),
  sumSquares: kernel('>out[1] x[:n]', named('accumulate', flag)),
  normalize: kernel('>out(x)[:n] x[=n] squares[1]', named('eps', number)),
  sumRows: kernel('>out[cols] x[rows,cols]', named('rows', size), named('cols', size)),
  mix: ruled(kernel('>out(a)[rows,cols] a[rows,cols] b[rows,cols] weight[1]', columns), among),
  mixBackward: ruled(
    kernel(
      '>da(dOut)[rows,cols] >db[rows,cols] >dWeight[1] dOut[rows,cols] a[rows,cols] b[rows,cols] weight[1]',
      { ...columns, accumulate: flag },
    ),
    among,
  ),
  shift: ruled(kernel('>out[B,T,C] x[B,T,C]', shifted), within),
  shiftBackward: ruled(kernel('>dx[B,T,C] dOut[B,T,C]', { ...shifted, accumulate: flag }), within),
  shiftCached: ruled(
    kernel(
      '>out[B,T,C] >history[B,capacity,cols] x[B,T,C]',
      { ...shifted, start: inCache, capacity: extent },
      'starts?:i32[B]',
    ),
    within,
  ),
  matmul: ruled(
    kernel('>out[m,n] a[m,k] b[k,n]', {
      m: size,
      n: size,
      k: size,
      transA: flag,
      transB: flag,
      accumulate: flag,
      bias: buffer('bias?[n]'),
      symmetric: flag,
      activation: optional({ kind, pre: buffer('>pre?[m,n]') }),
      slope: optional({ kind, x: buffer('x[m,n]') }),
    }),
    oneEnd,
    mirrored,
  ),
  embedding: kernel('>out[B,T,C] ids:i32[B,T] tokens[:vocab,C] positions?[start+T,C]', {
    ...tokens,
    start: inTable,
  }),
  embeddingBackward: kernel('>dTokens[:vocab,C] >dPositions?[T,C] dOut[B,T,C] ids:i32[B,T]', tokens),
  layernorm: kernel('>out[rows,cols] >mean[rows] >rstd[rows] x[rows,cols] weight[cols] bias?[cols]', {
    ...rows,
    eps: number,
  }),
  layernormBackward: kernel(
    '>dx[rows,cols] >dWeight[cols] >dBias?[cols] dOut[rows,cols] x[rows,cols] weight[cols] mean[rows] rstd[rows]',
    { ...rows, accumulate: flag },
  ),
  rmsnorm: kernel('>out[rows,cols] >rrms[rows] x[rows,cols] weight[cols]', { ...rows, eps: number }),
  rmsnormBackward: kernel(
    '>dx[rows,cols] >dWeight[cols] dOut[rows,cols] x[rows,cols] weight[cols] rrms[rows]',
    { ...rows, accumulate: flag },
  ),
  activation: kernel('>out(x)[:n] x[=n]', kind),
  activationBackward: kernel('>dx(dOut)[:n] dOut[=n] x[=n]', kind),
  softcap: kernel('>out(x)[:n] x[=n]', named('cap', number)),
  softcapBackward: kernel('>dx(dOut)[:n] dOut[=n] y[=n]', named('cap', number)),
  dropout: ruled(kernel('>out(x,residual)[:n] x[=n]', dropout, 'residual?[=n]'), probability),
  attention: ruled(
    kernel('>out[B,T,H,hs] >lse[B,H,T] qkv[B,T,3,H,hs]', heads, optional(dropout)),
    probability,
  ),
  attentionBackward: ruled(
    kernel(
      '>dqkv[B,T,3,H,hs] dOut[B,T,H,hs] out[B,T,H,hs] lse[B,H,T] qkv[B,T,3,H,hs]',
      heads,
      optional(dropout),
    ),
    probability,
  ),
  attentionCached: kernel(
    '>out[B,T,H,hs] >keys[B,H,capacity,hs] >values[B,H,capacity,hs] qkv[B,T,3,H,hs]',
    { ...heads, start: inCache, capacity: extent },
    'starts?:i32[B]',
  ),
  attentionProbabilities: kernel('>probs[B,H,T,T] qkv[B,T,3,H,hs]', heads),
  qkNorm: kernel('>out(qkv)[rows,3,H,hs] >rrms[rows,2,H] qkv[rows,3,H,hs] weight[2,hs]', {
    rows: size,
    H: extent,
    hs: extent,
    eps: number,
  }),
  qkNormBackward: kernel(
    '>dqkv(dOut)[rows,3,H,hs] >dWeight[2,hs] dOut[rows,3,H,hs] qkv[rows,3,H,hs] weight[2,hs] rrms[rows,2,H]',
    { rows: size, H: extent, hs: extent },
  ),
  rope: kernel(
    '>out(qkv)[B,T,3,H,hs] qkv[B,T,3,H,hs]',
    { B: size, T: size, H: extent, hs: extent, start: anywhere, base: number, inverse: flag },
    'starts?:i32[B]',
  ),
  crossEntropy: ruled(
    kernel('>losses[rows] >lse[rows] logits[rows,cols] targets:i32[rows]', {
      ...rows,
      smoothing: or(() => 0, number),
    }),
    share,
  ),
  crossEntropyBackward: ruled(
    kernel('>dLogits(logits)[rows,cols] logits[rows,cols] lse[rows] targets:i32[rows]', {
      ...rows,
      factor: number,
      smoothing: or(() => 0, number),
    }),
    share,
  ),
  adamw: kernel('>param[:n] grad[=n] >m[=n] >v[=n]', {
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    t: number,
    gradScale: number,
  }),
  sgd: ruled(
    kernel('>param[:n] grad[=n] >velocity?[=n]', {
      lr: number,
      momentum: number,
      weightDecay: number,
      gradScale: number,
    }),
    inertia,
  ),
  nesterov: kernel('>out(grad)[:n] >velocity[=n] grad[=n]', { momentum: number, gradScale: number }),
  statistics: kernel('>out[6+bins] >active?:i32[cols] x[rows,cols]', {
    rows: size,
    cols: size,
    lo: number,
    hi: number,
    bins: size,
  }),
  quantizeRows: kernel('>q:i8[rows,cols] >scale[rows] x[rows,cols]', ...rowsCols),
  dequantizeRows: kernel('>x[rows,cols] q:i8[rows,cols] scale[rows]', ...rowsCols),
  linearInt8: ruled(
    kernel('>out[m,n] x[m,k] weight:i8[n,k] scale[n] bias?[n]', { m: size, n: size, k: size, activations }),
    noOverflow,
  ),
  embeddingInt8: kernel('>out[B,T,C] ids:i32[B,T] tokens:i8[:vocab,C] scale[vocab] positions?[start+T,C]', {
    ...tokens,
    start: inTable,
  }),
  dequantizeInt4: ruled(
    kernel('>x[rows,cols] codes:i8[rows,cols/2] scale[cols/groupSize,rows]', { ...rows, groupSize: size }),
    groups,
  ),
  linearInt4: ruled(
    kernel('>out[m,n] x[m,k] codes:i8[n,k/2] scale[k/groupSize,n] bias?[n]', {
      m: size,
      n: size,
      k: size,
      groupSize: size,
      activations,
    }),
    groups,
  ),
  embeddingInt4: ruled(
    kernel('>out[B,T,C] ids:i32[B,T] codes:i8[:vocab,C/2] scale[C/groupSize,vocab] positions?[start+T,C]', {
      ...tokens,
      start: inTable,
      groupSize: size,
    }),
    groups,
  ),
};
