// asciichart has no types.
declare module 'asciichart' {
  /** Draws each series as a line; rows are joined by newlines. */
  export function plot(
    series: readonly (readonly number[])[],
    config?: { height?: number; offset?: number; colors?: readonly string[]; format?: (x: number) => string },
  ): string;
}
