// The largest of many numbers.

/** Above this, sorting all of them is faster. */
const FEW = 32;

/** The places of the `n` largest `values`, the largest first. Equal ones stay in their order. */
export function largest(values: ArrayLike<number>, n: number): number[] {
  if (n > FEW) return sorted(values).slice(0, n);
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (best.length >= n && !(value > values[best[n - 1]])) continue;
    let at = best.length;
    while (at > 0 && value > values[best[at - 1]]) at--;
    best.splice(at, 0, i);
    if (best.length > n) best.pop();
  }
  return best;
}

function sorted(values: ArrayLike<number>): number[] {
  return Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[b] - values[a]);
}
