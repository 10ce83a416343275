// Which engine computed which steps of a run: a run may go on elsewhere, and its reports say so.

/** An engine that took a run over. */
export interface EngineUse {
  /** `native (AVX-512, 2 threads)` */
  engine: string;
  /** Optimizer steps that were done before: 0 for the engine that a run began on. */
  after: number;
}

/** `uses` when `engine` goes on after step `after`. */
export function takeOver(uses: readonly EngineUse[], engine: string, after: number): EngineUse[] {
  return uses.at(-1)?.engine === engine ? [...uses] : [...uses, { engine, after }];
}

/** Whether engines of these descriptions compute the same bits: their threads make no difference. */
export function sameArithmetic(a: string, b: string): boolean {
  const withoutThreads = (description: string): string => description.replace(/, \d+ threads?[^,)]*/, '');
  return withoutThreads(a) === withoutThreads(b);
}
