// A hash table of byte strings: each distinct string gets the next number, 0, 1, 2, ... Training uses it to
// count equal chunks, encoding to remember the chunks already encoded.

/** Distinct byte strings, numbered in the order in which they were first added. */
export interface ByteTable {
  /** Number of distinct strings. */
  readonly size: number;
  /** Total length of the distinct strings. */
  readonly byteLength: number;
  /**
   * The number of `source[start..end)`. A new string is added, and its number is the previous `size`.
   */
  add(source: Uint8Array, start: number, end: number): number;
  /** The bytes of string `index` (a view, valid until the next `add`). */
  bytes(index: number): Uint8Array;
}

/** An empty table. */
export function makeByteTable(): ByteTable {
  let size = 0;
  let slots = new Int32Array(1024); // index + 1, 0 = free; open addressing, at most half full
  let hashes = new Int32Array(512);
  let offsets = new Int32Array(513); // string i is arena[offsets[i]..offsets[i + 1])
  let arena = new Uint8Array(8192);

  function add(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    let slot = hash & (slots.length - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1)) {
      const index = slots[slot] - 1;
      if (hashes[index] === hash && same(index, source, start, end)) return index;
    }
    slots[slot] = size + 1;
    append(hash, source, start, end);
    return size++;
  }

  function same(index: number, source: Uint8Array, start: number, end: number): boolean {
    let at = offsets[index];
    if (offsets[index + 1] - at !== end - start) return false;
    for (let i = start; i < end; i++) if (arena[at++] !== source[i]) return false;
    return true;
  }

  function append(hash: number, source: Uint8Array, start: number, end: number): void {
    const from = offsets[size];
    const to = from + end - start;
    if (to > arena.length) arena = grown(arena, new Uint8Array(2 * to));
    for (let i = start; i < end; i++) arena[from + i - start] = source[i];
    hashes[size] = hash;
    offsets[size + 1] = to;
    if (2 * (size + 1) < slots.length) return;
    slots = rehashed(hashes, size + 1, 2 * slots.length);
    hashes = grown(hashes, new Int32Array(slots.length / 2));
    offsets = grown(offsets, new Int32Array(slots.length / 2 + 1));
  }

  return {
    get size() {
      return size;
    },
    get byteLength() {
      return offsets[size];
    },
    add,
    bytes: (index) => arena.subarray(offsets[index], offsets[index + 1]),
  };
}

/** FNV-1a with a final mixing step, so that the low bits depend on every byte. */
function hashBytes(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i], 0x01000193);
  return hash ^ (hash >>> 15);
}

function rehashed(hashes: Int32Array, size: number, capacity: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(capacity);
  for (let index = 0; index < size; index++) {
    let slot = hashes[index] & (capacity - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
    slots[slot] = index + 1;
  }
  return slots;
}

function grown<A extends Uint8Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
