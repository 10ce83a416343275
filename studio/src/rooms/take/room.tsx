import type { VNode } from 'preact';

export function Take(): VNode {
  return <p class="muted">This room is being built.</p>;
}
