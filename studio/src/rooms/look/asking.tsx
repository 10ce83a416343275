// What is looked at: a model and a text; and, while the model is being trained, when it is looked at again.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LIVE } from '../../kept/models.ts';
import { ModelPicker } from '../../parts/model-picker.tsx';
import { choice, choose } from '../../route.ts';
import { isBusy, training } from '../../training.ts';
import { type Look, MOST_TOKENS } from './looking.ts';

/** Seconds between two looks at a model that learns. */
const EVERY = 3;
/** Pause in typing after which a text is looked at, ms. */
const PAUSE = 500;

interface Shown {
  model: string;
  prompt: string;
  look: Look | null;
  busy: boolean;
  again(): void;
}

export function Asking({ model, prompt, look, busy, again }: Shown): VNode {
  const [text, setText] = useState(prompt);
  useEffect(() => setText(prompt), [prompt]);
  useEffect(() => {
    if (text === prompt) return;
    const timer = setTimeout(() => choose({ prompt: text, token: null }), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <section class="card subject" aria-label="What to look at">
      <ModelPicker />
      <label class="text">
        <span>Text</span>
        <textarea
          rows={3}
          maxLength={4000}
          spellcheck={false}
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
      </label>
      <p class="muted state" role="status">
        {stateOf(look, busy)}
      </p>
      {model === LIVE && isBusy() && <Follow busy={busy} step={look?.step ?? null} again={again} />}
    </section>
  );
}

function stateOf(look: Look | null, busy: boolean): string {
  if (!look) return busy ? 'Looking ...' : '';
  const { tokens, left, model } = look;
  const { nLayer, nHead, blockSize } = model.config;
  const parts = [`${tokens.length} tokens, ${nLayer} blocks of ${nHead} heads`];
  if (left > 0) {
    const why =
      tokens.length === blockSize
        ? `the context of the model is ${blockSize}`
        : `at most ${MOST_TOKENS} are looked at`;
    parts.push(`the last ${left} tokens are left out: ${why}`);
  }
  return `${parts.join('; ')}${busy ? '. Looking again ...' : ''}`;
}

/** Looks again at a model that learns, when asked or every few seconds. */
function Follow({ busy, step, again }: { busy: boolean; step: number | null; again(): void }): VNode {
  const on = choice('follow') !== 'no';
  const newer = training.value?.step.value !== step;
  useEffect(() => {
    if (!on || busy || !newer) return;
    const timer = setTimeout(again, 1000 * EVERY);
    return () => clearTimeout(timer);
  }, [on, busy, newer]);
  return (
    <div class="buttons">
      <span>
        as of step <b>{step ?? '–'}</b>
      </span>
      <button type="button" disabled={busy} onClick={again}>
        Look again
      </button>
      <label class="switch">
        <input
          type="checkbox"
          checked={on}
          onChange={(e) => choose({ follow: e.currentTarget.checked ? null : 'no' })}
        />
        every {EVERY} seconds
      </label>
    </div>
  );
}
