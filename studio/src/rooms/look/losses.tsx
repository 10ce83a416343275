// How hard each token of the text was to predict, and what was expected in its place.
import type { TokenPrediction } from 'inkhorn';
import { visibleLine } from 'inkhorn/figures';
import type { VNode } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Choices } from './choices.tsx';
import type { Look } from './looking.ts';
import { change, percent } from './numbers.ts';
import { type Bar, Words } from './words.tsx';

interface Shown {
  look: Look;
  chosen: number;
  onChoose(i: number): void;
}

export function Losses({ look, chosen, onChoose }: Shown): VNode {
  const { effect, tokens, edits } = look;
  const [hovered, setHovered] = useState<number | null>(null);
  const [wantsChange, setWantsChange] = useState(true);
  const showsChange = edits.length > 0 && wantsChange;
  const { tokens: predicted, loss } = effect.after;
  const bars = useMemo(
    () => (showsChange ? changeBars(effect.lossChange) : lossBars(predicted.map((token) => token.loss))),
    [effect, showsChange],
  );
  const shown = Math.min(hovered ?? chosen, tokens.length - 1);
  const about = (i: number): string => {
    const value = showsChange ? effect.lossChange[i] : predicted[i].loss;
    return value === null ? 'not predicted' : `${showsChange ? change(value) : value.toFixed(2)} nats`;
  };
  return (
    <section aria-labelledby="losses">
      <header class="section">
        <h2 id="losses">{showsChange ? 'What the edits do' : 'Loss per token'}</h2>
        {edits.length > 0 && (
          <label class="switch">
            <input
              type="checkbox"
              checked={wantsChange}
              onChange={(e) => setWantsChange(e.currentTarget.checked)}
            />
            show the change
          </label>
        )}
      </header>
      <p class="muted">
        {showsChange
          ? `By how much each token became harder (orange) or easier (blue) to predict. Mean loss ${number(effect.before.loss)} before, ${number(loss)} now.`
          : `The bar behind a token is its loss: orange above the mean of ${number(loss)} nats, blue below. A full bar: ${number(highest(predicted))} nats.`}
      </p>
      <div class="beside">
        <Words
          label="The text, token by token"
          {...{ tokens, bars, chosen, about, onChoose }}
          onHover={setHovered}
        />
        <Prediction token={predicted[shown]} before={effect.before.tokens[shown]} edited={edits.length > 0} />
      </div>
    </section>
  );
}

function Prediction({
  token,
  before,
  edited,
}: {
  token: TokenPrediction;
  before: TokenPrediction;
  edited: boolean;
}): VNode {
  const { loss, probability, rank, entropy, expected, text } = token;
  if (loss === null || probability === null)
    return (
      <aside class="reading" aria-live="off">
        <h3 class="token">{visibleLine(text)}</h3>
        <p class="muted">Nothing comes before the first token, so it has no prediction.</p>
      </aside>
    );
  return (
    <aside class="reading" aria-live="off">
      <h3 class="token">{visibleLine(text)}</h3>
      <dl class="short">
        <dt>probability</dt>
        <dd>{percent(probability)}</dd>
        <dt>rank</dt>
        <dd>{rank}</dd>
        <dt>loss</dt>
        <dd>
          {loss.toFixed(2)} nats{' '}
          {edited && before.loss !== null && <small>before: {before.loss.toFixed(2)}</small>}
        </dd>
        <dt>entropy</dt>
        <dd>{entropy?.toFixed(2)} nats</dd>
      </dl>
      <h4>Expected</h4>
      <Choices choices={expected} hit={token.id} />
    </aside>
  );
}

function lossBars(losses: readonly (number | null)[]): (Bar | null)[] {
  const known = losses.filter((loss) => loss !== null);
  const mean = known.reduce((sum, loss) => sum + loss, 0) / Math.max(1, known.length);
  const high = Math.max(1, ...known);
  return losses.map((loss) =>
    loss === null ? null : { share: loss / high, color: loss > mean ? 'train' : 'val' },
  );
}

function changeBars(changes: readonly (number | null)[]): (Bar | null)[] {
  const most = Math.max(0.1, ...changes.map((change) => Math.abs(change ?? 0)));
  return changes.map((change) =>
    change === null ? null : { share: Math.abs(change) / most, color: change > 0 ? 'train' : 'val' },
  );
}

function highest(tokens: readonly TokenPrediction[]): number {
  return Math.max(1, ...tokens.map(({ loss }) => loss ?? 0));
}

function number(value: number | null): string {
  return value?.toFixed(2) ?? '–';
}
