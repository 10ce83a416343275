// A hash table from pairs of small numbers to a number: which merge joins two tokens, where a byte leads in a trie.

/** Pairs of numbers >= 0, each with a number >= 0. */
export interface PairTable {
  /** The number of `(a, b)`, or -1. */
  get(a: number, b: number): number;
  /** Adds a pair that is not in the table yet. Holds `capacity` of them at most. */
  set(a: number, b: number, value: number): void;
}

/** An empty table for up to `capacity` pairs: open addressing, at most half full. */
export function makePairTable(capacity: number): PairTable {
  const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
  const last = 4 * slots - 4;
  const table = new Int32Array(4 * slots).fill(-1); // a, b, value, unused: one slot is in one cache line

  return {
    get(a, b) {
      let at = firstSlot(a, b) & last;
      while (table[at] !== a || table[at + 1] !== b) {
        if (table[at] === -1) return -1;
        at = (at + 4) & last;
      }
      return table[at + 2];
    },
    set(a, b, value) {
      let at = firstSlot(a, b) & last;
      while (table[at] !== -1) at = (at + 4) & last;
      table[at] = a;
      table[at + 1] = b;
      table[at + 2] = value;
    },
  };
}

function firstSlot(a: number, b: number): number {
  const hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  return (hash ^ (hash >>> 15)) << 2;
}
