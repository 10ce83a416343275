import type { VNode } from 'preact';

export function TextRoom(): VNode {
  return <p class="muted">This room is being built.</p>;
}
