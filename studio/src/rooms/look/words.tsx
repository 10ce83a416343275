// A text as its tokens, each with a bar behind it. Tokens are reached by the arrow keys, and chosen by Enter
// or a click.
import type { VNode } from 'preact';

/** The bar behind a token. */
export interface Bar {
  /** Its height, as a share of the line. */
  share: number;
  /** `val` blue, `train` orange: see the legends. */
  color: 'val' | 'train';
}

interface Shown {
  label: string;
  tokens: readonly string[];
  bars: readonly (Bar | null)[];
  chosen: number;
  /** What a token says besides its text. */
  about(i: number): string;
  onHover(i: number | null): void;
  onChoose(i: number): void;
}

export function Words({ label, tokens, bars, chosen, about, onHover, onChoose }: Shown): VNode {
  const at = (event: Event): number | null => indexOf(event.target);
  const hear = (event: Event): void => onHover(at(event));
  return (
    <div
      class="words"
      role="listbox"
      aria-label={label}
      onPointerOver={hear}
      onPointerLeave={() => onHover(null)}
      onFocusIn={hear}
      onFocusOut={() => onHover(null)}
      onClick={(event) => {
        const i = at(event);
        if (i !== null) onChoose(i);
      }}
      onKeyDown={(event) => {
        const i = at(event);
        if (i === null) return;
        if (event.key === 'Enter' || event.key === ' ') onChoose(i);
        else if (!step(event.currentTarget, event.key, i, tokens.length)) return;
        event.preventDefault();
      }}
    >
      {tokens.map((token, i) => (
        <span key={i} class="word">
          {token.startsWith('␣') && <wbr />}
          <span
            role="option"
            data-i={i}
            tabIndex={i === chosen ? 0 : -1}
            aria-selected={i === chosen}
            aria-label={`${token}, ${about(i)}`}
            style={styleOf(bars[i])}
          >
            {token}
          </span>
          {token.endsWith('\\n') ? <br /> : token.endsWith('␣') && <wbr />}
        </span>
      ))}
    </div>
  );
}

function indexOf(target: EventTarget | null): number | null {
  const i = target instanceof HTMLElement ? target.dataset.i : undefined;
  return i === undefined ? null : Number(i);
}

/** Moves the focus along the text. False for other keys. */
function step(list: HTMLElement, key: string, from: number, count: number): boolean {
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: from + 1,
    ArrowDown: from + 1,
    ArrowLeft: from - 1,
    ArrowUp: from - 1,
    Home: 0,
    End: count - 1,
  };
  const to = steps[key];
  if (to === undefined) return false;
  list.querySelector<HTMLElement>(`[data-i="${Math.min(count - 1, Math.max(0, to))}"]`)?.focus();
  return true;
}

/** Pale enough that letters stay readable on it. */
const STRENGTH = 42;

function styleOf(bar: Bar | null): string {
  if (!bar) return '';
  const height = `${(100 * Math.min(1, bar.share)).toFixed(1)}%`;
  const color = `color-mix(in srgb, var(--${bar.color}) ${STRENGTH}%, transparent)`;
  return `background-image: linear-gradient(to top, ${color} ${height}, transparent ${height})`;
}
