// A weight matrix in INT8: one scale per output channel. Ops that take a weight take this one too.
import { empty, type Tensor } from './tensor.ts';

/** x[r, c] = values[r, c] * scale[r]; values `i8` [rows, cols], scale `f32` [rows]. */
export class QuantizedTensor {
  readonly values: Tensor;
  readonly scale: Tensor;
  /** What an int8 product does with its other side: keep it in float, or quantise each row on the fly. */
  readonly activations: 'f32' | 'int8';

  constructor(values: Tensor, scale: Tensor, activations: 'f32' | 'int8') {
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

/** A matrix that a layer multiplies by: trainable, or quantised. */
export type Weight = Tensor | QuantizedTensor;

/** The elements of a weight as the layers see them, [rows * cols]. */
export async function weightValues(weight: Weight): Promise<Float32Array> {
  if (!(weight instanceof QuantizedTensor)) return weight.data();
  const { values, scale, shape } = weight;
  const out = empty(shape, 'f32', values.backend);
  values.backend.kernels.dequantizeRows(out.buffer, values.buffer, scale.buffer, shape[0], shape[1]);
  try {
    return await out.data();
  } finally {
    out.dispose();
  }
}
