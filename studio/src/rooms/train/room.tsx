// Train: choose, start, and watch it learn.
import type { VNode } from 'preact';
import { isBusy, training } from '../../training.ts';
import { Live } from './live.tsx';
import { Runs } from './runs.tsx';
import { Setup } from './setup.tsx';
import './train.css';

export function Train(): VNode {
  return (
    <div class="train">
      <h1>Train</h1>
      {isBusy() ? null : <Setup />}
      {training.value && <Live run={training.value} />}
      <Runs />
    </div>
  );
}
