// A binary min-heap of numbers with any order. train-fast.ts and bpe-queue.ts take their next merge from it.

/** A heap stored in `items`. `items[0]` is the first item of the order. */
export interface Heap {
  readonly items: number[];
  push(item: number): void;
  /** Removes and returns the first item; undefined when empty. */
  pop(): number | undefined;
  /** Restores the order after the first item's key has grown. */
  settle(): void;
}

/** An empty heap. `before(a, b)`: whether `a` is taken before `b`. */
export function makeHeap(before: (a: number, b: number) => boolean): Heap {
  const items: number[] = [];

  function settle(): void {
    const item = items[0];
    const n = items.length;
    let hole = 0;
    for (let child = 1; child < n; child = 2 * hole + 1) {
      if (child + 1 < n && before(items[child + 1], items[child])) child++;
      if (!before(items[child], item)) break;
      items[hole] = items[child];
      hole = child;
    }
    if (n > 0) items[hole] = item;
  }

  function push(item: number): void {
    let hole = items.length;
    items.push(item);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[hole] = items[parent];
      hole = parent;
    }
    items[hole] = item;
  }

  function pop(): number | undefined {
    const first = items[0];
    const last = items.pop();
    if (items.length > 0) {
      items[0] = last as number;
      settle();
    }
    return first;
  }

  return { items, push, pop, settle };
}
