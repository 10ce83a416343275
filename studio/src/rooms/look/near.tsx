// Tokens whose embeddings are most like that of the chosen one.
import type { Neighbours } from 'inkhorn';
import { visibleLine } from 'inkhorn/figures';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { library } from '../../engine.ts';
import { attempt } from '../../notices.ts';
import { BarRow } from './choices.tsx';
import type { Look } from './looking.ts';

const COUNT = 12;

export function Near({ look, chosen }: { look: Look; chosen: number }): VNode {
  const { model, ids, step } = look;
  const first = ids[Math.min(chosen, ids.length - 1)];
  const [id, setId] = useState(first);
  const [found, setFound] = useState<Neighbours | null>(null);
  useEffect(() => setId(first), [first]);
  useEffect(() => {
    let wanted = true;
    attempt(async () => {
      const [one] = await (await library()).neighbours(model, [id], COUNT);
      if (wanted) setFound(one);
    });
    return () => {
      wanted = false;
    };
  }, [model, id, step]);
  return (
    <section aria-labelledby="near">
      <h2 id="near">
        Neighbours of <span class="token">{visibleLine(found?.text ?? '')}</span> in the embedding
      </h2>
      <p class="muted">
        Tokens with the most similar vectors, by cosine: 1 is the same direction, 0 a right angle. Choose a
        token of the text, or one of these, to see its own.
      </p>
      <ol class="bars near">
        {found?.nearest.map((other) => (
          <BarRow
            key={other.id}
            name={visibleLine(other.text)}
            share={other.cosine}
            value={other.cosine.toFixed(2)}
            onClick={() => setId(other.id)}
            title="Its neighbours"
          />
        ))}
      </ol>
      {id !== first && (
        <button type="button" onClick={() => setId(first)}>
          Back to the token of the text
        </button>
      )}
    </section>
  );
}
