// Train: choose, start, and watch it learn.
import type { VNode } from 'preact';
import { followed, followedName } from '../../followed.ts';
import { FOLLOWED, LIVE } from '../../kept/models.ts';
import { choice } from '../../route.ts';
import { isBusy, training } from '../../training.ts';
import { Live } from './live.tsx';
import { PastRun, Runs, useRuns } from './runs.tsx';
import { Setup } from './setup.tsx';
import './train.css';

export function Train(): VNode {
  const kept = useRuns();
  return (
    <div class="train">
      <h1>Train</h1>
      <FollowedRun />
      {training.value && <Live run={training.value} model={LIVE} own />}
      <PastRun run={kept.runs.find(({ name }) => name === choice('show'))} />
      {isBusy() ? null : <Setup />}
      <Runs {...kept} />
    </div>
  );
}

/** The run of the command line that the server of this page follows. */
function FollowedRun(): VNode | null {
  const state = followed.value;
  if (!state) return null;
  const reason = state.state === 'seen' ? state.lost : state.reason;
  return (
    <>
      {reason !== null && (
        <p class="muted" role="status">
          Waiting for {followedName}: {reason}
        </p>
      )}
      {state.state === 'seen' && <Live run={state.run} model={FOLLOWED} own={false} />}
    </>
  );
}
