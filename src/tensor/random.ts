// Counter-based random numbers: the n-th number of a stream is a function of (seed, stream, n). So any engine
// can draw any of them in any order, and resuming a run needs only a position.
import { philox } from '../base/philox.ts';

const WORD = 2 ** 32;

/** The streams of a seed, by use: no two uses draw the same numbers. Numbers are in files, and stay. */
export const STREAMS = {
  weights: 0,
  train: 1,
  samples: 2,
  eval: 3,
  bpeDropout: 4,
  adapters: 5,
  shifts: 6,
  order: 7,
} as const;

/** The state of a stream: plain data, stored in checkpoints. */
export interface RandomState {
  seed: number;
  stream: number;
  /** Number of 32-bit words drawn so far. */
  position: number;
}

/** A stream of random numbers. */
export interface Random {
  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(): number;
  /** Normal with mean 0 and standard deviation 1, from two uniforms (Box and Muller 1958). */
  normal(): number;
  /** A whole number from 0 to n - 1. Throws unless n is a whole number from 1 to 2^32. */
  int(n: number): number;
  /** Number of 32-bit words drawn so far. Setting it moves the stream forwards or backwards. */
  position: number;
  /** `createRandom(state)` continues exactly from here. */
  state(): RandomState;
}

/**
 * The stream number `stream` of `seed`, from `position` on. Streams of one seed are independent of each other
 * and of its dropout masks. Throws unless seed and position are whole numbers from 0 to 2^53 - 1 and stream
 * is one below 2^32.
 *
 * @example const random = createRandom({ seed: 1337, stream: 1 }); random.int(6) // a die
 */
export function createRandom(from: { seed: number; stream?: number; position?: number }): Random {
  const { seed, stream = 0 } = from;
  check('seed', seed, Number.MAX_SAFE_INTEGER);
  check('stream', stream, WORD - 1);
  // The key's top bit separates streams from the masks of `Dropout`, whose key is the seed alone.
  const key = [seed % WORD, Math.floor(seed / WORD) + 0x80000000];
  const block = new Uint32Array(4);
  let blockNumber = -1;
  let position = 0;

  function word(): number {
    const wanted = Math.floor(position / 4);
    if (wanted !== blockNumber) {
      philox([wanted % WORD, Math.floor(wanted / WORD), stream, 0], key, block);
      blockNumber = wanted;
    }
    return block[position++ % 4];
  }

  const random: Random = {
    uniform: () => word() / WORD,
    normal() {
      const radius = Math.sqrt(-2 * Math.log((word() + 1) / WORD));
      return radius * Math.cos((2 * Math.PI * word()) / WORD);
    },
    int(n) {
      if (!Number.isInteger(n) || n < 1 || n > WORD) {
        throw new Error(`random int(${n}): the bound must be a whole number from 1 to 2^32`);
      }
      return Math.floor((word() / WORD) * n);
    },
    get position() {
      return position;
    },
    set position(to) {
      check('position', to, Number.MAX_SAFE_INTEGER);
      position = to;
    },
    state: () => ({ seed, stream, position }),
  };
  random.position = from.position ?? 0;
  return random;
}

function check(name: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    throw new Error(`random: ${name} ${value} is not a whole number from 0 to ${limit}`);
  }
}
