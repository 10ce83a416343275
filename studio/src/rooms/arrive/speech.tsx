// The bundled model speaks by itself. Its text comes faster than one reads, and is shown at a reader's pace.
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { engine } from '../../engine.ts';
import { SHIPPED } from '../../kept/models.ts';
import { shippedProgress } from '../../kept/shipped.ts';
import { attempt } from '../../notices.ts';
import { Scrollable } from '../../parts/scrollable.tsx';
import { createWriter, type Writer } from '../../writer.ts';

const PROMPTS = ['JULIET:\n', 'KING RICHARD III:\n', 'ROMEO:\n', 'First Citizen:\n', 'QUEEN MARGARET:\n'];
/** Prompt and text fit the context of 256 tokens: beyond it every token takes a pass over all of it. */
const TOKENS = 230;
/** Tokens per second that are shown. */
const PACE = 45;

export function Speech(): VNode {
  const writer = useMemo(createWriter, []);
  const [turn, setTurn] = useState(() => Math.floor(1000 * Math.random()));
  useEffect(() => {
    const options = { temperature: 0.8, maxTokens: TOKENS, seed: turn, topLogprobs: 0 };
    attempt(() => writer.write(SHIPPED, PROMPTS[turn % PROMPTS.length], options));
    return writer.stop;
  }, [turn]);
  const written = writer.written.value;
  const state = writer.state.value;
  const whole = state.state === 'idle' || state.state === 'failed';
  const shown = usePaced(writer, whole);
  const tokens = written?.tokens ?? [];
  const text = tokens.slice(0, shown).map((token) => token.text);
  const ended = whole && shown >= tokens.length;
  return (
    <section class="speech card" aria-label="The bundled model writes">
      <Status writer={writer} />
      <Scrollable class="verse" label="Its text" busy={!ended} followed={ended ? null : shown}>
        <b>{written?.prompt}</b>
        {text.join('')}
        {!ended && <span class="cursor" aria-hidden="true" />}
      </Scrollable>
      {state.state === 'failed' && (
        <p class="bad" role="alert">
          It cannot speak here: {state.reason}
        </p>
      )}
      <footer>
        <p class="muted">
          A GPT of 3.6 million parameters, trained by Inkhorn on a megabyte of Shakespeare. It draws every
          token anew.
        </p>
        <button type="button" onClick={() => setTurn(turn + 1)}>
          Speak again
        </button>
      </footer>
    </section>
  );
}

/** What happens now, and how fast. */
function Status({ writer }: { writer: Writer }): VNode {
  const progress = shippedProgress.value;
  const now = engine.value;
  const rate = writer.rate.value;
  if (now.state === 'failed') return <p class="status bad">No engine works in this browser: {now.reason}</p>;
  if (progress)
    return (
      <p class="status">
        <span>
          The model comes: {megabytes(progress.done)}
          {progress.total > 0 && ` of ${megabytes(progress.total)}`} MB
        </span>
        <progress
          max={1}
          value={progress.total > 0 ? progress.done / progress.total : undefined}
          aria-label="The model is fetched"
        />
      </p>
    );
  if (now.state === 'starting' || rate === null)
    return (
      <p class="status">
        {now.state === 'starting' ? 'The engine starts ...' : 'The first token is computed ...'}
      </p>
    );
  return (
    <p class="status">
      <span>
        <b>{Math.round(rate).toLocaleString('en')}</b> tokens per second
      </span>
      <span class="muted">{now.description}</span>
    </p>
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** How many tokens are shown: a few more with each frame; all at the end where motion is unwanted. */
function usePaced(writer: Writer, whole: boolean): number {
  const [shown, setShown] = useState(0);
  const written = writer.written.value;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  useEffect(() => {
    setShown(0);
    if (still) return;
    let frame = 0;
    let due = 0;
    let last = performance.now();
    const tick = (now: number): void => {
      const there = written?.tokens.length ?? 0;
      due = Math.min(there, Math.max(there > 0 ? 1 : 0, due + ((now - last) * PACE) / 1000));
      last = now;
      setShown(Math.floor(due));
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [written]);
  useEffect(() => {
    if (still && whole) setShown(written?.tokens.length ?? 0);
  }, [written, whole]);
  return shown;
}
