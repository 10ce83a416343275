// Passes of generation: over some tokens once, or recorded and repeated. Read next: context.ts.
import type { Program } from '../backend/contract.ts';
import type { GPT } from '../model/gpt.ts';
import type { ForwardOptions } from '../model/gpt-options.ts';
import type { KVCache } from '../model/kv-cache.ts';
import { keep, scope } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';

/**
 * Logits after the last of `ids` [V], or after each of them [T, V]. Computed directly, without a recorded
 * program.
 */
export async function once(
  model: GPT,
  ids: readonly number[],
  options: Pick<ForwardOptions, 'cache' | 'tap' | 'logits'>,
): Promise<Float32Array> {
  const logits = scope(() => {
    const input = empty([1, ids.length], 'i32', model.backend).write(Int32Array.from(ids));
    return model.forward(input, options); // [1, 1, V] or [1, T, V]
  });
  try {
    return await logits.data();
  } finally {
    logits.dispose();
  }
}

/** A pass over a fixed number of tokens, recorded once. */
export interface Pass {
  /** Logits [V] after `ids`, the first of which is at position `start`. */
  run(ids: readonly number[], start: number): Promise<Float32Array>;
  dispose(): void;
}

/** Records the pass over `length` tokens: after those in `cache`, or without one from position 0. */
export function recordPass(model: GPT, length: number, cache: KVCache | undefined): Pass {
  const { backend } = model;
  const input = keep(empty([1, length], 'i32', backend));
  const host = new Int32Array(length);
  const filled = cache?.length ?? 0;
  const made: Tensor[] = [];
  const program: Program = backend.record(() => {
    made.push(keep(scope(() => model.forward(input, { cache, logits: 'last' })))); // [1, 1, V]
  });
  const [logits] = made;
  if (cache) cache.length = filled; // the recorded pass has computed nothing yet
  const out = new Float32Array(logits.size); // one array for all passes: allocating takes longer than reading
  return {
    run(ids, start) {
      host.set(ids);
      input.write(host);
      program.replay(start);
      return backend.readInto(out, logits.buffer);
    },
    dispose() {
      program.dispose();
      input.dispose();
      logits.dispose();
    },
  };
}
