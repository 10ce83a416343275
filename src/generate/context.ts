// What the model sees while it writes: the tokens so far, the KV cache, and what happens when the window is full.
// Read next: ../model/kv-cache.ts.
import type { GPT } from '../model/gpt.ts';
import { KVCache } from '../model/kv-cache.ts';
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';

/**
 * What to do when the text is longer than the window of `blockSize` tokens.
 * `slide`: exact and slow: every further token costs a pass over the last `blockSize` tokens, as if the model had been
 * given just these. `shift`: keep the last half of the window, read it again from position 0, and go on with the cache.
 */
export type Overflow = 'slide' | 'shift';

/** A text that grows at its end. */
export interface Context {
  /** Appends tokens (at least one) and returns the logits [V] of the token after them. */
  read(ids: readonly number[]): Promise<Float32Array>;
  /** The tokens that the last logits were computed from. */
  readonly visible: readonly number[];
  /** Frees the cache. */
  dispose(): void;
}

/** An empty context on `model`. Of more than `blockSize` tokens read at once only the last `blockSize` are seen. */
export function createContext(model: GPT, overflow: Overflow = 'slide'): Context {
  const { blockSize } = model.config;
  const cache = new KVCache(model.config, model.backend);
  let visible: number[] = [];

  /** A pass over `ids`; what `cache` holds comes before them. */
  async function forward(ids: readonly number[], before?: KVCache): Promise<Float32Array> {
    const logits = scope(() => {
      const input = tensor(Int32Array.from(ids), [1, ids.length], model.backend);
      return model.forward(input, { cache: before, logits: 'last' }); // [1, 1, V]
    });
    try {
      return await logits.data();
    } finally {
      logits.dispose();
    }
  }

  return {
    async read(ids): Promise<Float32Array> {
      const first = visible.length === 0;
      if (visible.length + ids.length <= blockSize) {
        visible.push(...ids);
        return forward(ids, cache);
      }
      const kept = overflow === 'slide' || first ? blockSize : Math.ceil(blockSize / 2);
      visible = [...visible, ...ids].slice(-kept);
      cache.clear();
      return forward(visible, overflow === 'slide' && !first ? undefined : cache);
    },
    get visible(): readonly number[] {
      return visible;
    },
    dispose: () => cache.dispose(),
  };
}
