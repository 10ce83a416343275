// Copies named values, and their gradients, out of one pass. For statistics over many tokens see measure.ts.
// Read next: edit.ts.
import { complete, int32s, type Table, texts } from '../base/fields.ts';
import type { GPT } from '../model/gpt.ts';
import { matchTaps, type Tap } from '../model/taps.ts';
import { crossEntropy } from '../tensor/ops.ts';
import { keep, scope } from '../tensor/scope.ts';
import { withGradients } from '../tensor/tape.ts';
import { empty, type Tensor, tensor } from '../tensor/tensor.ts';
import { type Captured, type Edit, editsField, editTap, joinTaps } from './edit.ts';
import { checkPrompt } from './prompt.ts';

export interface CaptureOptions {
  /** Glob patterns of names, see `matchTaps`. */
  taps: readonly string[];
  /** Changes to make in the pass. Cannot be combined with `targets`. */
  edits?: readonly Edit[];
  /** The token that follows each of `ids`. If given, the gradients of the mean loss are captured too. */
  targets?: Int32Array;
}

/** The options of `capture`. */
export const captureFields: Table<CaptureOptions> = {
  taps: texts({ about: 'names of the values to copy, as glob patterns', required: true }),
  edits: editsField,
  targets: int32s({ about: 'the token that follows each one, to have gradients, too' }),
};

/**
 * Runs `ids` (at most `blockSize` of them) through `model`, without dropout, and copies out the values that
 * `taps` match, in the order of computation. Throws for an unknown name and for ids that do not fit.
 *
 * @example const [act] = await capture(model, ids, { taps: ['blocks.0.mlp.act'] }); act.shape // [1, T, 4C]
 */
export async function capture(model: GPT, ids: Int32Array, options: CaptureOptions): Promise<Captured[]> {
  const { taps = [], edits = [], targets } = complete(captureFields, options, 'capture');
  checkPrompt(ids, model.config);
  const names = new Set(matchTaps(taps, model.config));
  const copies = new Map<string, { value: Tensor; gradient: Tensor | null }>();
  const watching: Tap = {
    wants: (name) => names.has(name),
    value: (name, x) => copies.set(name, { value: copyOf(x), gradient: null }),
    gradient(name, x): void {
      const copy = copies.get(name);
      if (copy) copy.gradient = copyOf(x);
    },
  };
  const tap = joinTaps(editTap(edits, model.config), watching);
  const shape = [1, ids.length];
  const forward = (): Tensor => model.forward(tensor(ids, shape, model.backend), { tap }); // [1, T, V]
  if (targets) withGradients(() => void crossEntropy(forward(), tensor(targets, shape, model.backend)));
  else scope(() => void forward());
  const captured: Captured[] = [];
  for (const [name, { value, gradient }] of copies) {
    captured.push({
      name,
      shape: value.shape,
      value: await value.data(),
      gradient: gradient && (await gradient.data()),
    });
    value.dispose();
    gradient?.dispose();
  }
  return captured;
}

function copyOf(x: Tensor): Tensor {
  const copy = keep(empty(x.shape, 'f32', x.backend));
  x.backend.kernels.copy(copy.buffer, x.buffer);
  return copy;
}
