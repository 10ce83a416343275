// `inspect taps`: the table of names, and the statistics of any of them.

import { formatNumber, formatPercent } from '../../base/format.ts';
import { measureTaps } from '../../inspect/measure.ts';
import { matchTaps, TAPS } from '../../model/taps.ts';
import { tapsFigure } from '../../report/taps-plot.ts';
import { asked } from '../errors.ts';
import type { Output } from '../output.ts';
import { batchOf, type Findings, type Subject } from './subject.ts';

/** Every name there is, for a look without a model. */
export function listTaps(output: Output): void {
  output.data(TAPS);
  output.table(
    ['name', 'shape', 'what'],
    TAPS.map(({ name, shape, about }) => [name, shape, about]),
  );
  output.print('\nB sequences of T tokens, C width, H heads of hs columns, V tokens; N: block');
  output.print('Patterns: * anything but a dot, ** anything, {a,b} one or the other.');
}

export async function taps(subject: Subject, patterns: readonly string[]): Promise<Findings> {
  const { model } = subject.folder;
  await asked(() => matchTaps(patterns, model.config));
  const batch = await batchOf(subject);
  const { taps } = await measureTaps(model, batch, patterns);
  return {
    data: { tokens: batch.B * batch.T, taps },
    figures: [tapsFigure(taps)],
    show(output): void {
      output.print(output.colors.bold(`${batch.B} x ${batch.T} tokens`));
      output.table(
        ['', 'mean', 'std', 'min', 'max', '<= 0', 'grad std', 'silent'],
        taps.map(({ name, value, gradient, zeroFraction, deadUnits, units }) => [
          ...[name, ...[value.mean, value.std, value.min, value.max].map(formatNumber)],
          ...[formatPercent(zeroFraction), gradient ? formatNumber(gradient.std) : ''],
          units > 0 ? `${deadUnits.length}/${units}` : '',
        ]),
      );
      if (taps.some(({ units }) => units > 0))
        output.print('silent: units that fired for none of these tokens');
    },
  };
}
