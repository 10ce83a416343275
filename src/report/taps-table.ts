// Named values in numbers, the same in report.md and on the page.

import { formatCount, formatNumber, formatPercent } from '../base/format.ts';
import type { ProbeEvent } from '../train/events.ts';
import type { ReportTable } from './markdown.ts';

/** One row for each tap of a probe. */
export function tapsTable({ step, taps }: ProbeEvent): ReportTable {
  return {
    title: 'Named values',
    columns: ['value', 'mean', 'std', 'min', 'max', '<= 0', 'gradient std'],
    rows: taps.map(({ name, value, zeroFraction, gradient }) => [
      ...[name, ...[value.mean, value.std, value.min, value.max].map(formatNumber)],
      ...[formatPercent(zeroFraction), gradient ? formatNumber(gradient.std) : ''],
    ]),
    note: `At step ${formatCount(step)}.`,
  };
}
