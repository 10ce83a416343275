// Everything that follows from a kernel's row: checking its calls, packing them into numbers for engines
// outside of JavaScript, moving them to another position, wrapping them. Read next: native/index.ts,
// reference/recorder.ts.
import type { DeviceBuffer, Kernels } from './contract.ts';
import {
  type Arg,
  type BufferArg,
  type ChoiceArg,
  type FieldArgs,
  isArg,
  type NumericArg,
  type OptionalArg,
  type Signature,
  type Sizes,
  signatures,
} from './signatures.ts';

export type KernelName = keyof Kernels;
export type Args = readonly unknown[];

/** How calls of one kernel are checked and packed. */
export interface Call {
  readonly name: KernelName;
  /**
   * The parameters in the order of `pack`, one letter each: `f` a buffer of `f32`, `i` of `i32`, `q` of `i8`,
   * `a` of any dtype, in capitals when it is written; `n` a number, `s` the position.
   */
  readonly layout: string;
  /**
   * The words of the choices among the parameters, in their order, as names in C++: `f32, int8;`. An engine
   * with other words would take one for another.
   */
  readonly words: string;
  /** Throws one line that names kernel, argument, value and limit when a call does not fit its row. */
  check(args: Args): void;
  /**
   * Checks a call and writes it into `into`: first the largest position that a replay may have; then, in the
   * order of `layout`, buffers by their numbers (null: -1), and numbers (a flag as 0 or 1, a word as its
   * place from 1 on, 0 for an absent one).
   */
  pack(args: Args, idOf: (buffer: DeviceBuffer) => number, into: Float64Array): void;
  /** The same arguments at another position; `args` itself for a kernel without one. */
  startingAt(args: Args, start: number): Args;
  /** The position; null for a kernel without one. */
  startOf(args: Args): number | null;
  /** The buffers that it changes, each with the number of elements that it may write. */
  written(args: Args): Map<DeviceBuffer, number>;
}

/** The calls of every kernel. */
export const calls = Object.fromEntries(
  Object.entries(signatures).map(([name, row]) => [name, callOf(name as KernelName, row as Signature)]),
) as Readonly<Record<KernelName, Call>>;

/** The same kernels, but each call goes to `around`, which may pass it on to `kernel`. */
export function wrapKernels(
  kernels: Kernels,
  around: (call: Call, args: Args, kernel: (...args: Args) => void) => void,
): Kernels {
  const wrapped = Object.values(calls).map((call) => {
    const kernel = kernels[call.name] as (...args: Args) => void;
    return [call.name, (...args: Args): void => around(call, args, kernel)];
  });
  return Object.fromEntries(wrapped) as Kernels;
}

/** One value of a call: an argument, or a field of one. */
interface Leaf<A> {
  /** Its name in errors and among the sizes. */
  readonly key: string;
  readonly arg: A;
  readonly place: number;
  readonly path: readonly string[];
  /** The key of the optional record around it; null: there is none. */
  readonly within: string | null;
}

/** The values of a row. `records` are the optional records. */
interface Leaves {
  readonly buffers: Leaf<BufferArg>[];
  readonly numbers: Leaf<NumericArg>[];
  readonly records: Leaf<OptionalArg>[];
}

/** The values of one call by key. The presence of an optional record counts as a size, 0 or 1. */
interface Values {
  readonly sizes: Record<string, number>;
  readonly buffers: Record<string, DeviceBuffer | null>;
}

function callOf(name: KernelName, { args: row, rules }: Signature): Call {
  const leaves: Leaves = { buffers: [], numbers: [], records: [] };
  row.forEach((arg, place) => {
    collect(
      arg,
      { key: 'name' in arg ? `${arg.name}` : `argument ${place}`, place, path: [], within: null },
      leaves,
    );
  });
  const { buffers, numbers, records } = leaves;
  const makers = buffers.filter(({ arg }) => arg.makes !== null);
  const apart = pairsApart(buffers);
  const position = numbers.find(({ arg }) => arg.kind === 'position');
  const lastStart = (sizes: Sizes): number =>
    position?.arg.kind === 'position' ? (position.arg.limit?.(sizes) ?? 0) : Number.POSITIVE_INFINITY;

  const sizes: Record<string, number> = {}; // reused: every call sets all of them
  const valuesOf = (args: Args): Values => {
    const values: Values = { sizes, buffers: {} };
    for (const leaf of records) sizes[leaf.key] = valueAt(args, leaf) ? 1 : 0;
    for (const leaf of buffers) {
      const buffer = (valueAt(args, leaf) ?? null) as DeviceBuffer | null;
      values.buffers[leaf.key] = buffer;
      sizes[`$${leaf.key}`] = buffer?.length ?? 0;
    }
    for (const leaf of numbers) sizes[leaf.key] = toNumber(leaf, valueAt(args, leaf), sizes);
    for (const leaf of makers)
      sizes[leaf.arg.makes as string] = Math.floor(sizes[`$${leaf.key}`] / product(leaf.arg, sizes));
    return values;
  };
  const checked = (args: Args): Values => {
    try {
      const values = valuesOf(args);
      for (const leaf of buffers) checkBuffer(leaf, values);
      for (const rule of rules) refuseIf(rule(sizes, values.buffers));
      const last = lastStart(sizes);
      if (position && sizes.start > last) refuseIf(`start ${sizes.start} is too far: at most ${last}`);
      for (const [a, b] of apart) {
        if (values.buffers[a] && values.buffers[a] === values.buffers[b])
          refuseIf(`${a} cannot be the same buffer as ${b}`);
      }
      return values;
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`);
    }
  };

  return {
    name,
    layout: [
      ...buffers.map(({ arg }) => letterOf(arg)),
      ...numbers.map((leaf) => (leaf === position ? 's' : 'n')),
      ...makers.map(() => 'n'),
    ].join(''),
    words: numbers.map(({ arg }) => (arg.kind === 'choice' ? `${wordList(arg)};` : '')).join(''),
    check: (args) => void checked(args),
    pack(args, idOf, into) {
      const { buffers: found } = checked(args);
      let at = 0;
      into[at++] = lastStart(sizes);
      for (const { key } of buffers) {
        const buffer = found[key];
        into[at++] = buffer ? idOf(buffer) : -1;
      }
      for (const { key } of numbers) into[at++] = sizes[key];
      for (const { arg } of makers) into[at++] = sizes[arg.makes as string];
    },
    startingAt(args, start) {
      if (!position) return args;
      return args.map((arg, i) => (i === position.place ? { ...(arg as object), start } : arg));
    },
    startOf: (args) => (position ? (valueAt(args, position) as number) : null),
    written(args) {
      const { buffers: found } = valuesOf(args);
      const changed = new Map<DeviceBuffer, number>();
      for (const { key, arg } of buffers) {
        const buffer = found[key];
        const all = arg.makes !== null || arg.shape.length === 0;
        if (arg.written && buffer) changed.set(buffer, all ? buffer.length : product(arg, sizes));
      }
      return changed;
    },
  };
}

/** `gelu-tanh` is `geluTanh` in C++. */
function wordList({ words }: ChoiceArg): string {
  return words.map((word) => word.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())).join(', ');
}

/** Adds the values in `arg` to `leaves`. */
function collect(arg: Arg, at: Omit<Leaf<Arg>, 'arg'>, leaves: Leaves): void {
  const fields = (record: FieldArgs, within: string | null): void => {
    for (const [field, inner] of Object.entries(record)) {
      const path = [...at.path, field];
      collect(inner, { ...at, path, key: path.join('.'), within }, leaves);
    }
  };
  if (!isArg(arg)) fields(arg, at.within);
  else if (arg.kind === 'buffer') leaves.buffers.push({ ...at, arg });
  else if (arg.kind !== 'optional') leaves.numbers.push({ ...at, arg });
  else {
    leaves.records.push({ ...at, arg });
    fields(arg.fields, at.key);
  }
}

/** Pairs of buffers that must not be the same; the first of each pair is written. */
function pairsApart(buffers: readonly Leaf<BufferArg>[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (const a of buffers) {
    for (const b of buffers) {
      const allowed = a.arg.mayBe.includes(b.key) || b.arg.mayBe.includes(a.key);
      if (a !== b && a.arg.written && !allowed) pairs.push([a.key, b.key]);
    }
  }
  return pairs;
}

function valueAt(args: Args, { place, path }: Leaf<unknown>): unknown {
  let value = args[place];
  for (const field of path) value = (value as Record<string, unknown> | null | undefined)?.[field];
  return value;
}

/** Throws `reason` if it is not null. */
function refuseIf(reason: string | null): void {
  if (reason) throw new Error(reason);
}

/**
 * The number that stands for a value among the sizes. Throws when the argument does not accept the value.
 */
function toNumber({ key, arg, within }: Leaf<NumericArg>, value: unknown, sizes: Sizes): number {
  if (within !== null && sizes[within] === 0) return 0;
  if (arg.kind === 'flag') {
    if (typeof value !== 'boolean' && value !== undefined) throw new Error(`${key} is not a boolean`);
    return value ? 1 : 0;
  }
  if (arg.kind === 'choice') {
    const place = arg.words.indexOf(value as string) + 1;
    if (place === 0) throw new Error(`there is no ${key} '${value}': use ${arg.words.join(', ')}`);
    return place;
  }
  if (value === undefined && arg.otherwise !== null) return arg.otherwise(sizes);
  if (typeof value !== 'number') throw new Error(`${key} is not a number`);
  const whole = Number.isInteger(value) && value >= arg.least && value <= Number.MAX_SAFE_INTEGER + 1;
  if (arg.kind !== 'number' && !whole)
    throw new Error(`${key} ${value} is not a whole number >= ${arg.least}`);
  return value;
}

/** Throws unless a required buffer is given, has its dtype, and has as many elements as its shape needs. */
function checkBuffer({ key, arg, within }: Leaf<BufferArg>, { sizes, buffers }: Values): void {
  const buffer = buffers[key];
  if (!buffer) {
    const allowed = arg.nullable || (within !== null && sizes[within] === 0);
    if (!allowed) throw new Error(`${key} is missing`);
    return;
  }
  const { dtype, length } = buffer;
  if (arg.dtype !== 'any' && dtype !== arg.dtype) throw new Error(`${key} is ${dtype}, not ${arg.dtype}`);
  if (arg.makes !== null) return;
  const needed = product(arg, sizes);
  if (arg.exact && length !== needed) throw new Error(`${key} has ${length} elements, not ${needed}`);
  if (arg.shape.length > 0 && !(length >= needed)) {
    const shape = arg.shape.map((dim) => dim(sizes)).join(', ');
    throw new Error(`${key} has ${length} elements, [${shape}] needs ${needed}`);
  }
}

function product({ shape }: BufferArg, sizes: Sizes): number {
  let elements = 1;
  for (const dim of shape) elements *= dim(sizes);
  return elements;
}

function letterOf({ dtype, written }: BufferArg): string {
  const letter = { f32: 'f', i32: 'i', i8: 'q', any: 'a' }[dtype];
  return written ? letter.toUpperCase() : letter;
}
