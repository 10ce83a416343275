// Look inside: what a model makes of a text of yours.
import { useComputed } from '@preact/signals';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { checkpointsOf } from '../../kept/models.ts';
import { chosenModel } from '../../parts/model-picker.tsx';
import { choice, choose } from '../../route.ts';
import { Asking } from './asking.tsx';
import { Attention } from './attention.tsx';
import { EditBar } from './edit-bar.tsx';
import { writtenEdits } from './edits.ts';
import { LensTable } from './lens.tsx';
import { useLook } from './looking.ts';
import { Losses } from './losses.tsx';
import { Near } from './near.tsx';
import { chosenToken, oddPlaces } from './places.ts';
import { Units } from './units.tsx';
import './look.css';

/** A text with something to find in it: it says things twice. */
const FIRST_PROMPT =
  'The king is dead. Long live the king! What says the queen? The queen says: long live the king';

export function Look(): VNode {
  const model = chosenModel();
  const prompt = choice('prompt') ?? FIRST_PROMPT;
  const [round, setRound] = useState(0);
  // Its files change with every checkpoint of its run, wherever that is trained.
  const checkpoints = useComputed(() => checkpointsOf(chosenModel())).value;
  const { look, busy } = useLook({ model, prompt, edits: writtenEdits(), round: round + checkpoints });
  const again = (): void => setRound((n) => n + 1);
  const chosen = chosenToken(look?.tokens.length ?? 1);
  const onChoose = (i: number): void => choose({ token: String(i) });
  return (
    <div class="look" aria-busy={busy}>
      <h1>Look inside</h1>
      <Asking {...{ model, prompt, look, busy, again }} />
      {look && (
        <>
          {oddPlaces(look).map((line) => (
            <p key={line} class="warning" role="status">
              {line}.
            </p>
          ))}
          <EditBar look={look} busy={busy} />
          <Losses {...{ look, chosen, onChoose }} />
          <Attention {...{ look, chosen, onChoose }} />
          <LensTable {...{ look, chosen, onChoose }} />
          <div class="columns">
            <Near look={look} chosen={chosen} />
            <Units look={look} chosen={chosen} />
          </div>
        </>
      )}
    </div>
  );
}
