// Contestants that do the same work in turns: ours, a peer, ours, a peer. A machine whose speed changes from
// minute to minute then changes it for all of them. Read next: program.ts.
import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../../src/base/statistics.ts';

/** Who does some work, again and again. */
export interface Contestant {
  /** Engine or peer, with version and precision. */
  name: string;
  /** What a turn does. */
  includes: string;
  /** Tokens, or whatever is counted, of one turn. */
  amount: number;
  /** Does the work once; resolves to the seconds that it took. */
  turn(): Promise<number>;
  /** Ends; resolves to the peak resident memory of its process in MB, where that is its own. */
  close(): Promise<number | undefined>;
}

/** How long a contestant took. */
export interface Timing {
  name: string;
  includes: string;
  amount: number;
  /** Of the very first turn. */
  first: number;
  /** Of each turn after those for warming up. */
  seconds: number[];
  /** Median, least and most of them. */
  median: number;
  min: number;
  max: number;
  /** Amount per second, at the median. */
  rate: number;
  peakMB?: number;
}

/** Untimed turns of each at the start: caches fill, pages are mapped, code is compiled. */
export const WARM_UP = 2;

/** Milliseconds between turns, in which the threads of the one before go to sleep. */
const PAUSE = 20;

/** Each has `turns` timed turns, one after another, and is closed. */
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

/** Median and spread of `seconds`, and what of `amount` there was per second. */
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

/** How many times as fast `a` is as `b`, per unit of what they do. */
export function ratio(a: Timing, b: Timing): number {
  return a.rate / b.rate;
}
