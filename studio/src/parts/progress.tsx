// How far something is.
import type { VNode } from 'preact';

export function Progress({ label, done, total }: { label: string; done: number; total: number }): VNode {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const counted = total > 1 ? ` ${count(done)} of ${count(total)}` : '';
  return (
    <span class="progress">
      <span class="progress-label">
        {label}
        {counted}
      </span>
      <progress max={1} value={share} aria-label={label} />
    </span>
  );
}

function count(n: number): string {
  return n.toLocaleString('en');
}
