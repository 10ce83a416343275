// The text of one model: streamed, every token with its probability and what might have stood there.
import type { VNode } from 'preact';
import { engine } from '../../engine.ts';
import { titleOf } from '../../kept/models.ts';
import { Tokens } from '../../parts/tokens.tsx';
import { choose, link } from '../../route.ts';
import { alternatives, heldText, type Writer, type Written, type WrittenToken } from '../../writer.ts';
import { samplingOf } from './sampling.tsx';

interface Shown {
  writer: Writer;
  onBranch(at: number, id: number): void;
}

export function WrittenText({ writer, onBranch }: Shown): VNode {
  const written = writer.written.value;
  const count = writer.length.value;
  const state = writer.state.value;
  if (!written)
    return <p class="muted">What it writes appears here, token by token. Point at one to see its odds.</p>;
  const { prompt, tokens, model, unseen, context } = written;
  const writing = state.state === 'writing' || state.state === 'loading';
  return (
    <article class="written" aria-busy={writing}>
      <header>
        <h2>{titleOf(model)}</h2>
        <span class="muted">
          {count} tokens{rateLine(writer.rate.value)}
        </span>
      </header>
      <Tokens
        label={`What ${titleOf(model)} writes`}
        tokens={tokens}
        colours="shade"
        before={<span class="prompt">{prompt}</span>}
        after={writing ? <span class="cursor" aria-hidden="true" /> : null}
        detail={(i) => <Odds token={tokens[i]} written={written} onTake={(id) => onBranch(i, id)} />}
      />
      {state.state === 'failed' && (
        <p class="bad" role="alert">
          {state.reason}
        </p>
      )}
      {unseen > 0 && (
        <p class="warning">
          The first {unseen.toLocaleString('en')} tokens of the prompt are not seen: it is longer than the
          context of the model.
        </p>
      )}
      {context && count > context.left && <Overflow context={context} />}
      {count > 0 && (
        <p class="muted legend">
          The stronger a token is shaded, the less likely it was. Point at one, or use the arrow keys, for its
          odds. <a href={link('look', { model, prompt: `${prompt}${textOf(tokens)}` })}>Look inside</a> at
          this text.
        </p>
      )}
      {state.state === 'idle' && state.end !== '' && <p class="muted end">{state.end}</p>}
      <p class="unseen" role="status">
        {writing ? 'Writing.' : `${prompt}${textOf(tokens)}`}
      </p>
    </article>
  );
}

/** What happens beyond the context, where that is slow. */
function Overflow({ context }: { context: NonNullable<Written['context']> }): VNode | null {
  if (samplingOf().options.overflow !== 'slide') return null;
  return (
    <p class="muted legend">
      The text is longer than the context of {context.size} tokens: every further one takes a pass over all of
      it, which is slow.{' '}
      <button type="button" class="inline" onClick={() => choose({ overflow: 'shift' })}>
        Choose overflow shift
      </button>
      , and the next text goes on from its last half, fast.
    </p>
  );
}

function textOf(tokens: readonly WrittenToken[]): string {
  return tokens.map(({ text }) => text).join('');
}

function rateLine(rate: number | null): string {
  const state = engine.value;
  if (rate === null || state.state !== 'ready') return '';
  return `, ${Math.round(rate).toLocaleString('en')} per second with ${state.name}`;
}

function Odds({
  token,
  written,
  onTake,
}: {
  token: WrittenToken;
  written: Written;
  onTake(id: number): void;
}): VNode {
  const { id, logprob, chosen } = token;
  const kept = heldText(written, token);
  const others = alternatives(written, token);
  const own = others.some((other) => other.id === id);
  return (
    <>
      <p>
        <b>{percent(logprob)}</b> likely{chosen ? ', put here by you' : ''} <small>token {id}</small>
        {kept !== '' && <small class="block">It contains the end of the prompt, {quoted(kept)}.</small>}
      </p>
      <ol class="odds">
        {others.map((other) => (
          <li key={other.id}>
            <button type="button" disabled={other.id === id} onClick={() => onTake(other.id)}>
              <span class="bar" style={{ width: `${100 * Math.exp(other.logprob)}%` }} />
              <code>{quoted(other.text)}</code>
              <span class="share">{percent(other.logprob)}</span>
            </button>
          </li>
        ))}
        {!own && (
          <li>
            <button type="button" disabled>
              <code>{quoted(token.text)}</code>
              <span class="share">{percent(logprob)}, drawn</span>
            </button>
          </li>
        )}
      </ol>
      <p class="muted">Click one, and the text goes on from there.</p>
    </>
  );
}

function percent(logprob: number): string {
  const share = 100 * Math.exp(logprob);
  if (share < 0.01) return 'under 0.01 %';
  return `${share.toPrecision(share < 1 ? 1 : share < 99.5 ? 2 : 3)} %`;
}

/** A token with its line breaks and spaces to be seen. */
function quoted(text: string): string {
  return text.replace(/\n/g, '↵').replace(/\t/g, '⇥').replace(/ /g, '␣') || '(part of a character)';
}
