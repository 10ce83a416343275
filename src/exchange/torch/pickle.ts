// Python's pickles, read as data (docs.python.org/3/library/pickletools.html). A pickle is a program for a
// small stack machine, of which only what builds values is carried out. What it asks for by name is looked up
// in a list of functions of ours, and refused if it is not there: no pickle can run anything. Read next:
// file.ts.
import { formatAmount, formatCount } from '../../base/format.ts';
import { excerpt } from '../../base/schema.ts';

/** What Python calls by this name: `module.name`. */
export class PickleGlobal {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** A value of no interest here, such as a number of NumPy. */
export class Opaque {}

/** What a pickle may ask for. */
export interface PickleNames {
  /** Makes a value of arguments, by `module.name`. Throws for arguments that do not fit. */
  readonly makers: ReadonlyMap<string, (args: readonly unknown[]) => unknown>;
  /** Names that are only mentioned: types of storages. */
  readonly mentioned: ReadonlySet<string>;
  /** The value of a persistent id: what is stored outside of the pickle. Absent: there is nothing. */
  persistent?(id: unknown): unknown;
}

/**
 * The longest pickle, and the most instructions of one: each makes one value at most. Those of the largest
 * vocabularies have some 1.3 million.
 */
export const PICKLE_BYTES = 64e6;
const STEPS = 2e6;
/** More than any file has, in bytes of an integer. */
const LONGEST_INTEGER = 256;

/** A pickle that was read, and where it ends in its bytes. */
export interface ReadPickle {
  value: unknown;
  end: number;
}

/**
 * The value of the pickle that begins at byte `begin`: numbers (a bigint where a number is not exact), texts,
 * null, booleans; Uint8Array for bytes; arrays for lists and tuples; Map for dicts; Set. Lists may contain
 * themselves: do not walk through a value that is not known. Throws one line when it is cut off, damaged, too
 * large, or asks for what is not in `names`.
 */
export function readPickle(bytes: Uint8Array, names: PickleNames, begin = 0): ReadPickle {
  const input = new Input(bytes, begin);
  const machine = new Machine(input, names);
  for (let step = 0; step < STEPS; step++) {
    input.at = input.next;
    const opcode = input.byte();
    if (opcode === STOP) return { value: machine.pop(), end: input.next };
    const act = opcodes.get(opcode);
    if (!act) throw input.damaged(`an unknown instruction 0x${opcode.toString(16)}`);
    act(machine, input);
  }
  throw new Error(`the pickle has more than ${formatCount(STEPS)} instructions: no file of its kind has`);
}

const STOP = '.'.charCodeAt(0);

/** The bytes of a pickle, read from front to back. */
class Input {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The place of the instruction that is carried out. */
  at: number;
  next: number;

  constructor(bytes: Uint8Array, begin: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = begin;
    this.next = begin;
  }

  /** Skips so many bytes, and returns where they begin. Throws at the end of the file. */
  skip(count: number): number {
    const from = this.next;
    if (!(count <= this.bytes.length - from))
      throw new Error(
        `truncated: the pickle goes on after byte ${formatCount(from)}, the file holds ${formatAmount(this.bytes.length, 'byte')}`,
      );
    this.next += count;
    return from;
  }

  byte(): number {
    return this.bytes[this.skip(1)];
  }

  take(count: number): Uint8Array {
    const from = this.skip(count);
    return this.bytes.subarray(from, from + count);
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** As a number: lengths beyond 2^53 are beyond the end of every file. */
  u64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  /** Up to the next line feed, which is skipped. */
  lineBytes(): Uint8Array {
    const end = this.bytes.indexOf(LINE_FEED, this.next);
    const bytes = this.take(end < 0 ? Number.POSITIVE_INFINITY : end - this.next);
    this.skip(1);
    return bytes;
  }

  line(): string {
    return this.text(this.lineBytes());
  }

  text(bytes: Uint8Array): string {
    // Python's texts may hold halves of surrogate pairs, which are no UTF-8.
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  /** Little-endian, in two's complement. */
  integer(length: number): number | bigint {
    if (length > LONGEST_INTEGER) throw this.damaged(`an integer of ${formatAmount(length, 'byte')}`);
    let value = 0n;
    const bytes = this.take(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return plain(BigInt.asIntN(8 * length, value));
  }

  damaged(what: string): Error {
    return new Error(`${what} at byte ${formatCount(this.at)}: the pickle is damaged, or none`);
  }
}

const LINE_FEED = 10;

/** A number, where that is exact. */
function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The stack of values, with marks, and the values that were remembered. */
class Machine {
  readonly #input: Input;
  readonly #names: PickleNames;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(input: Input, names: PickleNames) {
    this.#input = input;
    this.#names = names;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.#input.damaged('nothing on the stack');
    return this.#stack.pop();
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Everything since the last mark. */
  popMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#input.damaged('no mark');
    return this.#stack.splice(mark);
  }

  top(): unknown {
    const value = this.pop();
    this.push(value);
    return value;
  }

  remember(index: number = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.#input.damaged(`nothing remembered as ${index}`);
    this.push(this.#memo.get(index));
  }

  /** Adds values to the list on the top. */
  append(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.#input.damaged('no list');
    for (const value of values) list.push(value);
  }

  /** Sets keys and values, one after the other, in the dict on the top. */
  set(values: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || values.length % 2 === 1) throw this.#input.damaged('no dict');
    for (let i = 0; i < values.length; i += 2) dict.set(values[i], values[i + 1]);
  }

  add(values: readonly unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw this.#input.damaged('no set');
    for (const value of values) set.add(value);
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.#input.damaged('no name');
    const path = `${module}.${name}`;
    const { makers, mentioned } = this.#names;
    if (!makers.has(path) && !mentioned.has(path)) throw this.refused(path);
    this.push(new PickleGlobal(path));
  }

  /** Calls a function of ours. */
  make(callee: unknown, args: unknown): void {
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) throw this.#input.damaged('no call');
    const maker = this.#names.makers.get(callee.path);
    if (!maker) throw this.refused(callee.path);
    this.push(maker(args));
  }

  /** The state of an object: of an OrderedDict its attributes, which are not read. */
  build(): void {
    this.pop();
    const value = this.top();
    if (!(value instanceof Map || value instanceof Opaque))
      throw this.#input.damaged('a state of something that has none');
  }

  persistent(id: unknown): void {
    if (!this.#names.persistent) throw this.#input.damaged('something stored outside of the pickle');
    this.push(this.#names.persistent(id));
  }

  refused(path: string): Error {
    return new Error(
      `the pickle asks Python for ${excerpt(path)} at byte ${formatCount(this.#input.at)}, which is no part of a model: nothing was run; ` +
        'save the numbers alone, torch.save(model.state_dict(), file)',
    );
  }
}

type Act = (machine: Machine, input: Input) => void;

const instructions: Readonly<Record<string, Act>> = {
  '\x80': (_, input) => void input.byte(), // PROTO
  '\x95': (_, input) => void input.skip(8), // FRAME
  '(': (m) => m.mark(),
  '0': (m) => void m.pop(),
  '1': (m) => void m.popMark(),
  '2': (m) => m.push(m.top()),
  // numbers
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  K: (m, input) => m.push(input.byte()),
  M: (m, input) => m.push(input.u16()),
  J: (m, input) => m.push(input.u32() | 0),
  G: (m, input) => m.push(input.view.getFloat64(input.skip(8), false)),
  '\x8a': (m, input) => m.push(input.integer(input.byte())),
  '\x8b': (m, input) => m.push(input.integer(input.u32())),
  I: (m, input) => m.push(typedInteger(input)),
  L: (m, input) => m.push(typedInteger(input)),
  F: (m, input) => m.push(Number(input.line())),
  // texts and bytes
  X: (m, input) => m.push(input.text(input.take(input.u32()))),
  '\x8c': (m, input) => m.push(input.text(input.take(input.byte()))),
  '\x8d': (m, input) => m.push(input.text(input.take(input.u64()))),
  T: (m, input) => m.push(input.text(input.take(input.u32()))),
  U: (m, input) => m.push(input.text(input.take(input.byte()))),
  V: (m, input) => m.push(unescaped(input.lineBytes())),
  B: (m, input) => m.push(input.take(input.u32()).slice()),
  C: (m, input) => m.push(input.take(input.byte()).slice()),
  '\x8e': (m, input) => m.push(input.take(input.u64()).slice()),
  '\x96': (m, input) => m.push(input.take(input.u64()).slice()),
  // lists, tuples, dicts, sets
  ']': (m) => m.push([]),
  a: (m) => m.append([m.pop()]),
  e: (m) => m.append(m.popMark()),
  l: (m) => m.push(m.popMark()),
  ')': (m) => m.push([]),
  t: (m) => m.push(m.popMark()),
  '\x85': (m) => m.push(last(m, 1)),
  '\x86': (m) => m.push(last(m, 2)),
  '\x87': (m) => m.push(last(m, 3)),
  '}': (m) => m.push(new Map()),
  d(m) {
    const values = m.popMark();
    m.push(new Map());
    m.set(values);
  },
  s: (m) => m.set(last(m, 2)),
  u: (m) => m.set(m.popMark()),
  '\x8f': (m) => m.push(new Set()),
  '\x90': (m) => m.add(m.popMark()),
  '\x91': (m) => m.push(new Set(m.popMark())),
  // what was there before
  q: (m, input) => m.remember(input.byte()),
  r: (m, input) => m.remember(input.u32()),
  p: (m, input) => m.remember(Number(input.line())),
  '\x94': (m) => m.remember(),
  h: (m, input) => m.recall(input.byte()),
  j: (m, input) => m.recall(input.u32()),
  g: (m, input) => m.recall(Number(input.line())),
  // names, calls, and what is stored elsewhere
  c: (m, input) => m.global(input.line(), input.line()),
  '\x93'(m) {
    const [module, name] = last(m, 2);
    m.global(module, name);
  },
  R(m) {
    const [callee, args] = last(m, 2);
    m.make(callee, args);
  },
  '\x81'(m) {
    const [callee, args] = last(m, 2);
    m.make(callee, args);
  },
  b: (m) => m.build(),
  Q: (m) => m.persistent(m.pop()),
  i(_, input) {
    throw new Error(
      `the pickle makes an object of class ${excerpt(`${input.line()}.${input.line()}`)}: only numbers and texts are read`,
    );
  },
};

/** By their bytes. */
const opcodes: ReadonlyMap<number, Act> = new Map(
  Object.entries(instructions).map(([character, act]) => [character.charCodeAt(0), act]),
);

/** The last values of the stack, in the order in which they were pushed. */
function last(machine: Machine, count: number): unknown[] {
  return Array.from({ length: count }, () => machine.pop()).reverse();
}

/** Digits; `00` and `01` are booleans; longs end in `L`. */
function typedInteger(input: Input): unknown {
  const text = input.line();
  if (text === '00' || text === '01') return text === '01';
  const [, digits] = /^(-?\d+)L?$/.exec(text) ?? [];
  if (digits === undefined || digits.length > 3 * LONGEST_INTEGER) throw input.damaged('no integer');
  return plain(BigInt(digits));
}

/** Python's raw-unicode-escape: Latin-1, and `\u4e2d` for the rest. */
function unescaped(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return text.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (whole, four?: string, eight?: string) => {
    const code = Number.parseInt(four ?? eight ?? '', 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
