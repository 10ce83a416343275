// A weight matrix in INT8: one scale per output channel. Ops that take a weight take this one too.
import type { Tensor } from './tensor.ts';

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
