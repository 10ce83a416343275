// The merges as they are learnt: which pair of tokens becomes which one, and how often it stood in the text.
import type { MergeEvent } from 'inkhorn';
import type { VNode } from 'preact';
import { memo } from 'preact/compat';
import { Progress } from '../../parts/progress.tsx';
import { Scrollable } from '../../parts/scrollable.tsx';
import { TokenizerOptions } from '../../parts/tokenizer-options.tsx';
import type { Plan } from '../train/plan.ts';
import type { Learner } from './learner.ts';
import { useSlowly } from './slowly.ts';
import { bytesText } from './spelling.ts';

/** More rows than anybody reads only take time. */
const MOST_ROWS = 200;

export function Merges({ learner, plan }: { learner: Learner; plan: Plan }): VNode {
  const merges = learner.merges.value;
  const count = Math.min(
    useSlowly(learner.count.value, learner.state.value.state === 'merging' ? 60 : 0),
    merges.length,
  );
  const rows: VNode[] = [];
  for (let i = count - 1; i >= Math.max(0, count - MOST_ROWS); i--)
    rows.push(<Row key={i} merge={merges[i]} merges={merges} />);
  return (
    <section class="merging card" aria-label="The tokenizer learns">
      <h2>The tokenizer learns</h2>
      <p class="muted">
        At first every byte is a token. Again and again, the two neighbours that stand together most often
        become one.
      </p>
      <TokenizerOptions problem={plan.problem} />
      {plan.tokenizerProblem === null ? (
        <Controls learner={learner} total={plan.vocabSize - 256} count={count} />
      ) : (
        <p class="bad" role="alert">
          {plan.tokenizerProblem}
        </p>
      )}
      <Scrollable class="merge-list" label="The merges, newest first">
        <table>
          <thead>
            <tr>
              <th scope="col">Token</th>
              <th scope="col">Pair</th>
              <th scope="col">Becomes</th>
              <th scope="col" class="number">
                Times
              </th>
            </tr>
          </thead>
          <tbody>{rows}</tbody>
        </table>
        {count > MOST_ROWS && (
          <p class="muted">And {(count - MOST_ROWS).toLocaleString('en')} before these.</p>
        )}
      </Scrollable>
    </section>
  );
}

/** Drawn once: a list of hundreds grows with every frame. */
const Row = memo(({ merge, merges }: { merge: MergeEvent; merges: readonly MergeEvent[] }): VNode => {
  const { id, pair, bytes, count } = merge;
  return (
    <tr>
      <td class="muted">{id}</td>
      <td class="pair">
        <code>{nameOf(pair[0], merges)}</code> <code>{nameOf(pair[1], merges)}</code>
      </td>
      <td>
        <code class="new">{bytesText(bytes)}</code>
      </td>
      <td class="number">{count.toLocaleString('en')}</td>
    </tr>
  );
});

function nameOf(id: number, merges: readonly MergeEvent[]): string {
  return bytesText(id < 256 ? Uint8Array.of(id) : merges[id - 256].bytes);
}

function Controls({ learner, total, count }: { learner: Learner; total: number; count: number }): VNode {
  const state = learner.state.value;
  if (state.state === 'failed')
    return (
      <p class="bad" role="alert">
        {state.reason}
      </p>
    );
  if (state.state === 'reading')
    return <Progress label="The text is read" done={state.done} total={state.total} />;
  const done = state.state === 'done';
  return (
    <div class="controls">
      <Progress label="Merge" done={count} total={done ? count : Math.max(total, count)} />
      <span class="buttons">
        {state.state === 'paused' ? (
          <button type="button" class="primary" onClick={learner.goOn}>
            Go on
          </button>
        ) : (
          <button type="button" onClick={learner.pause} disabled={done}>
            Pause
          </button>
        )}
        <button type="button" onClick={learner.step} disabled={done}>
          One merge
        </button>
        <button type="button" onClick={learner.finish} disabled={done}>
          To the end
        </button>
      </span>
    </div>
  );
}
