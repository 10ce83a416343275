// Computes the statistics of named values and their gradients during a pass that is made anyway. They are
// computed on the engine, so that only the statistics are read back. Changes no bit of the pass. Read next:
// probe.ts.
import { STATISTICS_HEADER } from '../backend/contract.ts';
import { type Tap, tapSpec } from '../model/taps.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor, zeros } from '../tensor/tensor.ts';
import type { Measurement, Probe, TapKind } from './probe.ts';

/** A tap that is asked after each micro-batch to read the statistics it has queued. */
export interface BatchTap extends Tap {
  collect(): Promise<void>;
}

/** A `statistics` call that is queued and not yet read. */
interface Pending extends Omit<Measurement, 'stats' | 'active'> {
  stats: Tensor;
  active: Tensor<'i32'> | null;
}

/**
 * A tap on the values with these names. It passes each measurement to `sink`; histograms have the ranges of
 * `probe`.
 */
export function probeTap(
  probe: Probe,
  names: ReadonlySet<string>,
  sink: (measurement: Measurement) => void,
): BatchTap {
  let pending: Pending[] = [];
  const measure = (name: string, kind: TapKind, x: Tensor): void => {
    const cols = x.shape[x.shape.length - 1];
    const rows = x.size / cols;
    const range = probe.range(name, kind);
    const stats = keep(empty([STATISTICS_HEADER + range.bins], 'f32', x.backend));
    const counted = kind === 'value' && tapSpec(name).units;
    const active = counted ? keep(zeros([cols], 'i32', x.backend)) : null;
    x.backend.kernels.statistics(stats.buffer, active?.buffer ?? null, x.buffer, { rows, cols, ...range });
    pending.push({ name, kind, stats, active, rows, cols });
  };
  return {
    wants: (name) => names.has(name),
    value: (name, value) => measure(name, 'value', value),
    gradient: (name, gradient) => measure(name, 'gradient', gradient),
    async collect(): Promise<void> {
      for (const { stats, active, ...rest } of pending) {
        sink({ ...rest, stats: await stats.data(), active: active && (await active.data()) });
        stats.dispose();
        active?.dispose();
      }
      pending = [];
    },
  };
}
