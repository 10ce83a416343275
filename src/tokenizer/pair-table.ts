// A hash table from pairs of small numbers to a number: which merge joins two tokens, where a byte leads in a
// trie.

/** Pairs of numbers >= 0, each with a number >= 0. */
export interface PairTable {
  /** The number of `(a, b)`, or -1. */
  get(a: number, b: number): number;
  /** Adds a pair that is not in the table yet. */
  set(a: number, b: number, value: number): void;
}

/**
 * An empty table: open addressing, at most half full. A small table of bits tells most pairs that are not in
 * it (Bloom 1970, with one hash function).
 */
export function makePairTable(): PairTable {
  let table = new Int32Array(4 * 256).fill(-1); // a, b, value, unused: one slot is in one cache line
  let last = table.length - 4;
  let marks = new Int32Array(table.length / 8); // 16 bits for each slot
  let size = 0;

  function set(a: number, b: number, value: number): void {
    if (8 * ++size > table.length) grow();
    const hash = hashOf(a, b);
    marks[(hash >>> 5) & (marks.length - 1)] |= 1 << hash;
    let at = (hash << 2) & last;
    while (table[at] !== -1) at = (at + 4) & last;
    table[at] = a;
    table[at + 1] = b;
    table[at + 2] = value;
  }

  function grow(): void {
    const old = table;
    table = new Int32Array(2 * old.length).fill(-1);
    last = table.length - 4;
    marks = new Int32Array(table.length / 8);
    size = 1; // counts the pair that is about to be added
    for (let at = 0; at < old.length; at += 4) if (old[at] !== -1) set(old[at], old[at + 1], old[at + 2]);
  }

  return {
    get(a, b) {
      const hash = hashOf(a, b);
      if (((marks[(hash >>> 5) & (marks.length - 1)] >>> hash) & 1) === 0) return -1;
      let at = (hash << 2) & last;
      while (table[at] !== a || table[at + 1] !== b) {
        if (table[at] === -1) return -1;
        at = (at + 4) & last;
      }
      return table[at + 2];
    },
    set,
  };
}

/** A hash whose last bits depend on all bits of both. */
export function hashOf(a: number, b: number): number {
  const hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
