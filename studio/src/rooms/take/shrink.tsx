// Shrink: INT8 or INT4, and what it costs.
import { quantizeFields, type Split } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { changes } from '../../kept/files.ts';
import { SHIPPED } from '../../kept/models.ts';
import { FIRST_TEXT, textNames } from '../../kept/texts.ts';
import { attempt } from '../../notices.ts';
import { Option } from '../../parts/option.tsx';
import { Progress } from '../../parts/progress.tsx';
import { choice, choose } from '../../route.ts';
import { Comparison } from './comparison.tsx';
import {
  type Chosen,
  chosenOptions,
  OPTIONS,
  shrink,
  shrinking,
  shrunk,
  stopShrinking,
} from './shrinking.ts';

/** Tokens that both models read, so that a comparison takes seconds. */
const FEW_TOKENS = 8192;

/** The text of the run of a model, by its name here. */
export interface RunText extends Split {
  name: string;
}

export function Shrink({ model, text }: { model: string; text: RunText | null }): VNode {
  const busy = shrinking.value;
  const { chosen, problem } = checked();
  const made = shrunk.value;
  const [names, setNames] = useState<readonly string[]>([]);
  const version = changes.texts.value;
  useEffect(() => attempt(async () => setNames(await textNames())), [version]);
  const compared = choice('with') ?? text?.name ?? FIRST_TEXT;
  const start = async (): Promise<void> => {
    if (!chosen) return;
    const maxTokens = choice('whole') === null ? FEW_TOKENS : Number.POSITIVE_INFINITY;
    const { trainFraction, validate } = text ?? {};
    const split = text?.name === compared ? { trainFraction, validate } : {};
    const prompt = choice('prompt') ?? (model === SHIPPED ? 'ROMEO:\n' : '');
    await shrink(model, chosen, { text: compared, split, maxTokens, prompt });
  };
  return (
    <section aria-labelledby="shrink">
      <h2 id="shrink">Shrink</h2>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          attempt(start);
        }}
      >
        <div class="options">
          {OPTIONS.filter((name) => chosen?.bits === 4 || (name !== 'groupSize' && name !== 'method')).map(
            (name) => (
              <Option
                key={name}
                name={name}
                field={quantizeFields[name] as never}
                value={choice(name) ?? quantizeFields[name].default}
                changed={choice(name) !== null}
                onChange={(value) => choose({ [name]: value })}
              />
            ),
          )}
          <Option
            name="exclude"
            field={{ ...(quantizeFields.exclude as never as typeof EXCLUDE), about: EXCLUDE.about }}
            value={choice('exclude') ?? ''}
            changed={choice('exclude') !== null}
            onChange={(value) => choose({ exclude: value })}
          />
          <TextChoice names={names} text={compared} ofRun={text?.name ?? null} />
        </div>
        {problem && (
          <p class="bad" role="alert">
            {problem}
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy !== null || problem !== null}>
            Make the copy and compare
          </button>
          <label class="switch">
            <input
              type="checkbox"
              checked={choice('whole') !== null}
              onChange={(e) => choose({ whole: e.currentTarget.checked ? 'yes' : null })}
            />
            on the whole validation part
          </label>
          {busy && (
            <>
              <Progress label={busy.what} done={busy.done} total={busy.total} />
              <button type="button" onClick={stopShrinking}>
                Stop
              </button>
            </>
          )}
        </div>
      </form>
      {made && made.of === model && <Comparison made={made} />}
    </section>
  );
}

const EXCLUDE = {
  about: 'weights that stay float, by the beginning of their names: head, embeddings, blocks.0',
  form: { kind: 'text' },
  default: '',
} as const;

function TextChoice({
  names,
  text,
  ofRun,
}: {
  names: readonly string[];
  text: string;
  ofRun: string | null;
}): VNode {
  const id = useId();
  return (
    <div class="option">
      <label for={id}>text</label>
      <select id={id} value={text} onChange={(e) => choose({ with: e.currentTarget.value })}>
        {[...new Set([...names, text])].map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {names.length > 0 && !names.includes(text) && (
        <p class="bad fit" role="alert">
          the text {text} is not in this browser: choose another one
        </p>
      )}
      <small>
        {ofRun === text
          ? 'The text of the run: both models are compared on its validation part.'
          : 'Both models are compared on the end of this text, which is not the one that the model learnt.'}
      </small>
    </div>
  );
}

function checked(): { chosen: Chosen | null; problem: string | null } {
  try {
    return { chosen: chosenOptions(choice), problem: null };
  } catch (error) {
    return { chosen: null, problem: error instanceof Error ? error.message : String(error) };
  }
}
