// Watches the MLP activations of every block during one training step, and their gradients: statistics are taken on
// the engine, only they are read back. Changes no bit of the step. Read next: inspect/probe.ts.
import { STATISTICS_HEADER } from '../backend/contract.ts';
import type { Measurement, Probe, TapKind } from '../inspect/probe.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor, zeros } from '../tensor/tensor.ts';
import type { BatchTap } from './step.ts';

/** One `statistics` call that is queued and not yet read. */
interface Pending {
  name: string;
  kind: TapKind;
  stats: Tensor;
  active: Tensor | null;
  rows: number;
  cols: number;
}

/** A tap on `blocks.N.mlp.act` that hands each measurement to `sink`, in histograms of the ranges of `probe`. */
export function probeTap(probe: Probe, sink: (measurement: Measurement) => void): BatchTap {
  let pending: Pending[] = [];
  const measure = (name: string, kind: TapKind, x: Tensor): void => {
    const cols = x.shape[x.shape.length - 1];
    const rows = x.size / cols;
    const range = probe.range(name, kind);
    const stats = keep(empty([STATISTICS_HEADER + range.bins], 'f32', x.backend));
    const active = kind === 'value' ? keep(zeros([cols], 'i32', x.backend)) : null;
    x.backend.kernels.statistics(stats.buffer, active?.buffer ?? null, x.buffer, { rows, cols, ...range });
    pending.push({ name, kind, stats, active, rows, cols });
  };
  return {
    wants: (name) => name.endsWith('.mlp.act'),
    value: (name, value) => measure(name, 'value', value),
    gradient: (name, gradient) => measure(name, 'gradient', gradient),
    async collect(): Promise<void> {
      for (const { stats, active, ...rest } of pending) {
        const counted = active && ((await active.backend.read(active.buffer)) as Int32Array);
        sink({ ...rest, stats: await stats.data(), active: counted });
        stats.dispose();
        active?.dispose();
      }
      pending = [];
    },
  };
}
