import type { VNode } from 'preact';

export function Arrive(): VNode {
  return <p class="muted">This room is being built.</p>;
}
