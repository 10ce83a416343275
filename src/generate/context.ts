// What the model sees while it writes: the tokens so far, the KV cache, and what happens when the context
// window is full. Read next: pass.ts, ../model/kv-cache.ts; batch.ts for many texts at once.
import type { GPT } from '../model/gpt.ts';
import { KVCache } from '../model/kv-cache.ts';
import type { Tap } from '../model/taps.ts';
import { once, type Pass, recordPass } from './pass.ts';

/**
 * What to do when the text is longer than the context window of `blockSize` tokens. `slide`: exact and slow.
 * Every further token costs a pass over the last `blockSize` tokens, as if the model had been given only
 * these. `shift`: keep the last half of the window, read it again from position 0, and continue with the
 * cache.
 */
export type Overflow = 'slide' | 'shift';

/** A text that grows at its end. */
export interface Context {
  /**
   * Appends tokens (at least one) and returns the logits [V] of the next token, in an array that the next
   * call may overwrite.
   */
  read(ids: readonly number[]): Promise<Float32Array>;
  /**
   * Logits [V] after each of `ids` (fewer than fit the window), as if they came next. The context does not
   * change.
   */
  peek(ids: readonly number[]): Promise<Float32Array[]>;
  /** The tokens that the latest logits were computed from. */
  readonly visible: readonly number[];
  /** Frees the cache. */
  dispose(): void;
}

/**
 * An empty context for `model`. Of more than `blockSize` tokens read at once only the last `blockSize` are
 * seen. `tap` gets the values of every pass; no program is recorded then, which is slower.
 */
export function createContext(model: GPT, overflow: Overflow = 'slide', tap?: Tap): Context {
  const { blockSize } = model.config;
  const cache = new KVCache(model.config, model.backend);
  const passes = new Map<string, Pass>();
  let visible: number[] = [];

  /** One pass over `ids`, after the tokens in `before`, which is extended by them. */
  async function forward(ids: readonly number[], before?: KVCache): Promise<Float32Array> {
    // Passes worth recording: the next token, or the next window.
    const often = ids.length === 1 || before === undefined;
    if (tap || !often) return once(model, ids, { cache: before, tap, logits: 'last' });
    const kind = before ? 'token' : 'window';
    const pass = passes.get(kind) ?? recordPass(model, ids.length, before);
    passes.set(kind, pass);
    const logits = pass.run(ids, before?.length ?? 0);
    if (before) before.length += ids.length;
    return logits;
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
    async peek(ids): Promise<Float32Array[]> {
      const fits = visible.length + ids.length <= blockSize;
      const read = fits ? ids : [...visible, ...ids].slice(-blockSize);
      const filled = cache.length;
      const logits = await once(model, read, { cache: fits ? cache : undefined, tap, logits: 'all' });
      cache.length = filled; // later entries are stale, and are written again before they are read
      const V = model.config.vocabSize;
      const after = read.map((_, t) => logits.subarray(t * V, (t + 1) * V));
      return after.slice(-ids.length);
    },
    get visible(): readonly number[] {
      return visible;
    },
    dispose() {
      for (const pass of passes.values()) pass.dispose();
      passes.clear();
      cache.dispose();
    },
  };
}
