// The first page: the bundled model speaks at once, so that a visitor sees what computes, and where.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { followed, followedName } from '../../followed.ts';
import { SHIPPED } from '../../kept/models.ts';
import { type KeptRun, latestRun } from '../../kept/runs.ts';
import { attempt } from '../../notices.ts';
import { enter, link } from '../../route.ts';
import { goOn, isBusy, training } from '../../training.ts';
import { Speech } from './speech.tsx';
import './arrive.css';

export function Arrive(): VNode {
  return (
    <div class="arrive">
      <section class="welcome">
        <h1>
          Teach a small GPT <em>your</em> words, and see how it learns them.
        </h1>
        <p class="lead">
          Inkhorn trains a language model on a text of yours, in this tab. Watch its loss fall, open its
          layers while it learns, talk to it, and take it with you as a folder.
        </p>
        <p class="ways">
          <a class="button primary large" href={link('text')}>
            Train on your text
          </a>
          <a class="button large" href={link('play', { model: SHIPPED })}>
            Talk to it
          </a>
          <a class="button large" href={link('look', { model: SHIPPED })}>
            Look inside it
          </a>
        </p>
        <FollowedRun />
        <Latest />
        <ul class="honest">
          <li>
            <b>No server computes.</b> The text on this page is being written by your own computer.
          </li>
          <li>
            <b>Nothing leaves the tab.</b> Your texts and runs stay in this browser until you delete them.
          </li>
          <li>
            <b>It is small.</b> It learns to spell and to sound like its text. It knows nothing else.
          </li>
        </ul>
      </section>
      <Speech />
    </div>
  );
}

/** The run of the command line that the server of this page follows: the way to it. */
function FollowedRun(): VNode | null {
  const state = followed.value;
  if (!state) return null;
  const step =
    state.state === 'seen' ? `, at step ${state.run.step.value} of ${state.run.settings.steps}` : '';
  return (
    <p class="latest">
      <a href={link('train')}>
        Watch {followedName} of the command line{step}
      </a>
    </p>
  );
}

/** The run that was trained last, to go on with. */
function Latest(): VNode | null {
  const [run, setRun] = useState<KeptRun | null>(null);
  useEffect(() => attempt(async () => setRun(await latestRun().catch(() => null))), []);
  if (isBusy())
    return (
      <p class="latest">
        <a href={link('train')}>{training.value?.name ?? 'Your run'} is being trained</a>
      </p>
    );
  if (!run) return null;
  const { name, step, settings } = run;
  const unfinished = step < settings.steps;
  return (
    <p class="latest">
      <span>
        Your last run, <b>{name}</b>, is at step {step.toLocaleString('en')} of{' '}
        {settings.steps.toLocaleString('en')}.
      </span>
      <span class="buttons">
        {unfinished && (
          <button
            type="button"
            onClick={() => {
              enter('train');
              attempt(() => goOn(name));
            }}
          >
            Go on with it
          </button>
        )}
        <a class="button" href={link('play', { model: `runs/${name}` })}>
          Talk to it
        </a>
      </span>
    </p>
  );
}
