// The edits that are on, and what they change in what the model writes. It stays in sight.
import type { VNode } from 'preact';
import { removeAllEdits, removeEdit, titleOfEdit, writtenEdits } from './edits.ts';
import type { Look } from './looking.ts';
import { change } from './numbers.ts';

export function EditBar({ look, busy }: { look: Look; busy: boolean }): VNode {
  const texts = writtenEdits();
  const { before, after, effect, refused } = look;
  const rise =
    effect.before.loss === null || effect.after.loss === null ? null : effect.after.loss - effect.before.loss;
  if (texts.length === 0)
    return (
      <section class="goes-on card" aria-label="What the model goes on with">
        <p class="said">
          <span class="prompt">{tail(look)}</span>
          {before ?? <span class="muted"> ...</span>}
        </p>
        <small class="muted">
          What it goes on with, always the most likely token. Switch a head or a unit off below, and see it
          change.
        </small>
      </section>
    );
  return (
    <section class="goes-on card edited" aria-label="Edits, and what they change" aria-busy={busy}>
      <ul class="edits">
        {texts.map((text) => {
          const isRefused = refused.some((one) => one.text === text);
          return (
            <li key={text} class={isRefused ? 'bad' : ''} title={text}>
              {titleOfEdit(text)}
              <button
                type="button"
                class="quiet"
                aria-label={`Take back: ${titleOfEdit(text)}`}
                onClick={() => removeEdit(text)}
              >
                ✕
              </button>
            </li>
          );
        })}
        {texts.length > 1 && (
          <li class="all">
            <button type="button" class="quiet" onClick={removeAllEdits}>
              Take all back
            </button>
          </li>
        )}
        {rise !== null && (
          <li class="all">
            loss <b>{change(rise, 3)}</b>
          </li>
        )}
      </ul>
      {refused.map(({ text, reason }) => (
        <p key={text} class="bad">
          Not done: {reason}
        </p>
      ))}
      <dl class="two">
        <div>
          <dt>without edits</dt>
          <dd class="said">{before === null ? '...' : inLine(before)}</dd>
        </div>
        <div>
          <dt>with edits</dt>
          <dd class="said">
            {before === null || after === null ? (
              '...'
            ) : (
              <Changed before={inLine(before)} after={inLine(after)} />
            )}
          </dd>
        </div>
      </dl>
    </section>
  );
}

/** The bar stays in sight, so it is low: its texts are one paragraph each. */
function inLine(text: string): string {
  return text.replaceAll('\n', '↵ ');
}

/** The text from where it differs stands out. */
function Changed({ before, after }: { before: string; after: string }): VNode {
  let same = 0;
  while (same < after.length && after[same] === before[same]) same++;
  if (same === after.length && after.length === before.length)
    return (
      <>
        {after} <small class="muted">(the same)</small>
      </>
    );
  return (
    <>
      {after.slice(0, same)}
      <mark>{after.slice(same)}</mark>
    </>
  );
}

/** The last line of the text that was looked at. */
function tail({ model, ids }: Look): string {
  const text = model.tokenizer.decode(ids);
  return text.length > 90 ? `…${text.slice(-90)}` : text;
}
