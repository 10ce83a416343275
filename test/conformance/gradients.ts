// Finite differences, the independent judge of every backward. Read next: reference-gradients.test.ts.

import type { DeviceBuffer, Kernels } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { createRandom } from '../../src/tensor/random.ts';

/** A kernel and its backward, as functions of named arrays. */
export interface Differentiable {
  name: string;
  /** Sizes of the inputs that have a gradient; they are filled at random. */
  inputs: Record<string, number>;
  /** Size of the output, from which the loss is made. */
  output: number;
  /**
   * Runs the forward into `out`. Allocates its other outputs with `make`, and may keep them for `backward`.
   */
  forward(k: Kernels, out: DeviceBuffer, inputs: Record<string, DeviceBuffer>, make: Make): void;
  /** Writes the gradient of each input. They contain zeros before. */
  backward(
    k: Kernels,
    gradients: Record<string, DeviceBuffer>,
    dOut: DeviceBuffer,
    inputs: Record<string, DeviceBuffer>,
    make: Make,
  ): void;
}
export type Make = (name: string, length: number) => DeviceBuffer;

/** Step of the difference quotient: the best compromise between float32 rounding and curvature. */
const STEP = 2 ** -7;

/**
 * For the loss sum(out * dOut) with random dOut: throws unless the gradients of `backward` agree to about
 * four digits with (loss(x + u h) - loss(x - u h)) / 2h, along random directions u of each input.
 */
export async function checkGradients(d: Differentiable): Promise<void> {
  const backend = createReference();
  const random = createRandom({ seed: 99 });
  const normals = (n: number): Float32Array => Float32Array.from({ length: n }, () => random.normal());
  const put = (data: Float32Array): DeviceBuffer => {
    const buffer = backend.alloc('f32', data.length);
    backend.write(buffer, data);
    return buffer;
  };
  const kept = new Map<string, DeviceBuffer>();
  const make: Make = (name, length) => {
    const buffer = kept.get(name) ?? backend.alloc('f32', length);
    kept.set(name, buffer);
    return buffer;
  };
  const at: Record<string, Float32Array> = {};
  for (const [name, n] of Object.entries(d.inputs)) at[name] = normals(n);
  const dOut = normals(d.output);
  const out = put(dOut.slice());
  const inputs: Record<string, DeviceBuffer> = {};
  for (const name of Object.keys(at)) inputs[name] = put(at[name]);

  const loss = (): number => {
    d.forward(backend.kernels, out, inputs, make);
    const values = backend.readSync(out) as Float32Array;
    return dOut.reduce((sum, g, i) => sum + g * values[i], 0);
  };

  loss();
  const gradients: Record<string, DeviceBuffer> = {};
  for (const name of Object.keys(at)) gradients[name] = put(new Float32Array(at[name].length));
  d.backward(backend.kernels, gradients, put(dOut), inputs, make);

  for (const name of Object.keys(at)) {
    const gradient = backend.readSync(gradients[name]) as Float32Array;
    const length = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    for (let direction = 0; direction < 8; direction++) {
      const u = normals(at[name].length);
      const norm = Math.sqrt(u.reduce((sum, x) => sum + x * x, 0));
      const moved = (h: number): number => {
        backend.write(
          inputs[name],
          at[name].map((x, i) => x + (h * u[i]) / norm),
        );
        return loss();
      };
      // Two steps and Richardson's extrapolation: the error falls with h^4.
      const wide = (moved(2 * STEP) - moved(-2 * STEP)) / (4 * STEP);
      const narrow = (moved(STEP) - moved(-STEP)) / (2 * STEP);
      const want = (4 * narrow - wide) / 3;
      const got = gradient.reduce((sum, g, i) => sum + (g * u[i]) / norm, 0);
      backend.write(inputs[name], at[name]);
      const allowed = 3e-4 * (length + 1);
      if (!(Math.abs(got - want) <= allowed)) {
        throw new Error(
          `${d.name}: d${name} along direction ${direction} is ${got}, difference quotient ${want}, allowed ${allowed}`,
        );
      }
    }
  }
  backend.dispose();
}
