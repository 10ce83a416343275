// Gives back what belongs to something that was dropped: a generator in the middle, an engine without
// `dispose`. A safety net: it comes when the garbage collector does.

const registry = new FinalizationRegistry<() => void>((giveBack) => {
  try {
    giveBack();
  } catch {
    // what it belonged to was disposed of before, and everything with it
  }
});

/**
 * Runs `giveBack`, which must not refer to `held`, once nobody can reach `held` any more; unless
 * `settled(held)` comes before.
 */
export function whenDropped(held: object, giveBack: () => void): void {
  registry.register(held, giveBack, held);
}

/** Nothing is left to give back. */
export function settled(held: object): void {
  registry.unregister(held);
}
