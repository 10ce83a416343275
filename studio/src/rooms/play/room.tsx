// Play: give a model a beginning, watch it go on, and lead it another way. Two models write side by side.
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { SHIPPED } from '../../kept/models.ts';
import { attempt } from '../../notices.ts';
import { chosenModel, isMissing, ModelPicker, useModels } from '../../parts/model-picker.tsx';
import { choice, choose } from '../../route.ts';
import { createWriter, type Writer } from '../../writer.ts';
import { drawAnew, Sampling, samplingOf } from './sampling.tsx';
import { WrittenText } from './text.tsx';
import './play.css';

export function Play(): VNode {
  const [one, two] = useMemo(() => [createWriter(), createWriter()], []);
  useEffect(
    () => () => {
      one.stop();
      two.stop();
    },
    [],
  );
  const model = chosenModel();
  const other = choice('model2');
  const prompt = choice('prompt') ?? (model === SHIPPED ? 'ROMEO:\n' : '');
  const { options, problem } = samplingOf();
  const groups = useModels();
  const unable = problem !== null || [model, other ?? ''].some((name) => isMissing(groups, name));
  const texts = useRef<HTMLElement>(null);
  const write = (): void => {
    const now = samplingOf().options;
    attempt(() => one.write(model, prompt, now));
    if (other) attempt(() => two.write(other, prompt, now));
    else two.stop();
    texts.current?.scrollIntoView({ block: 'nearest' });
  };
  const branch = (writer: Writer) => (at: number, id: number) =>
    attempt(() => writer.branch(at, id, options));
  const busy = [one, two].some(({ state }) => ['loading', 'writing'].includes(state.value.state));
  const stop = (): void => {
    one.stop();
    two.stop();
  };
  return (
    <div class="play">
      <h1>Play</h1>
      <div class="column">
        <div class="beside">
          <form
            class="card asking"
            onSubmit={(event) => {
              event.preventDefault();
              if (busy) stop();
              else if (!unable) write();
            }}
          >
            <div class="models">
              <ModelPicker label="model" />
              <ModelPicker label="beside it" choice="model2" usual={null} />
            </div>
            <div class="option">
              <label for="prompt">prompt</label>
              <textarea
                id="prompt"
                rows={3}
                value={prompt}
                placeholder="Empty: it begins as its text does."
                onInput={(event) => choose({ prompt: event.currentTarget.value })}
                onKeyDown={(event) => {
                  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                    event.preventDefault();
                    if (!unable) write();
                  }
                }}
              />
            </div>
            <p class="buttons">
              <button type="submit" class="primary large" disabled={!busy && unable}>
                {busy ? 'Stop' : 'Write'}
              </button>
              <button
                type="button"
                disabled={unable}
                onClick={() => {
                  drawAnew();
                  write();
                }}
              >
                Draw again
              </button>
            </p>
            {problem && (
              <p class="bad" role="alert">
                {problem}
              </p>
            )}
            <Sampling />
          </form>
        </div>
      </div>
      <section ref={texts} class={`texts ${other ? 'two' : ''}`} aria-label="What is written">
        <WrittenText writer={one} onBranch={branch(one)} />
        {other && <WrittenText writer={two} onBranch={branch(two)} />}
      </section>
    </div>
  );
}
