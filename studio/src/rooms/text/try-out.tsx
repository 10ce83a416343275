// Any text as the tokens of the tokenizer as it is: coloured, counted, each with its bytes.
import type { MergeEvent, Tokenizer } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type ShownToken, Tokens } from '../../parts/tokens.tsx';
import type { Learner } from './learner.ts';
import { useSlowly } from './slowly.ts';
import { bytesText, hexOf } from './spelling.ts';

/** Characters of the text's own beginning. */
const OPENING = 700;
/** More tokens than this are counted, but not drawn. */
const MOST_SHOWN = 12_000;

interface Shown {
  learner: Learner;
  text: string;
  bytes: Uint8Array | null;
}

export function TryOut({ learner, text, bytes }: Shown): VNode {
  const opening = useMemo(() => (bytes ? openingOf(bytes) : ''), [bytes]);
  const [typed, setTyped] = useState<string | null>(null);
  useEffect(() => setTyped(null), [text]);
  const shown = typed ?? opening;
  const state = learner.state.value.state;
  const learning = state === 'reading' || state === 'merging';
  const count = useSlowly(learner.count.value, learning ? (shown.length > 2000 ? 700 : 90) : 0);
  const tokenizer = useMemo(() => learner.tokenizer(), [count, learner.merges.value]);
  const ids = useMemo(() => tokenizer.encode(shown, { otherSpecial: 'text' }), [tokenizer, shown]);
  const tokens = useMemo(() => tokensOf(ids, tokenizer), [ids, tokenizer]);
  const size = new TextEncoder().encode(shown).length;
  const characters = [...shown].length;
  return (
    <section class="try card" aria-label="Try it">
      <h2>See it cut</h2>
      <label class="field">
        <span class="muted">Type or paste anything. It begins with the text's own first lines.</span>
        <textarea
          rows={4}
          value={shown}
          aria-label="A text to cut into tokens"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <dl class="facts">
        <Fact name="Tokens" value={ids.length.toLocaleString('en')} />
        <Fact name="Bytes per token" value={ratio(size, ids.length)} />
        <Fact name="Characters per token" value={ratio(characters, ids.length)} />
        <Fact name="Vocabulary" value={tokenizer.vocabSize.toLocaleString('en')} />
      </dl>
      <Tokens
        label="The text as tokens"
        tokens={tokens}
        colours="cycle"
        detail={(i) => (
          <About id={tokens[i].id} tokenizer={tokenizer} merge={learner.merges.value[tokens[i].id - 256]} />
        )}
      />
      {ids.length > MOST_SHOWN && (
        <p class="muted">
          The first {MOST_SHOWN.toLocaleString('en')} of {ids.length.toLocaleString('en')} tokens are drawn.
        </p>
      )}
      <p class="unseen" role="status">
        {state === 'done' ? `${count} merges are learnt.` : ''}
      </p>
    </section>
  );
}

function tokensOf(ids: Int32Array, tokenizer: Tokenizer): ShownToken[] {
  return Array.from(ids.subarray(0, MOST_SHOWN), (id) => ({ id, text: tokenizer.tokenText(id) }));
}

/** What is known about one token. */
function About({
  id,
  tokenizer,
  merge,
}: {
  id: number;
  tokenizer: Tokenizer;
  merge: MergeEvent | undefined;
}): VNode {
  const bytes = tokenizer.token(id);
  return (
    <dl class="about-token">
      <dt>Token</dt>
      <dd>
        <b>{id}</b> <code>{bytesText(bytes)}</code>
      </dd>
      <dt>{bytes.length === 1 ? 'Byte' : `${bytes.length} bytes`}</dt>
      <dd>
        <code>{hexOf(bytes)}</code>
      </dd>
      <dt>Made of</dt>
      <dd>
        {merge ? (
          <>
            <code>{bytesText(tokenizer.token(merge.pair[0]))}</code> +{' '}
            <code>{bytesText(tokenizer.token(merge.pair[1]))}</code>, seen {merge.count.toLocaleString('en')}{' '}
            times
          </>
        ) : (
          'itself: a byte'
        )}
      </dd>
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function ratio(a: number, tokens: number): string {
  return tokens === 0 ? '–' : (a / tokens).toFixed(2);
}

/** The first lines of a text, to the end of one if there is one. */
function openingOf(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, 4 * OPENING), {
    stream: true,
  });
  const some = [...text].slice(0, OPENING).join('');
  const end = some.lastIndexOf('\n');
  return end > OPENING / 3 ? some.slice(0, end + 1) : some;
}
