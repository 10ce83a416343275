// The logit lens: what the model would predict after each block, if it were the last.
import type { Lens } from 'inkhorn';
import { layerLabel, shortLine } from 'inkhorn/figures';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { choice, choose } from '../../route.ts';
import { Choices } from './choices.tsx';
import type { Look } from './looking.ts';
import { percent } from './numbers.ts';

interface Shown {
  look: Look;
  chosen: number;
  onChoose(i: number): void;
}

interface Place {
  row: number;
  t: number;
}

/** Characters of a token in a cell. */
const CUT = 8;

export function LensTable({ look, chosen, onChoose }: Shown): VNode {
  const { lens, tokens, model } = look;
  const [at, setAt] = useState<Place | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const byEntropy = choice('lens') === 'entropy';
  const V = model.config.vocabSize;
  const [page, setPage] = useState(0);
  useEffect(() => setPage(Math.floor(chosen / PAGE)), [chosen]);
  const from = PAGE * Math.min(page, Math.floor((tokens.length - 1) / PAGE));
  const table = useMemo(() => <Rows {...{ lens, byEntropy, V, from }} />, [lens, byEntropy, from]);
  useEffect(() => markColumn(box.current, chosen), [lens, chosen, from]);
  const place = at ?? { row: lens.rows.length - 1, t: chosen };
  const { name, cells } = lens.rows[Math.min(place.row, lens.rows.length - 1)];
  const t = Math.min(place.t, tokens.length - 1);
  const { top, entropy, kl, actual } = cells[t];
  const hear = (event: Event): void => setAt(placeOf(event.target));
  return (
    <section aria-labelledby="lens">
      <header class="section">
        <h2 id="lens">Logit lens</h2>
        <label class="switch">
          shade by{' '}
          <select
            value={byEntropy ? 'entropy' : 'probability'}
            onChange={(e) => choose({ lens: e.currentTarget.value === 'entropy' ? 'entropy' : null })}
          >
            <option value="probability">probability</option>
            <option value="entropy">entropy</option>
          </select>
        </label>
      </header>
      <p class="muted">
        What each layer, read as if it were the last, finds most likely to come next. Bold and underlined: it
        did come. {byEntropy ? 'The stronger, the more certain.' : 'The stronger, the more probable.'}
      </p>
      {tokens.length > PAGE && <Pages count={tokens.length} from={from} onChoose={setPage} />}
      <div class="beside">
        <div
          class="scroll lens"
          role="toolbar"
          aria-label="Logit lens, cell by cell"
          ref={box}
          onPointerOver={hear}
          onPointerLeave={() => setAt(null)}
          onFocusIn={hear}
          onFocusOut={() => setAt(null)}
          onClick={(event) => {
            const found = placeOf(event.target);
            if (found) onChoose(found.t);
          }}
          onKeyDown={(event) => walk(event, event.currentTarget, onChoose)}
        >
          {table}
        </div>
        <aside class="reading">
          <h3>
            after <span class="token">{tokens[t]}</span>, {layerLabel(name)}
          </h3>
          <Choices choices={top} hit={lens.tokens[t + 1]?.id} />
          <dl class="short">
            <dt>entropy</dt>
            <dd>{entropy.toFixed(2)} nats</dd>
            <dt>from the end</dt>
            <dd>
              {kl.toFixed(2)} <small>nats of KL to the final prediction</small>
            </dd>
            {actual !== null && (
              <>
                <dt>what came</dt>
                <dd>
                  <span class="token">{tokens[t + 1]}</span> {percent(actual)}
                </dd>
              </>
            )}
          </dl>
        </aside>
      </div>
    </section>
  );
}

/** Tokens that are shown at a time: cells by the thousand take long to draw. */
const PAGE = 64;

function Pages({
  count,
  from,
  onChoose,
}: {
  count: number;
  from: number;
  onChoose(page: number): void;
}): VNode {
  return (
    <div class="buttons">
      tokens
      {Array.from({ length: Math.ceil(count / PAGE) }, (_, page) => (
        <button key={page} type="button" aria-pressed={from === page * PAGE} onClick={() => onChoose(page)}>
          {page * PAGE} to {Math.min(count, (page + 1) * PAGE) - 1}
        </button>
      ))}
    </div>
  );
}

interface RowsShown {
  lens: Lens;
  byEntropy: boolean;
  /** Size of the vocabulary. */
  V: number;
  /** The first token that is shown. */
  from: number;
}

function Rows({ lens, byEntropy, V, from }: RowsShown): VNode {
  const { tokens, rows } = lens;
  const columns = tokens.slice(from, from + PAGE).map((_, i) => from + i);
  return (
    <table aria-label="Logit lens, a row per layer, a column per token">
      <thead>
        <tr>
          <th scope="col">after</th>
          {columns.map((t) => (
            <th key={t} scope="col" data-column={t} class="token">
              {shortLine(tokens[t].text, CUT) || '∅'}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, cells }, row) => (
          <tr key={name}>
            <th scope="row">{layerLabel(name)}</th>
            {columns.map((t) => {
              const { top, entropy } = cells[t];
              const [best] = top;
              const hit = best.id === tokens[t + 1]?.id;
              const share = byEntropy ? Math.max(0, 1 - entropy / Math.log(V)) : best.probability;
              return (
                <td
                  key={t}
                  class={`token ${hit ? 'hit' : ''}`}
                  data-row={row}
                  data-column={t}
                  tabIndex={row === rows.length - 1 && t === from ? 0 : -1}
                  style={{ '--share': `${(STRENGTH * share).toFixed(1)}%` }}
                >
                  {shortLine(best.text, CUT) || '∅'}
                </td>
              );
            })}
          </tr>
        ))}
        <tr>
          <th scope="row">next</th>
          {columns.map((t) => (
            <td key={t} class="token coming" data-column={t}>
              {t + 1 < tokens.length ? shortLine(tokens[t + 1].text, CUT) : ''}
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

/** The strongest shade, percent: letters stay readable on it. */
const STRENGTH = 46;

function placeOf(target: EventTarget | null): Place | null {
  if (!(target instanceof HTMLElement) || target.dataset.row === undefined) return null;
  return { row: Number(target.dataset.row), t: Number(target.dataset.column) };
}

/** Marks the column of the chosen token, without drawing the table anew. */
function markColumn(box: HTMLElement | null, chosen: number): void {
  for (const cell of box?.querySelectorAll('.chosen') ?? []) cell.classList.remove('chosen');
  for (const cell of box?.querySelectorAll(`[data-column="${chosen}"]`) ?? []) cell.classList.add('chosen');
}

function walk(event: KeyboardEvent, box: HTMLElement, onChoose: (t: number) => void): void {
  const place = placeOf(event.target);
  if (!place) return;
  if (event.key === 'Enter') onChoose(place.t);
  const steps: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  const selector = `[data-row="${place.row + step[0]}"][data-column="${place.t + step[1]}"]`;
  box.querySelector<HTMLElement>(selector)?.focus();
}
