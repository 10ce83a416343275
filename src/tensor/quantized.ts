// Integer weight matrices: INT8 with one scale per output channel, INT4 with one scale per group of columns.
// Ops that take a weight also take these. Read next: quantize/quantize.ts.
import type { InputPrecision } from '../backend/contract.ts';
import { empty, sizeOf, type Tensor } from './tensor.ts';

/** x[r, c] = values[r, c] * scale[r]; values `i8` [rows, cols], scale `f32` [rows]. */
export class Int8Tensor {
  readonly values: Tensor<'i8'>;
  readonly scale: Tensor;
  readonly activations: InputPrecision;

  constructor(values: Tensor<'i8'>, scale: Tensor, activations: InputPrecision) {
    this.values = values;
    this.scale = scale;
    this.activations = activations;
  }

  get shape(): readonly number[] {
    return this.values.shape;
  }

  dispose(): void {
    this.values.dispose();
    this.scale.dispose();
  }
}

/**
 * How the codes of INT4 were chosen: each weight rounded to nearest, or by GPTQ (quantize/gptq.ts).
 */
export type Int4Method = 'rtn' | 'gptq';

/** The common properties of all INT4 weights. */
export interface Int4Format {
  /** Number of columns that share a scale. The last group of a row may be shorter. */
  readonly groupSize: number;
  readonly method: Int4Method;
  readonly activations: InputPrecision;
}

/**
 * x[r, c] = (code[r, c] - 8) * scale[floor(c / groupSize), r]. Codes are `i8` [rows, ceil(cols / 2)], two per
 * byte, the left one in the low half. scale [ceil(cols / groupSize), rows] is `f32` with values that bfloat16
 * holds exactly, as files store it.
 */
export class Int4Tensor implements Int4Format {
  readonly shape: readonly number[];
  readonly codes: Tensor<'i8'>;
  readonly scale: Tensor;
  readonly groupSize: number;
  readonly method: Int4Method;
  readonly activations: InputPrecision;

  /** `shape`: [rows, cols] of the matrix. */
  constructor(shape: readonly number[], codes: Tensor<'i8'>, scale: Tensor, format: Int4Format) {
    this.shape = shape;
    this.codes = codes;
    this.scale = scale;
    this.groupSize = format.groupSize;
    this.method = format.method;
    this.activations = format.activations;
  }

  dispose(): void {
    this.codes.dispose();
    this.scale.dispose();
  }
}

/** The default group size of INT4. */
export const DEFAULT_GROUP_SIZE = 64;

/**
 * Bytes of an INT4 matrix [rows, cols] in a file: half a byte per weight, and two (bfloat16) per row and
 * group.
 */
export function int4Bytes(shape: readonly number[], groupSize: number): { codes: number; scale: number } {
  const [rows, cols] = shape;
  return {
    codes: sizeOf([rows, Math.ceil(cols / 2)]),
    scale: 2 * sizeOf([rows, Math.ceil(cols / groupSize)]),
  };
}

export type QuantizedTensor = Int8Tensor | Int4Tensor;

/** A matrix that a layer multiplies by: trainable or quantised. */
export type Weight = Tensor | QuantizedTensor;

export function isQuantized(weight: unknown): weight is QuantizedTensor {
  return weight instanceof Int8Tensor || weight instanceof Int4Tensor;
}

/** The elements of a weight as the layers see them (dequantised), [rows * cols]. */
export async function weightValues(weight: Weight): Promise<Float32Array> {
  if (!isQuantized(weight)) return weight.data();
  const out = dequantized(weight);
  try {
    return await out.data();
  } finally {
    out.dispose();
  }
}

function dequantized(weight: QuantizedTensor): Tensor {
  const { scale, shape } = weight;
  const [rows, cols] = shape;
  const { backend } = scale;
  const out = empty(shape, 'f32', backend);
  if (weight instanceof Int8Tensor) {
    backend.kernels.dequantizeRows(out.buffer, weight.values.buffer, scale.buffer, rows, cols);
  } else {
    const { codes, groupSize } = weight;
    backend.kernels.dequantizeInt4(out.buffer, codes.buffer, scale.buffer, { rows, cols, groupSize });
  }
  return out;
}
