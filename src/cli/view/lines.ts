// Events as lines of text, shared by the live view and the plain one.

import type { Colors } from 'picocolors/types.js';
import {
  formatAmount,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatShort,
} from '../../base/format.ts';
import { mean } from '../../base/statistics.ts';
import { splitProbe } from '../../inspect/probe.ts';
import type { CheckpointEvent, DoneEvent, EvalEvent, ProbeEvent, StepEvent } from '../../train/events.ts';
import type { MilestoneProgress } from '../../train/run.ts';

/**
 * `eval  step   500  val 3.7969  train 3.5464  2.819 bits/byte  best`. Steps are as wide as `totalSteps`.
 */
export function evalLine(event: EvalEvent, totalSteps: number, colors: Colors): string {
  const parts = [
    `step ${formatCount(event.step).padStart(formatCount(totalSteps).length)}`,
    `val ${colors.bold(event.valLoss.toFixed(4))}`,
    `train ${event.trainLoss.toFixed(4)}`,
    `${event.bitsPerByte.toFixed(3)} bits/byte`,
  ];
  if (event.oldLoss !== undefined) parts.push(`old text ${event.oldLoss.toFixed(4)}`);
  if (event.weights === 'average') parts.push('of averaged weights');
  if (event.best) parts.push(colors.green('best'));
  return `${colors.cyan('eval')}  ${parts.join('  ')}`;
}

/** The parts of a step's line, most important first: a narrow terminal shows only the first ones. */
export function stepParts(event: StepEvent): string[] {
  return [
    `loss ${event.loss.toFixed(3)}`,
    `${formatDuration(event.eta)} left`,
    `${formatShort(event.tokensPerSecond)} tok/s`,
    `lr ${formatNumber(event.lr)}`,
    `|grad| ${formatNumber(event.gradNorm)}`,
  ];
}

/** `evaluation 45 %`. */
export function milestonePart({ what, done, total }: MilestoneProgress): string {
  return `${what} ${Math.floor((100 * done) / total)} %`;
}

/** `MLP outputs <= 0: 59 61 62 63 66 %, dead units: 3 of 4,640`. */
export function healthLine(probe: ProbeEvent): string {
  const { activations: taps } = splitProbe(probe);
  const shares = taps.map((tap) => (100 * tap.zeroFraction).toFixed(0));
  const dead = taps.reduce((sum, tap) => sum + tap.deadUnits.length, 0);
  const units = taps.reduce((sum, tap) => sum + tap.units, 0);
  const average = mean(taps.map((tap) => tap.zeroFraction));
  // The shares of a deep model would fill the line, so their mean is shown.
  const share = shares.length <= 12 ? `${shares.join(' ')} %` : `${formatPercent(average)} on average`;
  return `MLP outputs <= 0: ${share}, dead units: ${formatCount(dead)} of ${formatCount(units)}`;
}

/** `saved  step 500 (best) in runs/seed`. */
export function checkpointLine(event: CheckpointEvent, colors: Colors): string {
  return `${colors.cyan('saved')}  step ${formatCount(event.step)} (${event.kind}) in ${event.path}`;
}

/** `done  5,000 steps in 30m34s`. */
export function doneLine(event: DoneEvent, colors: Colors): string {
  const how = { finished: 'done', aborted: 'stopped', 'non-finite': 'failed' }[event.reason];
  const color = { finished: colors.green, aborted: colors.yellow, 'non-finite': colors.red }[event.reason];
  return `${color(how)}  ${formatAmount(event.step, 'step')} in ${formatDuration(event.seconds)}`;
}
