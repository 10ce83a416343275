import type { VNode } from 'preact';

export function Play(): VNode {
  return <p class="muted">This room is being built.</p>;
}
