// All heads as small maps, a row per block. The arrow keys move between them.
import { type AttentionMaps, type HeadSummary, kindsOf } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { colorOf, isDark } from '../../parts/color.ts';
import { type HeadIndex, headOf, paintSmall } from './maps.ts';

interface Shown {
  attention: AttentionMaps;
  heads: readonly HeadSummary[];
  chosen: HeadIndex;
  /** Whether a head is switched off. */
  isOff(head: HeadIndex): boolean;
  /** By how much the loss rises without each head, nats; null: not measured. */
  rises: readonly (readonly number[])[] | null;
  onChoose(head: HeadIndex): void;
}

/** Time for maps in each frame, ms. */
const SLICE = 6;

/** The kinds, short enough for a small map. */
const SHORT: Readonly<Record<string, string>> = {
  'previous token': 'previous',
  'first token': 'first',
  induction: 'induction',
  itself: 'itself',
};

export function Heads({ attention, heads, chosen, isOff, rises, onChoose }: Shown): VNode {
  const grid = useRef<HTMLDivElement>(null);
  const dark = isDark.value;
  useEffect(() => {
    const node = grid.current;
    if (!node) return;
    const canvases = [...node.querySelectorAll('canvas')];
    const ink = colorOf(node, 'val');
    let next = 0;
    let frame = 0;
    const paintSome = (): void => {
      const begun = performance.now();
      while (next < canvases.length && performance.now() - begun < SLICE) {
        paintSmall(canvases[next], headOf(attention, heads[next]), attention.tokens, ink);
        next++;
      }
      if (next < canvases.length) frame = requestAnimationFrame(paintSome);
    };
    paintSome();
    return () => cancelAnimationFrame(frame);
  }, [attention, dark]);

  const move = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, readonly [layers: number, heads: number]>> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const step = steps[event.key];
    const focused = document.activeElement;
    if (!step || !(focused instanceof HTMLElement)) return;
    event.preventDefault();
    const layer = clamp(Number(focused.dataset.layer) + step[0], attention.layers);
    const head = clamp(Number(focused.dataset.head) + step[1], attention.heads);
    grid.current?.querySelector<HTMLElement>(`[data-layer="${layer}"][data-head="${head}"]`)?.focus();
  };
  return (
    <div class="scroll">
      <div
        ref={grid}
        class="heads"
        role="toolbar"
        aria-label="Attention heads, a row per block"
        style={{ '--heads': attention.heads }}
        onKeyDown={move}
      >
        {heads.map((summary) => {
          const { layer, head } = summary;
          const isChosen = layer === chosen.layer && head === chosen.head;
          const kinds = kindsOf(summary);
          const off = isOff(summary);
          return [
            head === 0 && (
              <span key={`block ${layer}`} class="muted block-name">
                block {layer}
              </span>
            ),
            <button
              key={`${layer}.${head}`}
              type="button"
              class={off ? 'off' : ''}
              data-layer={layer}
              data-head={head}
              tabIndex={isChosen ? 0 : -1}
              aria-pressed={isChosen}
              aria-label={`Head ${layer}.${head}${off ? ' off' : ''}: ${kinds.join(', ') || 'of no well-known kind'}`}
              onClick={() => onChoose({ layer, head })}
            >
              <canvas />
              <span class="name">
                {layer}.{head} {off ? <b>off</b> : <i>{kinds.map((kind) => SHORT[kind]).join(', ')}</i>}
              </span>
              {rises && <Rise value={rises[layer][head]} most={mostOf(rises)} />}
            </button>,
          ];
        })}
      </div>
    </div>
  );
}

/** How much worse the text is predicted without the head. */
function Rise({ value, most }: { value: number; most: number }): VNode {
  return (
    <span class="rise" title="how much the loss rises without this head, nats">
      <span class={value > 0 ? 'harder' : 'easier'} style={{ width: `${(100 * Math.abs(value)) / most}%` }} />
      <span>
        {value > 0 ? '+' : '−'}
        {Math.abs(value).toFixed(3)}
      </span>
    </span>
  );
}

function mostOf(rises: readonly (readonly number[])[]): number {
  return Math.max(1e-9, ...rises.flat().map(Math.abs));
}

function clamp(value: number, count: number): number {
  return Math.min(count - 1, Math.max(0, value));
}
