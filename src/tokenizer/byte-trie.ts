// Finds the longest of many byte strings at a place of a text: a trie in a double array (Aoe 1989). A node is
// a cell; its child for a byte is the cell that many cells behind its base, if that cell says so. So a step
// takes one look into memory.
import { makePairTable } from './pair-table.ts';

/** Byte strings with their numbers; the 256 single bytes are among them. */
export interface ByteTrie {
  /** The number of the longest string at `bytes[place..end)`. */
  longest(bytes: Uint8Array, place: number, end: number): number;
}

/** The numbers in a cell: where its children's cells are counted from, its parent, its string or -1. */
const [BASE, PARENT, STRING, CELL] = [0, 1, 2, 4];
/** No parent: a cell that is free, one of a single byte. */
const [FREE, ROOT] = [-1, -2];

/** A trie of `strings[id]` for each of `ids`, and of the byte b with the number `byteIds[b]`. */
export function makeByteTrie(
  strings: readonly Uint8Array[],
  ids: Iterable<number>,
  byteIds: Int32Array,
): ByteTrie {
  const cells = pack(makeTree(strings, ids, byteIds));
  return {
    longest(bytes, place, end) {
      let cell = CELL * bytes[place];
      let found = cells[cell + STRING];
      for (let i = place + 1; i < end; i++) {
        const child = cells[cell + BASE] + CELL * bytes[i];
        if (cells[child + PARENT] !== cell) break;
        cell = child;
        if (cells[cell + STRING] >= 0) found = cells[cell + STRING];
      }
      return found;
    },
  };
}

/** A trie by its links. Parents come before their children; nodes 0 to 255 are the single bytes. */
interface Tree {
  /** The byte that leads to each node, and its string or -1. */
  bytes: number[];
  strings: number[];
  /** The first child of each node, and the next child of its parent; -1: none. */
  child: number[];
  next: number[];
}

function makeTree(strings: readonly Uint8Array[], ids: Iterable<number>, byteIds: Int32Array): Tree {
  const tree: Tree = { bytes: [], strings: [], child: [], next: [] };
  const children = makePairTable(); // (node, byte) -> node
  const add = (byte: number, string: number, next: number): number => {
    tree.strings.push(string);
    tree.child.push(-1);
    tree.next.push(next);
    return tree.bytes.push(byte) - 1;
  };
  for (let byte = 0; byte < 256; byte++) add(byte, byteIds[byte], -1);
  for (const id of ids) {
    const string = strings[id];
    let node = string[0];
    for (let i = 1; i < string.length; i++) {
      let child = children.get(node, string[i]);
      if (child < 0) {
        child = add(string[i], -1, tree.child[node]);
        tree.child[node] = child;
        children.set(node, string[i], child);
      }
      node = child;
    }
    tree.strings[node] = id;
  }
  return tree;
}

/**
 * The cells of a tree. The children of each node get free cells that have their distances; single ones fill
 * the gaps.
 */
function pack({ bytes, strings, child, next }: Tree): Int32Array {
  let cells = new Int32Array(CELL * (2 * bytes.length + 512)).fill(FREE);
  const cellOf = new Int32Array(bytes.length);
  for (let byte = 0; byte < 256; byte++) {
    cellOf[byte] = CELL * byte;
    cells[cellOf[byte] + PARENT] = ROOT;
  }
  let firstFree = 256;
  const searched = new Int32Array(257); // before this, so many children found no place any more
  for (let node = 0; node < bytes.length; node++) {
    const cell = cellOf[node];
    cells[cell + STRING] = strings[node];
    while (cells[CELL * firstFree + PARENT] !== FREE) firstFree++;
    const base = child[node] < 0 ? 0 : firstFit(node);
    cells[cell + BASE] = CELL * base;
    for (let kid = child[node]; kid >= 0; kid = next[kid]) {
      cellOf[kid] = CELL * (base + bytes[kid]);
      cells[cellOf[kid] + PARENT] = cell;
    }
  }
  return cells;

  /** A base with which the cells of all children of `node` are free. */
  function firstFit(node: number): number {
    let count = 0;
    for (let kid = child[node]; kid >= 0; kid = next[kid]) count++;
    let base = Math.max(searched[count], firstFree - bytes[child[node]], 0);
    for (; ; base++) {
      while (CELL * (base + 256) >= cells.length) cells = larger(cells);
      let kid = child[node];
      while (kid >= 0 && cells[CELL * (base + bytes[kid]) + PARENT] === FREE) kid = next[kid];
      if (kid < 0) break;
    }
    if (count > 1) searched[count] = base;
    return base;
  }
}

function larger(cells: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * cells.length).fill(FREE);
  more.set(cells);
  return more;
}
