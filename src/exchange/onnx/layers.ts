// The layers of a model as nodes of an ONNX graph, with their weights: floats, or integers that MatMulNBits
// multiplies by. Read next: decoder.ts.
import type { Activation } from '../../backend/contract.ts';
import type { GPTConfig } from '../../model/config.ts';
import { transpose } from '../mapping.ts';
import { type OnnxGraph, TYPES } from './graph.ts';
import type { IntegerMatrix } from './integers.ts';

/** The parameters of a model by name: integers where there are, else floats. */
export interface Parameters {
  floats: ReadonlyMap<string, Float32Array>;
  integers: ReadonlyMap<string, IntegerMatrix>;
  shapes: ReadonlyMap<string, readonly number[]>;
}

/** Layers by their names, `blocks.0.mlp.fc`. `x` and what is returned are names of values. */
export interface Layers {
  /** x W^T + b, with a bias where the layer has one. W [out, in] is that of the layer `owner`. */
  linear(x: string, layer: string, owner?: string): string;
  /** Rows of the layer's table by indices [B, T]: [B, T, cols]. */
  rows(layer: string, indices: string): string;
  /** LayerNorm or RMSNorm over the last axis, as in the config. */
  norm(x: string, layer: string): string;
  /** RMSNorm over the last axis, by the elements `from` to `to` - 1 of the layer's weight; default: all. */
  rmsnorm(x: string, layer: string, from?: number, to?: number): string;
  /** a + w (b - a), where w is the layer's only weight. */
  mix(a: string, b: string, layer: string): string;
}

export function layersOf(g: OnnxGraph, config: GPTConfig, parameters: Parameters): Layers {
  const { op, scalar } = g;
  const { float, transposed, integer, has } = tensorsIn(g, parameters);

  const rmsnorm: Layers['rmsnorm'] = (x, layer, from, to) => {
    // The form that onnxruntime recognises and computes in one pass.
    const squares = op('ReduceMean', [op('Pow', [x, scalar(2)]), g.ints(-1)], { keepdims: 1 });
    const root = op('Sqrt', [op('Add', [squares, scalar(config.normEps)])]);
    return op('Mul', [op('Div', [x, root]), float(`${layer}.weight`, from, to)]);
  };
  return {
    rmsnorm,
    linear(x, layer, owner = layer) {
      const [weight, bias] = [`${owner}.weight`, `${layer}.bias`];
      const codes = integer(weight);
      const y = codes ? multiplyIntegers(g, x, codes) : op('MatMul', [x, transposed(weight)]);
      return has(bias) ? op('Add', [y, float(bias)]) : y;
    },
    rows(layer, indices) {
      const codes = integer(`${layer}.weight`);
      if (codes) return lookUpIntegers(g, indices, codes);
      return op('Gather', [float(`${layer}.weight`), indices], { axis: 0 });
    },
    norm(x, layer) {
      if (config.norm === 'rmsnorm') return rmsnorm(x, layer);
      const bias = `${layer}.bias`;
      const operands = [x, float(`${layer}.weight`), ...(has(bias) ? [float(bias)] : [])];
      return op('LayerNormalization', operands, { axis: -1, epsilon: { real: config.normEps } });
    },
    mix: (a, b, layer) => op('Add', [a, op('Mul', [op('Sub', [b, a]), float(`${layer}.weight`)])]),
  };
}

/** Parameters as tensors of a graph, each of which is put into it when it is first asked for. */
interface Tensors {
  has(name: string): boolean;
  /** A parameter as it is, or elements of a vector. */
  float(name: string, from?: number, to?: number): string;
  /** W [out, in] as [in, out], which MatMul multiplies by. The table of a tied head is stored once. */
  transposed(name: string): string;
  /** Null: its weights are floats. */
  integer(name: string): IntegerWeight | null;
}

function tensorsIn(g: OnnxGraph, { floats, integers, shapes }: Parameters): Tensors {
  const made = new Set<string>();
  /** The name of a tensor, made if it is not there. */
  const once = (name: string, make: () => unknown): string => {
    if (!made.has(name)) make();
    made.add(name);
    return name;
  };
  const valuesOf = (name: string): Float32Array => {
    const values = floats.get(name);
    if (!values) throw new Error(`the model has no parameter ${name}`);
    return values;
  };
  return {
    has: (name) => floats.has(name),
    float(name, from, to) {
      if (to === undefined)
        return once(name, () => g.constant(name, 'float32', shapes.get(name) ?? [], valuesOf(name)));
      const part = `${name}.${from}-${to}`;
      const values = valuesOf(name).subarray(from, to);
      return once(part, () => g.constant(part, 'float32', [values.length], values));
    },
    transposed(name) {
      const turned = `${name}.transposed`;
      return once(turned, () => {
        if (made.has(name)) return g.op('Transpose', [name], { perm: [1, 0] }, turned);
        const [rows, cols] = shapes.get(name) ?? [];
        return g.constant(turned, 'float32', [cols, rows], transpose(valuesOf(name), rows, cols));
      });
    },
    integer(name) {
      const matrix = integers.get(name);
      if (!matrix) return null;
      const { shape, block, bits, codes, scale } = matrix;
      const [rows, cols] = shape;
      const blocks = Math.ceil(cols / block);
      const width = (block * bits) / 8;
      const scaleName = `${name}.scale`;
      return {
        ...matrix,
        codeName: once(name, () => g.constant(name, 'uint8', [rows, blocks, width], codes)),
        scaleName: once(scaleName, () => g.constant(scaleName, 'float32', [rows, blocks], scale)),
      };
    },
  };
}

/** y = f(x), elementwise. */
export function activate({ op }: OnnxGraph, kind: Activation, x: string): string {
  switch (kind) {
    case 'relu':
      return op('Relu', [x]);
    case 'relu2': {
      const y = op('Relu', [x]);
      return op('Mul', [y, y]);
    }
    case 'gelu':
      return op('Gelu', [x], { approximate: 'none' });
    case 'gelu-tanh':
      return op('Gelu', [x], { approximate: 'tanh' });
    case 'silu':
      return op('Mul', [x, op('Sigmoid', [x])]);
  }
}

// ---- integers --------------------------------------------------------------------------------------------

/** An integer matrix in a graph. */
interface IntegerWeight extends IntegerMatrix {
  /** The names of its two tensors. */
  codeName: string;
  scaleName: string;
}

/** x [..., cols] -> [..., rows]. Accuracy level 1: the input stays float. */
function multiplyIntegers(g: OnnxGraph, x: string, weight: IntegerWeight): string {
  const { shape, block, bits, codeName, scaleName } = weight;
  const [N, K] = shape;
  const attributes = { N, K, bits, block_size: block, accuracy_level: 1 };
  return g.op('com.microsoft:MatMulNBits', [x, codeName, scaleName], attributes);
}

/** The rows with these indices [B, T] -> [B, T, cols], by operators that every engine of onnxruntime has. */
function lookUpIntegers({ op, ints, scalar }: OnnxGraph, indices: string, weight: IntegerWeight): string {
  const { shape, block, bits, codeName, scaleName } = weight;
  const [, cols] = shape;
  const rowsOf = (name: string): string => op('Gather', [name, indices], { axis: 0 });
  const bytes = op('Cast', [rowsOf(codeName)], { to: TYPES.float32 });
  const codes = bits === 8 ? bytes : halves(bytes); // [B, T, blocks, block]
  const scales = op('Unsqueeze', [rowsOf(scaleName), ints(-1)]); // [B, T, blocks, 1]
  const values = op('Mul', [op('Sub', [codes, scalar(2 ** (bits - 1))]), scales]);
  const padded = Math.ceil(cols / block) * block;
  const rows = op('Reshape', [values, ints(0, 0, padded)]);
  return padded === cols ? rows : op('Slice', [rows, ints(0), ints(cols), ints(-1)]);

  /** Bytes as floats -> the low half and the high half of each, side by side. */
  function halves(x: string): string {
    const high = op('Floor', [op('Mul', [x, scalar(1 / 16)])]);
    const low = op('Sub', [x, op('Mul', [high, scalar(16)])]);
    const pairs = [low, high].map((half) => op('Unsqueeze', [half, ints(-1)]));
    return op('Reshape', [op('Concat', pairs, { axis: -1 }), ints(0, 0, 0, block)]);
  }
}
