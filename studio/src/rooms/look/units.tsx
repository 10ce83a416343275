// Units of an MLP at the chosen token: the most active ones, to be scaled or switched off; and any other
// edit.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { library } from '../../engine.ts';
import { attempt } from '../../notices.ts';
import { choose } from '../../route.ts';
import { addEdit, readEdit, removeEdit, unitScaled, writtenEdits } from './edits.ts';
import type { Look } from './looking.ts';
import { chosenBlock } from './places.ts';

const MOST = 10;
const FACTORS = [0, 2, 5, -1] as const;

interface Active {
  unit: number;
  value: number;
}

export function Units({ look, chosen }: { look: Look; chosen: number }): VNode {
  const { model, ids, tokens, edits, step } = look;
  const { nLayer } = model.config;
  const block = chosenBlock(nLayer);
  const t = Math.min(chosen, tokens.length - 1);
  const [units, setUnits] = useState<readonly Active[]>([]);
  useEffect(() => {
    let wanted = true;
    attempt(async () => {
      // Before the edits, so that a unit that is switched off stays in the list.
      const taps = [`blocks.${block}.mlp.act`];
      const [{ value, shape }] = await (await library()).capture(model, ids, { taps });
      const width = shape[2];
      if (wanted) setUnits(mostActive(value.subarray(t * width, (t + 1) * width)));
    });
    return () => {
      wanted = false;
    };
  }, [model, ids, block, t, step]);
  const most = Math.max(1e-9, ...units.map(({ value }) => Math.abs(value)));
  return (
    <section aria-labelledby="units">
      <h2 id="units">Units and other edits</h2>
      <p class="muted">
        The units of an MLP that are most active at <span class="token">{tokens[t]}</span>. Scale one at every
        token of the text, and see what changes.
      </p>
      <div class="buttons">
        <label>
          block{' '}
          <select class="narrow" value={block} onChange={(e) => choose({ block: e.currentTarget.value })}>
            {Array.from({ length: nLayer }, (_, n) => (
              <option key={n} value={n}>
                {n}
              </option>
            ))}
          </select>
        </label>
        <OneUnit block={block} />
      </div>
      <ol class="units">
        {units.map(({ unit, value }) => (
          <li key={unit}>
            <span>unit {unit}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${(100 * Math.abs(value)) / most}%` }} />
            </span>
            <span class="value">{value.toFixed(2)}</span>
            <Factors block={block} unit={unit} />
          </li>
        ))}
      </ol>
      <AnyEdit look={look} on={edits.length} />
    </section>
  );
}

/** Buttons that scale a unit. The one that is on is pressed; pressing it again takes it back. */
function Factors({ block, unit }: { block: number; unit: number }): VNode {
  const on = writtenEdits();
  return (
    <span class="factors">
      {FACTORS.map((factor) => {
        const text = unitScaled(block, unit, factor);
        const pressed = on.includes(text);
        return (
          <button
            key={factor}
            type="button"
            aria-pressed={pressed}
            aria-label={`${factor === 0 ? 'Switch off' : `Multiply by ${factor}`} unit ${unit} of block ${block}`}
            onClick={() => attempt(() => (pressed ? removeEdit(text) : addEdit(text)))}
          >
            {factor === 0 ? 'off' : `×${factor}`.replace('-', '−')}
          </button>
        );
      })}
    </span>
  );
}

/** A unit by its number. */
function OneUnit({ block }: { block: number }): VNode {
  const [unit, setUnit] = useState('0');
  const [factor, setFactor] = useState('0');
  return (
    <form
      class="buttons"
      onSubmit={(event) => {
        event.preventDefault();
        attempt(() => addEdit(unitScaled(block, Number(unit), Number(factor))));
      }}
    >
      <label>
        unit{' '}
        <input
          type="number"
          min="0"
          class="narrow"
          value={unit}
          onInput={(e) => setUnit(e.currentTarget.value)}
        />
      </label>
      <label>
        times{' '}
        <input
          type="number"
          step="any"
          class="narrow"
          value={factor}
          onInput={(e) => setFactor(e.currentTarget.value)}
        />
      </label>
      <button type="submit">Scale</button>
    </form>
  );
}

/** An edit as the command line takes it. */
function AnyEdit({ look, on }: { look: Look; on: number }): VNode {
  const [text, setText] = useState('');
  const blocks = look.model.config.nLayer;
  return (
    <details class="group">
      <summary>Any other edit</summary>
      <form
        class="buttons"
        onSubmit={(event) => {
          event.preventDefault();
          attempt(() => {
            readEdit(text.trim());
            addEdit(text.trim());
            setText('');
          });
        }}
      >
        <label class="wide">
          <span class="unseen">Edit</span>
          <input
            type="text"
            value={text}
            placeholder={`blocks.${blocks - 1}.mlp.out=0`}
            onInput={(e) => setText(e.currentTarget.value)}
          />
        </label>
        <button type="submit">Add</button>
      </form>
      <p class="muted">
        As <code>npx inkhorn inspect edit</code> takes it: a value, its units, and <code>=0</code>,{' '}
        <code>*=2</code> or <code>+=0.5</code>. <code>{'blocks.{0,1}.attn.out=0'}</code> takes the attention
        of two blocks away. {on > 0 && 'Those that are on are listed above.'}
      </p>
    </details>
  );
}

function mostActive(values: Float32Array): Active[] {
  return Array.from(values, (value, unit) => ({ unit, value }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, MOST);
}
