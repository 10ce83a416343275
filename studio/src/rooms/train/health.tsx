// The activations of every block while it learns: how many units are silent, and how the values spread over
// time.
import type { ProbeEvent, TapSummary, TrainEvent } from 'inkhorn';
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { Heat } from '../../parts/heat.tsx';

export function Health({
  events,
  version,
}: {
  events: readonly TrainEvent[];
  version: number;
}): VNode | null {
  const probes = useMemo(() => events.filter((event) => event.type === 'probe'), [version, events]);
  const last = probes.at(-1);
  if (!last) return null;
  return (
    <section class="health" aria-label="Health of the blocks">
      <h3>Inside the blocks, at step {last.step}</h3>
      <div class="blocks">
        {last.taps.map((tap, i) => (
          <Block key={tap.name} tap={tap} over={probes.map(({ taps }) => taps[i])} steps={stepsOf(probes)} />
        ))}
      </div>
    </section>
  );
}

function stepsOf(probes: readonly ProbeEvent[]): number[] {
  return probes.map(({ step }) => step);
}

function Block({
  tap,
  over,
  steps,
}: {
  tap: TapSummary;
  over: readonly TapSummary[];
  steps: number[];
}): VNode {
  const dead = tap.deadUnits.length;
  const silent = Math.round(100 * tap.zeroFraction);
  return (
    <figure class="block">
      <figcaption>
        <b>{titleOf(tap.name)}</b>
        <span>{silent} % at rest</span>
        <span class={dead > 0 ? 'bad' : ''}>
          {dead} of {tap.units} dead
        </span>
      </figcaption>
      <Heat
        label={`Values of ${tap.name} over steps ${steps[0]} to ${steps.at(-1)}`}
        columns={over.map(({ value }) => value.histogram.counts)}
        height={72}
        darkest={besidesRest}
      />
    </figure>
  );
}

/** Most units are at rest: their bin would leave all others pale. */
function besidesRest(counts: readonly number[]): number {
  const sorted = [...counts].sort((a, b) => b - a);
  return sorted[1] ?? sorted[0];
}

/** `block 2` of `blocks.2.mlp.act`: blocks are numbered from 0 in every room. */
function titleOf(name: string): string {
  const [, block] = name.match(/^blocks\.(\d+)\./) ?? [];
  return block === undefined ? name : `block ${block}`;
}
