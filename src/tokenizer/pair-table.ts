// A hash table from pairs of tokens to a number: which merge joins them. Built once, read for every pair of neighbours.

/** Pairs of tokens, each with a number >= 0. */
export interface PairTable {
  /** The number of `left right`, or -1. */
  get(left: number, right: number): number;
  /** Adds a pair that is not in the table yet. Holds at most `capacity` of them. */
  set(left: number, right: number, value: number): void;
}

/** An empty table for up to `capacity` pairs: open addressing, at most half full. */
export function makePairTable(capacity: number): PairTable {
  const bits = Math.ceil(Math.log2(2 * capacity + 2));
  const mask = 2 ** bits - 1;
  const lefts = new Int32Array(mask + 1).fill(-1);
  const rights = new Int32Array(mask + 1);
  const values = new Int32Array(mask + 1);

  function find(left: number, right: number): number {
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (lefts[slot] !== -1 && (lefts[slot] !== left || rights[slot] !== right)) slot = (slot + 1) & mask;
    return slot;
  }

  return {
    get(left, right) {
      const slot = find(left, right);
      return lefts[slot] === -1 ? -1 : values[slot];
    },
    set(left, right, value) {
      const slot = find(left, right);
      lefts[slot] = left;
      rights[slot] = right;
      values[slot] = value;
    },
  };
}
