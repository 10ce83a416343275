// One head, large: a row per token, a column per token that it may attend to.
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { colorOf, isDark } from '../../parts/color.ts';
import { paintWhole } from './maps.ts';
import { percent } from './numbers.ts';

interface Shown {
  title: string;
  /** [T, T] */
  probabilities: Float32Array;
  tokens: readonly string[];
  /** The token whose row is marked. */
  chosen: number;
  onHover(t: number | null): void;
  onChoose(t: number): void;
}

/** Cells large enough for letters, in pixels. */
const READABLE = 11;
const LARGEST = 26;
/** Characters of a token beside the map. */
const CUT = 9;

export function HeadMap({ title, probabilities, tokens, chosen, onHover, onChoose }: Shown): VNode {
  const T = tokens.length;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState<{ t: number; s: number } | null>(null);
  const dark = isDark.value;
  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const seen = new ResizeObserver(() => setWidth(node.clientWidth));
    seen.observe(node);
    return () => seen.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current) paintWhole(canvas.current, probabilities, T, colorOf(canvas.current, 'val'));
  }, [probabilities, dark]);

  const labels = (width - LABELS) / T >= READABLE;
  const cell = Math.min(LARGEST, (width - (labels ? LABELS : 0)) / T);
  const cellOf = (event: MouseEvent): { t: number; s: number } | null => {
    const place = canvas.current?.getBoundingClientRect();
    if (!place) return null;
    const [s, t] = [event.clientX - place.left, event.clientY - place.top].map((x) => Math.floor(x / cell));
    return t >= 0 && t < T && s >= 0 && s <= t ? { t, s } : null;
  };
  const row = at?.t ?? chosen;
  return (
    <div class="head-map" ref={box}>
      <div
        class={`plane ${labels ? 'labelled' : ''}`}
        style={{ '--cell': `${cell}px`, '--side': `${cell * T}px` }}
      >
        {labels && (
          <div class="of-rows" aria-hidden="true">
            {tokens.map((token, t) => (
              <span key={t} class={t === row ? 'marked' : ''}>
                {cut(token)}
              </span>
            ))}
          </div>
        )}
        <div
          class="cells"
          role="presentation"
          onPointerMove={(event) => {
            const next = cellOf(event);
            setAt(next);
            onHover(next?.t ?? null);
          }}
          onPointerLeave={() => {
            setAt(null);
            onHover(null);
          }}
          onPointerUp={(event) => {
            const cell = cellOf(event);
            if (cell) onChoose(cell.t);
          }}
        >
          <canvas
            ref={canvas}
            role="img"
            aria-label={`${title}: ${T} tokens; the text beside it says what each attends to`}
          />
          <span class="row-mark" style={{ top: `${row * cell}px`, width: `${(row + 1) * cell}px` }} />
          {at && <span class="column-mark" style={{ left: `${at.s * cell}px` }} />}
        </div>
        {labels && (
          <div class="of-columns" aria-hidden="true">
            {tokens.map((token, s) => (
              <span key={s} class={s === at?.s ? 'marked' : ''}>
                {cut(token)}
              </span>
            ))}
          </div>
        )}
      </div>
      <p class="readout">
        {at ? (
          <>
            <b class="token">{tokens[at.t]}</b> attends to <b class="token">{tokens[at.s]}</b>{' '}
            {percent(probabilities[at.t * T + at.s])}
          </>
        ) : (
          <span class="muted">A row is a token; its shades are the tokens that it attends to.</span>
        )}
      </p>
    </div>
  );
}

/** Width of the names of the rows, pixels. */
const LABELS = 74;

function cut(token: string): string {
  const characters = [...token];
  return characters.length > CUT ? `${characters.slice(0, CUT - 1).join('')}…` : token;
}
