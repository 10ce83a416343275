import type { VNode } from 'preact';

export function Look(): VNode {
  return <p class="muted">This room is being built.</p>;
}
