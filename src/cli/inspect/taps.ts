// `inspect taps`: the table of names, and statistics of the values with these names.
import { tapsFinding, tapsTable } from '../../figures/taps.ts';
import { measureTaps } from '../../inspect/measure.ts';
import { matchTaps, TAPS } from '../../model/taps.ts';
import { asked } from '../errors.ts';
import type { Output } from '../output.ts';
import { showTable } from '../show-table.ts';
import { batchOf, type Findings, type Subject } from './subject.ts';

/** All names, without a model. */
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
    figures: (charts) => tapsFinding.figures(taps, { charts }),
    show(output): void {
      showTable({ ...tapsTable(taps), title: `${batch.B} x ${batch.T} tokens` }, output);
    },
  };
}
