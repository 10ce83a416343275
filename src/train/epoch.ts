// Sampling without replacement: in each epoch every window of a text once, in an order of its own. Nothing is
// shuffled in memory: a window's place in the order is computed from its number.
import { philox } from '../base/philox.ts';
import { createRandom, STREAMS } from '../tensor/random.ts';
import { running, type Stretches, stretchOf } from './stretches.ts';

/** A stretch of so many windows gives one up, so that the others can begin elsewhere in each epoch. */
const MANY = 16;

/**
 * Where the windows number `first` to `first + count` of a training begin. Within an epoch the windows of a
 * stretch touch each other and do not overlap; they begin at another place in each epoch, so that their
 * borders move. Tokens that do not fill a window at either end of a stretch are left out of that epoch.
 */
export function epochPlan(
  { starts, lengths }: Stretches,
  T: number,
  seed: number,
): (first: number, count: number) => number[] {
  const fitting = lengths.map((length) => {
    const whole = Math.floor((length - 1) / T);
    return whole >= MANY ? whole - 1 : whole;
  });
  const before = running(fitting);
  const all = before[starts.length];
  const placeOf = (number: number): number => {
    const epoch = Math.floor(number / all);
    const turn = shuffled(number % all, all, seed, epoch);
    const k = stretchOf(before, turn);
    const spare = lengths[k] - 1 - fitting[k] * T; // below 2 T
    const shift = createRandom({
      seed,
      stream: STREAMS.shifts,
      position: 2 ** 20 * epoch + (k % 2 ** 20),
    }).int(spare + 1);
    return starts[k] + shift + (turn - before[k]) * T;
  };
  return (first, count) => Array.from({ length: count }, (_, i) => placeOf(first + i));
}

/**
 * Where `i` of `0..n-1` goes in a random order of them that depends on `seed` and `epoch`: a Feistel network
 * of four rounds on numbers of an even number of bits (Luby and Rackoff 1988), applied again while the result
 * is not below n (Black and Rogaway 2002). Every result occurs once. `n` is at most 2^52.
 */
export function shuffled(i: number, n: number, seed: number, epoch: number): number {
  const bits = Math.max(1, Math.ceil(Math.log2(n) / 2));
  const half = 2 ** bits;
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32) + 0x80000000];
  const words = new Uint32Array(4);
  let at = i;
  do {
    let [left, right] = [Math.floor(at / half), at % half];
    for (let round = 0; round < ROUNDS; round++) {
      const mix = philox([right, epoch, STREAMS.order, round + 1], key, words)[0] % half;
      [left, right] = [right, (left + mix) % half];
    }
    at = left * half + right;
  } while (at >= n);
  return at;
}

const ROUNDS = 4;
