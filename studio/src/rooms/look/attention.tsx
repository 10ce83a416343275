// Which tokens each token attends to, in every head.
import { type Ablations, kindsOf } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { library } from '../../engine.ts';
import { attempt } from '../../notices.ts';
import { choose } from '../../route.ts';
import { BarRow } from './choices.tsx';
import { headOff, toggleHead } from './edits.ts';
import { Heads } from './heads.tsx';
import type { Look } from './looking.ts';
import { HeadMap } from './map.tsx';
import { type HeadIndex, headOf } from './maps.ts';
import { percent } from './numbers.ts';
import { chosenHead } from './places.ts';
import { Words } from './words.tsx';

interface Shown {
  look: Look;
  chosen: number;
  onChoose(i: number): void;
}

export function Attention({ look, chosen, onChoose }: Shown): VNode {
  const { attention, heads, tokens, asked } = look;
  const head = chosenHead(look);
  const large = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const [ablations, setAblations] = useState<Ablations | null>(null);
  useEffect(() => setAblations(null), [look.model, asked.prompt, look.step]);
  const isOff = ({ layer, head }: HeadIndex): boolean => asked.edits.includes(headOff(layer, head));
  const query = Math.min(hovered ?? chosen, tokens.length - 1);
  const probabilities = useMemo(() => headOf(attention, head), [attention, head.layer, head.head]);
  const grid = useMemo(
    () => (
      <Heads
        {...{ attention, heads, isOff }}
        chosen={head}
        rises={ablations?.heads ?? null}
        onChoose={({ layer, head }) => {
          choose({ head: `${layer}.${head}` });
          if (isNarrow()) large.current?.scrollIntoView({ block: 'nearest' });
        }}
      />
    ),
    [look, head.layer, head.head, ablations],
  );
  const summary = heads[head.layer * attention.heads + head.head];
  const kinds = kindsOf(summary);
  const off = isOff(head);
  return (
    <section aria-labelledby="attention">
      <header class="section">
        <h2 id="attention">Attention, by block and head</h2>
        <Measure look={look} done={ablations !== null} onDone={setAblations} />
      </header>
      <p class="muted">
        Each map is a head: a row per token, the stronger the more it attends. Below it its number and, where
        it is of a well-known kind, what it attends to.
      </p>
      <div class="explorer">
        {grid}
        <div class="one-head" ref={large}>
          <header class="section">
            <h3>
              Head {head.layer}.{head.head}
              {kinds.length > 0 && <span class="kind"> {kinds.join(', ')}</span>}
            </h3>
            <button type="button" aria-pressed={off} onClick={() => toggleHead(head.layer, head.head)}>
              {off ? 'Switch this head on again' : 'Switch this head off'}
            </button>
          </header>
          <div class="columns">
            <HeadMap
              title={`Head ${head.layer}.${head.head}`}
              {...{ probabilities, tokens, onChoose }}
              chosen={query}
              onHover={setHovered}
            />
            <div>
              <Attended {...{ probabilities, tokens, query, chosen, onChoose }} onHover={setHovered} />
              <dl class="short numbers">
                <dt>entropy</dt>
                <dd>{percent(summary.entropy)} of the largest</dd>
                <dt>looks back</dt>
                <dd>{summary.distance.toFixed(1)} tokens</dd>
                <dt>on the previous token</dt>
                <dd>{percent(summary.previous)}</dd>
                <dt>on the first token</dt>
                <dd>{percent(summary.first)}</dd>
                <dt>on itself</dt>
                <dd>{percent(summary.self)}</dd>
                <dt>induction score</dt>
                <dd>
                  {summary.induction === null ? 'the context is too short' : summary.induction.toFixed(2)}
                </dd>
              </dl>
            </div>
          </div>
        </div>
      </div>
    </section>
  );
}

/** Whether the large map is below all the small ones, and not beside them: see look.css. */
function isNarrow(): boolean {
  return matchMedia('(max-width: 1199px)').matches;
}

/** What a token attends to, as bars behind the text, and the most of it in numbers. */
function Attended({
  probabilities,
  tokens,
  query,
  chosen,
  onChoose,
  onHover,
}: {
  probabilities: Float32Array;
  tokens: readonly string[];
  query: number;
  chosen: number;
  onChoose(i: number): void;
  onHover(i: number | null): void;
}): VNode {
  const T = tokens.length;
  const row = probabilities.subarray(query * T, query * T + query + 1);
  const bars = tokens.map((_, s) =>
    s <= query ? { share: Math.sqrt(row[s]), color: 'val' as const } : null,
  );
  const most = Array.from(row, (p, s) => ({ p, s }))
    .sort((a, b) => b.p - a.p)
    .slice(0, 5);
  return (
    <>
      <Words
        label="The text: choose a token to see what it attends to"
        {...{ tokens, bars, chosen, onChoose, onHover }}
        about={(i) => (i <= query ? `attended to with ${percent(row[i])}` : 'comes later')}
      />
      <h4>
        <span class="token">{tokens[query]}</span> attends to
      </h4>
      <ol class="bars">
        {most.map(({ p, s }) => (
          <BarRow
            key={s}
            name={`${tokens[s]}${s === query ? ' (itself)' : ''}`}
            share={p}
            value={percent(p)}
          />
        ))}
      </ol>
    </>
  );
}

/** Measures how much the text depends on each head. */
function Measure({
  look,
  done,
  onDone,
}: {
  look: Look;
  done: boolean;
  onDone(found: Ablations): void;
}): VNode | null {
  const [busy, setBusy] = useState(false);
  if (done) return <small class="muted">bars: how much the loss rises without the head</small>;
  if (look.tokens.length < 2) return null;
  const measure = async (): Promise<void> => {
    setBusy(true);
    try {
      const worker = await library();
      onDone(await worker.ablate(look.model, look.ids));
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" disabled={busy} onClick={() => attempt(measure)}>
      {busy ? 'Measuring ...' : 'Which heads matter here?'}
    </button>
  );
}
