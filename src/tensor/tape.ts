// The tape: while one runs, each op records how to pass its gradient back; the record is then played in
// reverse. This is all of automatic differentiation here (reverse mode, Linnainmaa 1970). Read next: ops.ts.
import { adopt, keep, openScopes, ownedAbove, scope } from './scope.ts';
import { empty, type Tensor, zeros } from './tensor.ts';

/** One recorded op: its output, its backward, and what can be freed afterwards. */
interface Entry {
  output: Tensor;
  backward: (dy: Tensor | null) => void;
  release: readonly Tensor[];
  /** Inputs that need no gradient: data, frozen parameters, and what was computed from these alone. */
  constant: readonly Tensor[];
}

interface Recording {
  /** Null in a trial, in which ops behave as if they were recorded, but nothing is kept. */
  entries: Entry[] | null;
  /** Number of scopes that were open before. */
  depth: number;
}

let recording: Recording | null = null;

/**
 * True while a tape runs and one of `inputs` depends on a parameter. The op must then record its backward.
 */
export function needsGrad(...inputs: readonly (Tensor | null)[]): boolean {
  return recording !== null && inputs.some((input) => input?.requiresGrad === true);
}

/**
 * Called by an op after its kernel. If a tape runs and one of `inputs` needs a gradient, `backward` is
 * recorded. It gets dy, the gradient of `output`, and adds to the gradients of the inputs; it is not called
 * when no gradient arrives. It may overwrite dy with dx in place, and pass the buffer on by `passGrad`.
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

/**
 * As `record`, for an op whose output is the differentiated loss: a gradient starts there, none arrives.
 */
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
  if (recording && needsGrad(...inputs)) {
    const { entries, depth } = recording;
    output.requiresGrad = true;
    if (entries === null) {
      for (const tensor of saved) tensor.dispose();
      return output;
    }
    const constant = inputs.filter((input): input is Tensor => input?.requiresGrad === false);
    // The backward reads its inputs. Those that no earlier entry holds would be gone with their scope.
    const held = constant.filter((input) => ownedAbove(depth, input));
    const release = [output, ...saved, ...held];
    for (const tensor of release) keep(tensor); // the tape owns them now, and frees them in `play`
    entries.push({ output, backward, release, constant });
  } else {
    for (const tensor of saved) tensor.dispose();
  }
  return output;
}

/** Calls `use` during the backward, as soon as the gradient of `tensor` is complete. */
export function onGradient(tensor: Tensor, use: (grad: Tensor) => void): void {
  // Ops that use `tensor` are recorded after this entry, so their backward runs before it. The op that made
  // `tensor` comes earlier, so its backward runs later.
  if (tensor.requiresGrad) {
    recording?.entries?.push({
      output: tensor,
      backward: (grad) => grad && use(grad),
      release: [],
      constant: [],
    });
  }
}

/**
 * Runs `fn`, then the backward of the losses that it computed (`crossEntropy`). Afterwards the gradient of
 * each parameter that was used has been added to its `grad`. Returns what `fn` returned. Frees everything
 * else; activations as soon as the backward is past them. Synchronous. Throws when a tape already runs.
 */
export function withGradients<R>(fn: () => R): R {
  if (recording) throw new Error('a tape is running already: withGradients() does not nest');
  return forthAndBack(fn);
}

/**
 * As `withGradients`, within it: `fn` computes losses, whose backward runs now and not at the end. It adds to
 * the gradients of all that `fn` reads. Without a tape, `fn` alone.
 */
export function withGradientsNow<R>(fn: () => R): R {
  return recording?.entries ? forthAndBack(fn) : scope(fn);
}

/** Runs `fn` without a tape: what it computes gets no gradient, and passes none on. */
export function withoutGradients<R>(fn: () => R): R {
  const outer = recording;
  recording = null;
  try {
    return scope(fn);
  } finally {
    recording = outer;
  }
}

/**
 * Runs `fn` without keeping what its backward needs, only its result: then the backward runs it again. Saves
 * memory for time (activation checkpointing, Chen et al. 2016). The gradients are the same bits, if `fn`
 * computes the same bits twice. It is told whether it runs again. `inputs` are the tensors that it reads,
 * besides parameters.
 */
export function recomputed(inputs: readonly Tensor[], fn: (again: boolean) => Tensor): Tensor {
  const outer = recording;
  if (!outer?.entries) return scope(() => fn(false));
  recording = { ...outer, entries: null };
  let output: Tensor;
  try {
    output = scope(() => fn(false));
  } finally {
    recording = outer;
  }
  if (!output.requiresGrad) return output;
  return record(output, [output, ...inputs], [], (dy) => {
    output.grad = null;
    forthAndBack(() => {
      const again = fn(true);
      again.grad = dy;
      return null;
    });
  });
}

/** Runs `fn` on a tape of its own, then its backward. */
function forthAndBack<R>(fn: () => R): R {
  const outer = recording;
  return scope(() => {
    const entries: Entry[] = [];
    recording = { entries, depth: openScopes() - 1 };
    try {
      const result = fn();
      recording = null;
      const results = new Set<unknown>([result, ...Object.values(result ?? {})]);
      while (entries.length > 0) play(entries.pop() as Entry, results);
      return result;
    } finally {
      recording = outer;
      // Only after an error.
      for (const entry of entries) for (const tensor of entry.release) tensor.dispose();
    }
  });
}

function play({ output, backward, release, constant }: Entry, results: ReadonlySet<unknown>): void {
  backward(output.grad);
  // Some kernels write all gradients at once, also of inputs that need none.
  for (const tensor of constant) dropGrad(tensor);
  for (const tensor of release) {
    dropGrad(tensor);
    if (results.has(tensor)) adopt(tensor);
    else tensor.dispose();
  }
}

function dropGrad(tensor: Tensor): void {
  tensor.grad?.dispose();
  tensor.grad = null;
}

/**
 * Where to write the gradient of `x`, and whether to add to what is there. A parameter's gradient starts at
 * zero and stays. Any other gradient starts undefined, is overwritten by its first contribution, and is freed
 * by the tape.
 */
export function gradOf(x: Tensor): { grad: Tensor; accumulate: boolean } {
  if (x.grad) return { grad: x.grad, accumulate: true };
  x.grad = keep(x.isParameter ? zeros(x.shape, 'f32', x.backend) : empty(x.shape, 'f32', x.backend));
  return { grad: x.grad, accumulate: x.isParameter };
}

/**
 * Adds a gradient to that of `x` by a kernel that can only overwrite: directly if it is the first, else
 * through a temporary tensor.
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
 * Passes the gradient of `from` on to `x`, after a kernel has turned it into the gradient of `x` in place.
 * Moves the buffer itself if `x` has no gradient yet. Afterwards `from` has none.
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
