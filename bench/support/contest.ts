// Contestants that do the same work in turns: ours, a peer, ours, a peer. So a machine whose speed changes
// from minute to minute changes it for all of them. Read next: program.ts.
import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../../src/base/statistics.ts';

/** One that does some work repeatedly. */
export interface Contestant {
  /** Engine or peer, with version and precision. */
  name: string;
  /** The work of a turn, in words. */
  includes: string;
  /** Number of tokens, or of whatever is counted, in a turn. */
  amount: number;
  /** Does the work once; resolves to the seconds that it took. */
  turn(): Promise<number>;
  /**
   * Closes the contestant. Resolves to the peak resident memory of its process in MB, if it has its own
   * process.
   */
  close(): Promise<number | undefined>;
}

/** The times of a contestant. */
export interface Timing {
  name: string;
  includes: string;
  amount: number;
  /** Seconds of the very first turn. */
  first: number;
  /** Seconds of each timed turn. */
  seconds: number[];
  /** Their median, least and greatest. */
  median: number;
  min: number;
  max: number;
  /** Amount per second, at the median. */
  rate: number;
  peakMB?: number;
}

/** Untimed turns at the start: caches fill, pages are mapped, code is compiled. */
export const WARM_UP = 2;

/** Milliseconds between turns, in which the threads of the previous contestant go to sleep. */
const PAUSE = 20;

/** Runs the contest: `turns` timed turns of each, alternating; then closes all. */
export async function takeTurns(contestants: readonly Contestant[], turns: number): Promise<Timing[]> {
  const seconds = contestants.map((): number[] => []);
  const first = contestants.map(() => 0);
  for (let round = -WARM_UP; round < turns; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const time = await contestant.turn();
      if (round >= 0) seconds[i].push(time);
      if (round === -WARM_UP) first[i] = time;
      await pause(PAUSE);
    }
  }
  const timings: Timing[] = [];
  for (const [i, { name, includes, amount, close }] of contestants.entries()) {
    const peakMB = await close();
    timings.push({
      name,
      includes,
      amount,
      first: first[i],
      ...summary(seconds[i], amount),
      ...(peakMB && { peakMB }),
    });
  }
  return timings;
}

/** Median and range of `seconds`, and the `amount` per second. */
export function summary(
  seconds: number[],
  amount: number,
): Pick<Timing, 'seconds' | 'median' | 'min' | 'max' | 'rate'> {
  const middle = median(seconds);
  return {
    seconds,
    median: middle,
    min: Math.min(...seconds),
    max: Math.max(...seconds),
    rate: amount / middle,
  };
}

/** The speed of `a` divided by that of `b`, per unit of their amounts. */
export function ratio(a: Timing, b: Timing): number {
  return a.rate / b.rate;
}
