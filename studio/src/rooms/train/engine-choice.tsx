// Which engine computes, why, and another one.
import { backendNames } from 'inkhorn';
import type { VNode } from 'preact';
import { engine } from '../../engine.ts';
import { choice, choose } from '../../route.ts';

export function EngineChoice(): VNode {
  const state = engine.value;
  const chosen = choice('engine') ?? 'auto';
  const other = (name: string): void => {
    choose({ engine: name === 'auto' ? null : name });
    location.reload(); // the worker has one engine for its life
  };
  return (
    <div class="option">
      <label for="engine-choice">engine</label>
      <select id="engine-choice" value={chosen} onChange={(e) => other(e.currentTarget.value)}>
        {['auto', ...backendNames()].map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <small>
        {state.state === 'ready' && state.description}
        {state.state === 'starting' && 'starts'}
        {state.state === 'failed' && state.reason}
        {state.state === 'ready' &&
          state.passedOver.map(({ name, detail }) => (
            <span key={name} class="passed-over">
              Not {name}: {detail}
            </span>
          ))}
      </small>
    </div>
  );
}
