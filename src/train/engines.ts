// The engines that computed the steps of a run. A run may be resumed on another engine, which its reports
// mention.

/** An engine that continued a run. */
export interface EngineUse {
  /** `native (AVX-512, 2 threads)` */
  engine: string;
  /** Optimizer steps that were done before; 0 for the engine on which the run began. */
  after: number;
}

/** `uses`, extended if `engine` is a new one after step `after`. */
export function takeOver(uses: readonly EngineUse[], engine: string, after: number): EngineUse[] {
  return uses.at(-1)?.engine === engine ? [...uses] : [...uses, { engine, after }];
}

/**
 * Whether engines with these descriptions compute the same bits: neither the number of threads makes a
 * difference, nor the reason why there is only one.
 */
export function sameArithmetic(a: string, b: string): boolean {
  return withoutThreads(a) === withoutThreads(b);
}

/** The description of an engine without what makes no difference: see `sameArithmetic`. */
export function withoutThreads(description: string): string {
  return description.replace(/, \d+ threads?(: .*)?(?=[,)])/, '');
}
