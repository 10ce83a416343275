// An ONNX graph under construction, node by node, and the file that it becomes. Field numbers: onnx.proto of
// github.com/onnx/onnx. Read next: decoder.ts.
import { concatBytes } from '../../base/concat.ts';
import { bytes, float, int, lengthOf, type Message, message } from './protobuf.ts';

/** The types of elements, by the format's numbers. */
export const TYPES = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof TYPES;

/** The domain of the operators that onnxruntime has in addition to ONNX's. */
const MICROSOFT = 'com.microsoft';

/** The versions that everything is written in: the first that has the operator Gelu. */
const IR_VERSION = 9;
const OPSET = 20;

/** Most bytes of a file: what protocol buffers can hold. */
const MOST_BYTES = 2 ** 31 - 1;

/** A whole number, a real one (`{ real: 1 }`, so that whole ones stay real), a text, whole numbers. */
export type Attribute = number | { real: number } | string | readonly number[];

/** A dimension; given as a word it may differ from run to run. */
type Dimension = number | string;

/** A graph under construction. Values are referred to by name. */
export interface OnnxGraph {
  /** A value that the caller gives. Returns its name. */
  input(name: string, type: ElementType, dims: readonly Dimension[]): string;
  /** A tensor that the graph holds, row-major. Returns its name. The data must not change until `build`. */
  constant(name: string, type: ElementType, dims: readonly number[], data: ArrayBufferView): string;
  /** A float32 without dimensions. Equal ones are one tensor. */
  scalar(value: number): string;
  /** A list of int64. Equal ones are one tensor. */
  ints(...values: number[]): string;
  /**
   * Adds a node. `type`: an operator of ONNX (`MatMul`), or of onnxruntime (`com.microsoft:MatMulNBits`).
   * Returns the name of its output: `as`, or a new one.
   */
  op(type: string, operands: readonly string[], attributes?: Record<string, Attribute>, as?: string): string;
  /** Adds a node with several outputs. */
  ops(
    type: string,
    operands: readonly string[],
    attributes: Record<string, Attribute>,
    outputs: number,
  ): string[];
  /** Returns the value `from` to the caller, as float32. */
  output(name: string, from: string, dims: readonly Dimension[]): void;
  /** The bytes of the file. Throws when it would be too long. */
  build(): Uint8Array;
}

/** An empty graph. */
export function createGraph(): OnnxGraph {
  const [nodes, inputs, outputs, tensors]: Message[][] = [[], [], [], []];
  const shared = new Map<string, string>();
  let count = 0;

  const constant: OnnxGraph['constant'] = (name, type, dims, data) => {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    tensors.push(
      message(
        dims.map((d) => int(1, d)),
        int(2, TYPES[type]),
        bytes(8, name),
        bytes(9, raw),
      ),
    );
    return name;
  };
  const once = (key: string, make: (name: string) => string): string => {
    const name = shared.get(key) ?? make(`constant_${shared.size}`);
    shared.set(key, name);
    return name;
  };
  const add = (
    type: string,
    operands: readonly string[],
    attributes: Record<string, Attribute>,
    names: readonly string[],
  ): void => {
    const [operator, domain] = operatorOf(type);
    nodes.push(
      message(
        operands.map((name) => bytes(1, name)),
        names.map((name) => bytes(2, name)),
        bytes(4, operator),
        Object.entries(attributes).map(([name, value]) => bytes(5, attributeOf(name, value))),
        bytes(7, domain),
      ),
    );
  };
  const fresh = (type: string): string => `${operatorOf(type)[0]}_${count++}`;

  return {
    constant,
    input(name, type, dims) {
      inputs.push(valueInfo(name, type, dims));
      return name;
    },
    scalar: (value) => once(`${value}`, (name) => constant(name, 'float32', [], Float32Array.of(value))),
    ints: (...values) =>
      once(`[${values}]`, (name) =>
        constant(name, 'int64', [values.length], BigInt64Array.from(values, BigInt)),
      ),
    op(type, operands, attributes = {}, as = fresh(type)) {
      add(type, operands, attributes, [as]);
      return as;
    },
    ops(type, operands, attributes, outputs) {
      const names = Array.from({ length: outputs }, () => fresh(type));
      add(type, operands, attributes, names);
      return names;
    },
    output(name, from, dims) {
      if (from !== name) add('Identity', [from], {}, [name]);
      outputs.push(valueInfo(name, 'float32', dims));
    },
    build: () => fileOf({ nodes, inputs, outputs, tensors }),
  };
}

function operatorOf(type: string): [operator: string, domain: string] {
  const [operator, domain = ''] = type.split(':').reverse();
  return [operator, domain];
}

/** A ModelProto. */
function fileOf({ nodes, inputs, outputs, tensors }: Record<string, readonly Message[]>): Uint8Array {
  const graph = message(
    nodes.map((node) => bytes(1, node)),
    bytes(2, 'inkhorn'),
    tensors.map((tensor) => bytes(5, tensor)),
    inputs.map((input) => bytes(11, input)),
    outputs.map((output) => bytes(12, output)),
  );
  const file = message(
    int(1, IR_VERSION),
    bytes(2, 'inkhorn'),
    bytes(7, graph),
    bytes(8, message(bytes(1, ''), int(2, OPSET))),
    bytes(8, message(bytes(1, MICROSOFT), int(2, 1))),
  );
  const length = lengthOf(file);
  if (length > MOST_BYTES)
    throw new Error(
      `the file would have ${(length / 1e9).toFixed(1)} GB, and one of ONNX ends at 2.1 GB: a type of fewer bits is smaller`,
    );
  return concatBytes(file);
}

/** An AttributeProto. */
function attributeOf(name: string, value: Attribute): Message {
  const kind = { float: 1, int: 2, string: 3, ints: 7 };
  if (typeof value === 'number') return message(bytes(1, name), int(3, value), int(20, kind.int));
  if (typeof value === 'string') return message(bytes(1, name), bytes(4, value), int(20, kind.string));
  if ('real' in value) return message(bytes(1, name), float(2, value.real), int(20, kind.float));
  return message(
    bytes(1, name),
    value.map((n) => int(8, n)),
    int(20, kind.ints),
  );
}

/** A ValueInfoProto: name, type and shape of a tensor. */
function valueInfo(name: string, type: ElementType, dims: readonly Dimension[]): Message {
  const shape = message(dims.map((d) => bytes(1, typeof d === 'string' ? bytes(2, d) : int(1, d))));
  return message(bytes(1, name), bytes(2, bytes(1, message(int(1, TYPES[type]), bytes(2, shape)))));
}
