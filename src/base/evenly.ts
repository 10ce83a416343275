// A few of many things.

/** At most `count` of `items`, in their order, evenly chosen: the last one is always among them. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  const last = items.length - 1;
  if (last < count) return [...items];
  const step = last / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, i) => items[count === 1 ? last : Math.round(i * step)]);
}
