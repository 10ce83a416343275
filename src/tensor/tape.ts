// The tape: while one runs, each op records how to send its gradient back; `backward` plays the record in reverse.
import { keep, scope } from './scope.ts';
import { empty, type Tensor, zeros } from './tensor.ts';

/** One recorded op. `backward` reads `output.grad` and adds to the gradients of the inputs. */
interface Entry {
  output: Tensor;
  /** Tensors saved for the backward only (mean, lse, ...), freed after it. */
  saved: Tensor[];
  backward: (() => void) | null;
}

let recording: Entry[] | null = null;

/** True while a tape runs: ops then keep what their backward needs. */
export function isRecording(): boolean {
  return recording !== null;
}

/**
 * Called by an op after its kernel: remembers `backward` if a tape runs and one of `inputs` wants a gradient.
 * Otherwise `saved` is of no use and freed at once.
 */
export function record(
  output: Tensor,
  inputs: readonly (Tensor | null)[],
  saved: Tensor[],
  backward: () => void,
): Tensor {
  if (recording && inputs.some((input) => input?.requiresGrad)) {
    output.requiresGrad = true;
    recording.push({ output, saved, backward });
  } else {
    for (const s of saved) s.dispose();
  }
  return output;
}

/** Calls `watch(tensor)` during the backward, at the moment when the gradient of `tensor` is complete. */
export function onGradient(tensor: Tensor, watch: (tensor: Tensor) => void): void {
  if (!recording || !tensor.requiresGrad) return;
  // Everything that uses `tensor` is recorded after this entry, so it plays before it.
  recording.push({ output: tensor, saved: [], backward: null });
  const entry = recording[recording.length - 1];
  entry.backward = () => watch(tensor);
  watchers.add(entry);
}
const watchers = new WeakSet<Entry>();

/**
 * Runs `fn`, then its backward from the losses that `fn` recorded (`crossEntropy`): afterwards every parameter that was used has its
 * gradient added to `grad`. Returns what `fn` returned; everything else made inside is freed, activations as soon as
 * the backward is past them.
 */
export function withGradients<R>(fn: () => R): R {
  if (recording) throw new Error('a tape is running already: withGradients() does not nest');
  return scope(() => {
    const entries: Entry[] = [];
    recording = entries;
    let result: R;
    try {
      result = fn();
    } finally {
      recording = null;
    }
    const returned = new Set<unknown>(typeof result === 'object' && result ? [result, ...Object.values(result)] : []);
    while (entries.length > 0) play(entries.pop() as Entry, returned);
    return result;
  });
}

function play(entry: Entry, returned: Set<unknown>): void {
  const { output, saved } = entry;
  entry.backward?.();
  if (watchers.has(entry)) return;
  for (const tensor of saved) tensor.dispose();
  if (output.isParameter) return;
  output.grad?.dispose();
  output.grad = null;
  if (!returned.has(output)) output.dispose();
}

/**
 * Where the gradient of `x` goes: its buffer, and whether to add to what is there. A parameter's gradient starts at
 * zero and lives on; any other starts undefined, is overwritten once, and is freed by the tape.
 */
export function gradOf(x: Tensor): { grad: Tensor; accumulate: boolean } {
  if (x.grad) return { grad: x.grad, accumulate: true };
  if (x.isParameter) {
    x.grad = keep(zeros(x.shape, 'f32', x.backend));
    return { grad: x.grad, accumulate: true };
  }
  x.grad = empty(x.shape, 'f32', x.backend);
  return { grad: x.grad, accumulate: false };
}

/** Gives `x` a gradient by a kernel that can only overwrite: directly if `x` has none yet, else by way of a temporary. */
export function addGrad(x: Tensor, write: (dx: Tensor) => void): void {
  const { grad, accumulate } = gradOf(x);
  if (!accumulate) return write(grad);
  const temporary = empty(x.shape, 'f32', x.backend);
  write(temporary);
  x.backend.kernels.add(grad.buffer, grad.buffer, temporary.buffer);
  temporary.dispose();
}

/** Hands the gradient of `from` on to `x`, which may keep the buffer: `from` has none afterwards. */
export function passGrad(x: Tensor, from: Tensor): void {
  const dOut = from.grad as Tensor;
  if (x.grad || x.isParameter) {
    const { grad } = gradOf(x);
    x.backend.kernels.add(grad.buffer, grad.buffer, dOut.buffer);
    dOut.dispose();
  } else {
    x.grad = dOut;
  }
  from.grad = null;
}
