// The tape: while one runs, each op records how to send its gradient back; the record is then played in
// reverse. This is the whole of automatic differentiation here (reverse mode, Linnainmaa 1970). Read next:
// ops.ts.
import { adopt, keep, scope } from './scope.ts';
import { empty, type Tensor, zeros } from './tensor.ts';

/** One recorded op: what it made, what to do on the way back, and what can be freed after it. */
interface Entry {
  output: Tensor;
  backward: (dy: Tensor | null) => void;
  release: readonly Tensor[];
}

let recording: Entry[] | null = null;

/**
 * True while a tape runs and `inputs` lead to a parameter: the op must then be able to send a gradient back.
 */
export function needsGrad(...inputs: readonly (Tensor | null)[]): boolean {
  return recording !== null && inputs.some((input) => input?.requiresGrad === true);
}

/**
 * Called by an op after its kernel. If a tape runs and one of `inputs` wants a gradient, `backward` is
 * remembered: it gets dy, the gradient of `output`, and adds to the gradients of the inputs; it is not called
 * where no gradient arrives. It may overwrite dy with dx, in place, and hand the buffer on by `passGrad`.
 * `saved` are tensors that only the backward needs.
 */
export function record(
  output: Tensor,
  inputs: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  backward: (dy: Tensor) => void,
): Tensor {
  return remember(output, inputs, saved, (dy) => dy && backward(dy));
}

/** The same for an op whose output is what is differentiated: a gradient starts there, and none arrives. */
export function recordLoss(
  output: Tensor,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  backward: () => void,
): Tensor {
  return remember(output, inputs, saved, backward);
}

function remember(
  output: Tensor,
  inputs: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  backward: (dy: Tensor | null) => void,
): Tensor {
  if (needsGrad(...inputs)) {
    output.requiresGrad = true;
    const release = [output, ...saved];
    for (const tensor of release) keep(tensor); // the tape owns them now, and frees them in `play`
    recording?.push({ output, backward, release });
  } else {
    for (const tensor of saved) tensor.dispose();
  }
  return output;
}

/** Calls `watch` during the backward, at the moment when the gradient of `tensor` is complete. */
export function onGradient(tensor: Tensor, watch: (grad: Tensor) => void): void {
  // What uses `tensor` is recorded after this entry and so plays before it; what made `tensor` plays after
  // it.
  if (tensor.requiresGrad) {
    recording?.push({ output: tensor, backward: (grad) => grad && watch(grad), release: [] });
  }
}

/**
 * Runs `fn`, then the backward of the losses that it computed (`crossEntropy`). Afterwards each parameter
 * that was used has its gradient added to `grad`. Returns what `fn` returned; all else is freed, activations
 * as soon as the backward is past them. Synchronous; throws when a tape runs already.
 */
export function withGradients<R>(fn: () => R): R {
  if (recording) throw new Error('a tape is running already: withGradients() does not nest');
  return scope(() => {
    const entries: Entry[] = [];
    recording = entries;
    try {
      const result = fn();
      recording = null;
      const results = new Set<unknown>([result, ...Object.values(result ?? {})]);
      while (entries.length > 0) play(entries.pop() as Entry, results);
      return result;
    } finally {
      recording = null;
      for (const entry of entries) for (const tensor of entry.release) tensor.dispose(); // after an error only
    }
  });
}

function play({ output, backward, release }: Entry, results: ReadonlySet<unknown>): void {
  backward(output.grad);
  for (const tensor of release) {
    tensor.grad?.dispose();
    tensor.grad = null;
    if (results.has(tensor)) adopt(tensor);
    else tensor.dispose();
  }
}

/**
 * Where the gradient of `x` goes, and whether to add to what is there. A parameter's gradient starts at zero
 * and lives on; any other starts undefined, is overwritten by the first that contributes, and is freed by the
 * tape.
 */
export function gradOf(x: Tensor): { grad: Tensor; accumulate: boolean } {
  if (x.grad) return { grad: x.grad, accumulate: true };
  x.grad = keep(x.isParameter ? zeros(x.shape, 'f32', x.backend) : empty(x.shape, 'f32', x.backend));
  return { grad: x.grad, accumulate: x.isParameter };
}

/**
 * Sends a gradient to `x` by a kernel that can only overwrite: directly if it is the first, else by a
 * temporary.
 */
export function addGrad(x: Tensor, write: (dx: Tensor) => void): void {
  const { grad, accumulate } = gradOf(x);
  if (!accumulate) {
    write(grad);
    return;
  }
  const dx = empty(x.shape, 'f32', x.backend);
  write(dx);
  x.backend.kernels.add(grad.buffer, grad.buffer, dx.buffer);
  dx.dispose();
}

/**
 * Hands the gradient of `from`, which the kernel before has turned into that of `x`, on to `x`: the buffer
 * itself where `x` has none yet. `from` has none afterwards.
 */
export function passGrad(x: Tensor, from: Tensor): void {
  const { grad: dOut } = gradOf(from);
  from.grad = null;
  if (x.grad || x.isParameter) {
    const { grad } = gradOf(x);
    x.backend.kernels.add(grad.buffer, grad.buffer, dOut.buffer);
    dOut.dispose();
  } else {
    x.grad = dOut;
  }
}
