// Builds an ONNX graph, node by node, and writes it as the protocol buffer that onnxruntime reads. Field
// numbers: onnx.proto3 of the ONNX project. Read next: network.mjs.

const TYPES = { float32: 1, int8: 3, int64: 7 };
const MICROSOFT = 'com.microsoft';
/** Operators that onnxruntime has in addition to ONNX's. */
const EXTRA = new Set(['FusedMatMul', 'DynamicQuantizeMatMul']);

/** A graph under construction. Values are referred to by name. */
export function createGraph() {
  const [nodes, inputs, outputs, initializers] = [[], [], [], []];
  const constants = new Map();
  let count = 0;

  /** A tensor that the graph holds. */
  function constant(name, type, dims, data) {
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    initializers.push(
      message(
        dims.map((d) => int(1, d)),
        int(2, TYPES[type]),
        bytes(8, name),
        bytes(9, raw),
      ),
    );
    return name;
  }

  /** A constant. Equal values share one tensor. */
  function shared(key, make) {
    if (!constants.has(key)) constants.set(key, make(`c${constants.size}`));
    return constants.get(key);
  }

  /**
   * Adds a node. Returns its output, or an array if there are several. `attributes`: whole numbers, Real,
   * strings, lists of whole numbers.
   */
  function op(type, operands, attributes = {}, results = 1) {
    const names = Array.from({ length: results }, () => `v${count++}`);
    nodes.push(
      message(
        operands.map((name) => bytes(1, name)),
        names.map((name) => bytes(2, name)),
        bytes(4, type),
        Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
        bytes(7, EXTRA.has(type) ? MICROSOFT : ''),
      ),
    );
    return results === 1 ? names[0] : names;
  }

  return {
    constant,
    op,
    scalar: (x) => shared(`f${x}`, (name) => constant(name, 'float32', [], Float32Array.of(x))),
    ints: (...xs) =>
      shared(`i${xs}`, (name) => constant(name, 'int64', [xs.length], BigInt64Array.from(xs.map(BigInt)))),
    /** A dimension given as a string may differ from run to run. */
    input(name, type, dims) {
      inputs.push(value(name, type, dims));
      return name;
    },
    output(name, from, dims) {
      nodes.push(message(bytes(1, from), bytes(2, name), bytes(4, 'Identity')));
      outputs.push(value(name, 'float32', dims));
    },
    /** The model: IR version 8, operators of version 17. */
    build: () =>
      message(
        int(1, 8),
        bytes(
          7,
          message(
            nodes.map((node) => bytes(1, node)),
            bytes(2, 'inkhorn'),
            initializers.map((tensor) => bytes(5, tensor)),
            inputs.map((input) => bytes(11, input)),
            outputs.map((output) => bytes(12, output)),
          ),
        ),
        bytes(8, message(bytes(1, ''), int(2, 17))),
        bytes(8, message(bytes(1, MICROSOFT), int(2, 1))),
      ),
  };
}

/** A real number as an attribute, even if it is whole. */
export class Real {
  constructor(value) {
    this.value = value;
  }
}

function attribute(name, value) {
  const kind = { float: 1, int: 2, string: 3, ints: 7 };
  if (value instanceof Real) return message(bytes(1, name), float(2, value.value), int(20, kind.float));
  if (typeof value === 'string') return message(bytes(1, name), bytes(4, value), int(20, kind.string));
  if (Array.isArray(value))
    return message(
      bytes(1, name),
      value.map((x) => int(8, x)),
      int(20, kind.ints),
    );
  return message(bytes(1, name), int(3, value), int(20, kind.int));
}

function value(name, type, dims) {
  const shape = message(dims.map((d) => bytes(1, typeof d === 'string' ? bytes(2, d) : int(1, d))));
  return message(bytes(1, name), bytes(2, bytes(1, message(int(1, TYPES[type]), bytes(2, shape)))));
}

// ---- protocol buffers: a field is its number and kind, then a varint, four bytes, or a length and bytes

function message(...fields) {
  return Buffer.concat(fields.flat());
}

function int(field, value) {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function float(field, value) {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), data]);
}

function bytes(field, content) {
  const data = Buffer.from(content);
  return Buffer.concat([varint((field << 3) | 2), varint(data.length), data]);
}

/** Seven bits per byte, lowest first; negative numbers as 64 bits. */
function varint(value) {
  const out = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(out);
}
