// The measurements of a probed step from all ranks, so that the probe of each has all micro-batches, in
// order: what it remembers decides the ranges of later histograms.
import type { Measurement } from '../inspect/probe.ts';
import { type Communicator, gather } from './communicator.ts';

/** A measurement as JSON, with arrays as lists. */
interface Sent extends Omit<Measurement, 'stats' | 'active'> {
  stats: (number | string)[];
  active: number[] | null;
}

/** The measurements of all ranks, in the order of their micro-batches. */
export async function gatherMeasurements(
  ranks: Communicator,
  own: readonly Measurement[],
  signal?: AbortSignal,
): Promise<Measurement[]> {
  const bytes = new TextEncoder().encode(JSON.stringify(own.map(pack)));
  const all = await gather(ranks, bytes, signal);
  return all.flatMap((part) => (JSON.parse(new TextDecoder().decode(part)) as Sent[]).map(unpack));
}

/** JSON has no NaN and no infinities, and writes -0 as 0: these go as words. */
function pack({ stats, active, ...rest }: Measurement): Sent {
  const word = (x: number): number | string =>
    Number.isFinite(x) && !Object.is(x, -0) ? x : Object.is(x, -0) ? '-0' : String(x);
  return { ...rest, stats: Array.from(stats, word), active: active && [...active] };
}

function unpack({ stats, active, ...rest }: Sent): Measurement {
  return { ...rest, stats: Float32Array.from(stats, Number), active: active && Int32Array.from(active) };
}
