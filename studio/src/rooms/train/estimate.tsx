// What a training will take, from the shapes alone.
import type { VNode } from 'preact';
import { countParameters } from '../../counting.ts';
import type { Plan } from './plan.ts';

export function Estimate({ plan }: { plan: Plan; text: string }): VNode {
  const { config, settings } = plan;
  if (!config || !settings)
    return <p class="muted">Mend what is wrong below, then this says what it takes.</p>;
  const tokens = settings.batchSize * settings.accumulate * config.blockSize;
  return (
    <dl class="facts">
      <div>
        <dt>Parameters</dt>
        <dd>{countParameters(config).toLocaleString('en')}</dd>
      </div>
      <div>
        <dt>Tokens per step</dt>
        <dd>{tokens.toLocaleString('en')}</dd>
      </div>
      <div>
        <dt>Tokens in all</dt>
        <dd>{(tokens * settings.steps).toLocaleString('en')}</dd>
      </div>
    </dl>
  );
}
