// A text as its tokens, each with what is known about it: by pointing, by touch, or with the arrow keys.
// Thousands of them are drawn in chunks, so that a text which grows draws its end only.
import type { ComponentChildren, VNode } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import './tokens.css';

export interface ShownToken {
  id: number;
  text: string;
  /** How strongly it is shaded, from 0 to 1. */
  shade?: number;
}

interface Shown {
  /** What the list is, for those who do not see it. */
  label: string;
  /** May grow in place. Another array is another text. */
  tokens: readonly ShownToken[];
  /** `cycle`: neighbours differ. `shade`: by the tokens' own shades. */
  colours: 'cycle' | 'shade' | 'none';
  /** What is known about token `i`. */
  detail(i: number): ComponentChildren;
  /** Before the tokens, in the same text: a prompt. */
  before?: ComponentChildren;
  /** After them: a cursor. */
  after?: ComponentChildren;
}

const CHUNK = 128;
/** Milliseconds before what is shown changes under a pointer, which may be on its way to a button in it. */
const LINGER = 220;

export function Tokens({ label, tokens, colours, detail, before, after }: Shown): VNode {
  const place = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const timer = useRef(0);
  const [active, setActive] = useState(-1);
  const id = useId();
  const shown = active >= 0 && active < tokens.length;

  const later = (change: () => void, wait: number): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(change, wait);
  };
  useEffect(() => {
    if (popover.current?.contains(document.activeElement)) list.current?.focus();
    setActive(-1);
  }, [tokens]);
  useEffect(() => {
    const close = (): void => setActive(-1); // what is around the token is elsewhere now
    addEventListener('resize', close);
    return () => {
      removeEventListener('resize', close);
      clearTimeout(timer.current);
    };
  }, []);
  useLayoutEffect(() => {
    if (shown && place.current && popover.current) moveTo(place.current, popover.current, active);
  });

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(tokens.length - 1, to));
    clearTimeout(timer.current);
    setActive(next);
    place.current?.querySelector(`[data-i="${next}"]`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: active + 1,
      ArrowLeft: active - 1,
      ArrowDown: active + 10,
      ArrowUp: active - 10,
      Home: 0,
      End: tokens.length - 1,
    };
    if (event.key in moves && tokens.length > 0) move(moves[event.key]);
    else if (event.key === 'Escape') setActive(-1);
    else if (event.key === 'Enter' && shown) popover.current?.querySelector('button')?.focus();
    else return;
    event.preventDefault();
  };
  const pointed = (event: Event): number => {
    const token = event.target instanceof Element ? event.target.closest('[data-i]') : null;
    return token instanceof HTMLElement ? Number(token.dataset.i) : -1;
  };
  const inPopover = (event: Event): boolean =>
    event.target instanceof Node && popover.current?.contains(event.target) === true;

  const chunks: VNode[] = [];
  for (let from = 0; from < tokens.length; from += CHUNK) {
    const size = Math.min(CHUNK, tokens.length - from);
    const inside = active >= from && active < from + CHUNK ? active : -1;
    chunks.push(<Chunk key={from} {...{ id, tokens, from, size, colours }} active={inside} />);
  }
  return (
    <div
      class="tokens-place"
      ref={place}
      onPointerOver={(event) => {
        if (inPopover(event)) clearTimeout(timer.current);
        else if (pointed(event) >= 0) {
          const to = pointed(event);
          later(() => setActive(to), shown ? LINGER : 60);
        }
      }}
      onPointerLeave={() => {
        if (!place.current?.contains(document.activeElement)) later(() => setActive(-1), LINGER);
        else clearTimeout(timer.current);
      }}
    >
      <div
        ref={list}
        class={`tokens ${colours}`}
        role="listbox"
        aria-label={label}
        aria-activedescendant={shown ? `${id}-${active}` : undefined}
        aria-describedby={shown ? `${id}-about` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          if (pointed(event) < 0) return;
          list.current?.focus(); // the token has it now, which leaves when its chunk is drawn anew
          move(pointed(event));
        }}
        onFocus={() => {
          if (active < 0 && tokens.length > 0 && place.current?.matches(':has(:focus-visible)')) setActive(0);
        }}
      >
        {before}
        {chunks}
        {after}
      </div>
      {shown && (
        <section
          class="token-popover card"
          aria-label="About this token"
          id={`${id}-about`}
          ref={popover}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            list.current?.focus();
            event.stopPropagation();
          }}
        >
          {detail(active)}
        </section>
      )}
    </div>
  );
}

interface ChunkShown {
  id: string;
  tokens: readonly ShownToken[];
  from: number;
  size: number;
  /** The token that is looked at, if it is in this chunk; else -1. */
  active: number;
  colours: Shown['colours'];
}

const Chunk = memo(({ id, tokens, from, size, active, colours }: ChunkShown): VNode => {
  const spans: VNode[] = [];
  for (let i = from; i < from + size; i++) {
    const { text, shade = 0 } = tokens[i];
    const colour = colours === 'cycle' ? `t${i % 6}` : '';
    spans.push(
      <span
        key={i}
        id={`${id}-${i}`}
        role="option"
        aria-label={blankName(text)}
        aria-selected={i === active}
        tabIndex={-1}
        data-i={i}
        class={i === active ? `${colour} active` : colour}
        style={colours === 'shade' ? { '--shade': shade.toFixed(2) } : undefined}
      >
        {visible(text)}
      </span>,
    );
  }
  return <>{spans}</>;
});

/** What a token that shows nothing is called; undefined for others, which are read as they are. */
function blankName(text: string): string | undefined {
  if (text.trim() !== '') return undefined;
  if (text === '') return 'part of a character';
  return text.includes('\n') ? 'line break' : 'space';
}

/** Line breaks and empty tokens have something to point at. */
function visible(text: string): ComponentChildren {
  if (text === '') return <i class="sign">·</i>;
  if (!/[\n\r\t]/.test(text)) return text;
  return text.split(/([\n\r\t])/).map((part) => {
    if (part === '\n') return [<i class="sign">↵</i>, '\n'];
    if (part === '\r') return <i class="sign">\r</i>;
    if (part === '\t') return [<i class="sign">⇥</i>, '\t'];
    return part;
  });
}

/** Puts the popover below token `i`, and above it where there is no room. */
function moveTo(place: HTMLElement, popover: HTMLElement, i: number): void {
  const token = place.querySelector(`[data-i="${i}"]`)?.getClientRects()[0];
  if (!token) return;
  const frame = place.getBoundingClientRect();
  const room = frame.width - popover.offsetWidth;
  popover.style.left = `${Math.max(0, Math.min(room, token.left - frame.left))}px`;
  const below =
    token.bottom + popover.offsetHeight + 60 < innerHeight || token.top < popover.offsetHeight + 70;
  const top = below ? token.bottom - frame.top + 2 : token.top - frame.top - popover.offsetHeight - 2;
  popover.style.top = `${top}px`;
}
