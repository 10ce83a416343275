// Frees what belongs to an object that was dropped without being closed: a generator left in the middle, an
// engine without `dispose`. A safety net: it acts only when the garbage collector runs.

const registry = new FinalizationRegistry<() => void>((giveBack) => {
  try {
    giveBack();
  } catch {
    // the resource was already disposed of, together with everything in it
  }
});

/**
 * Runs `giveBack` once `held` is unreachable, unless `settled(held)` was called before. `giveBack` must not
 * refer to `held`.
 */
export function whenDropped(held: object, giveBack: () => void): void {
  registry.register(held, giveBack, held);
}

/** Cancels `whenDropped(held, ...)`: there is nothing left to free. */
export function settled(held: object): void {
  registry.unregister(held);
}
