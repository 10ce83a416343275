// Tokens and their numbers, from the largest, with bars.
import { visibleLine } from 'inkhorn/figures';
import type { VNode } from 'preact';
import { percent } from './numbers.ts';

interface Shown {
  choices: readonly { id: number; text: string; probability: number }[];
  /** The token that came. */
  hit?: number;
}

export function Choices({ choices, hit }: Shown): VNode {
  return (
    <ol class="bars">
      {choices.map(({ id, text, probability }) => (
        <BarRow
          key={id}
          name={visibleLine(text)}
          share={probability}
          value={percent(probability)}
          strong={id === hit}
        />
      ))}
    </ol>
  );
}

/** A name, a bar, and its number. `strong`: the right one. */
export function BarRow({
  name,
  share,
  value,
  strong = false,
  onClick,
  title,
}: {
  name: string;
  share: number;
  value: string;
  strong?: boolean;
  onClick?: () => void;
  title?: string;
}): VNode {
  return (
    <li class={strong ? 'hit' : ''}>
      {onClick ? (
        <button type="button" class="token" onClick={onClick} title={title}>
          {name}
        </button>
      ) : (
        <span class="token">
          {name}
          {strong && <span class="unseen"> (it came)</span>}
        </span>
      )}
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${100 * Math.min(1, Math.max(0, share))}%` }} />
      </span>
      <span class="value">{value}</span>
    </li>
  );
}
