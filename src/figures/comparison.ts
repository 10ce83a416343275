// The comparison of two models, usually one before and after quantisation.
import { formatBytes, formatChange, formatPercent } from '../base/format.ts';
import type { CompareReport } from '../quantize/compare.ts';
import { type Bytes, storages } from '../quantize/size.ts';
import type { SavedComparison } from '../runs/comparison.ts';
import type { Finding } from './figure.ts';
import { layerErrorFigure } from './layer-errors.ts';
import type { Table } from './table.ts';

/** Size and quality in the first table, bytes by kind in the second, noise per layer in the third. */
export function compareTables(report: CompareReport): Table[] {
  return [summaryTable(report), bytesTable(report), noiseTable(report)].filter(({ rows }) => rows.length > 0);
}

/** The comparison of a quantised copy with its original. */
export const comparisonFinding: Finding<SavedComparison> = {
  title: 'Quantised',
  about: 'What became smaller, and what it costs.',
  tables: compareTables,
  figures({ layers = [] }, drawing) {
    const figure = layerErrorFigure(layers, drawing);
    return figure ? [figure] : [];
  },
};

function summaryTable({ formats, parameters, validation, speed }: CompareReport): Table {
  const { before, after, kl, top1, tokens, blockSize } = validation;
  const ratio = `${parameters.ratio.toFixed(2)}x smaller`;
  const rows = [
    ['matrices', formats.before, formats.after, ''],
    ['parameters', formatBytes(parameters.before), formatBytes(parameters.after), ratio],
    [
      'validation loss, nats/token',
      before.loss.toFixed(4),
      after.loss.toFixed(4),
      formatChange(after.loss - before.loss, 4),
    ],
    [
      'bits per byte',
      before.bitsPerByte.toFixed(4),
      after.bitsPerByte.toFixed(4),
      formatChange(after.bitsPerByte - before.bitsPerByte, 4),
    ],
    ['KL(before || after), nats/token', '', kl.toExponential(2), ''],
    ['same most likely token', '', formatPercent(top1, 2), ''],
  ];
  if (speed) {
    const gain = `${(speed.after / speed.before).toFixed(2)}x`;
    rows.push(['tokens/s', String(Math.round(speed.before)), String(Math.round(speed.after)), gain]);
  }
  const method = speed ? ` Speed: ${speed.method}.` : '';
  return {
    title: 'Before and after',
    columns: ['', 'before', 'after', 'change'],
    rows,
    note: `Over ${tokens} validation tokens in windows of ${blockSize}.${method}`,
  };
}

/** A column for each storage type that one of the models uses. */
function bytesTable({ parameters: { kinds } }: CompareReport): Table {
  const used = (model: 'before' | 'after'): (keyof Bytes)[] =>
    storages.filter((storage) => kinds.some((kind) => kind[model][storage] > 0));
  const [a, b] = [used('before'), used('after')];
  const columns = (model: string, used: string[]): string[] =>
    used.map((storage, i) => (i === 0 ? `${model}: ${storage}` : storage));
  return {
    title: 'Parameter bytes by kind',
    columns: ['kind', ...columns('before', a), ...columns('after', b)],
    rows: kinds.map(({ kind, before, after }) => [
      kind,
      ...a.map((storage) => formatBytes(before[storage])),
      ...b.map((storage) => formatBytes(after[storage])),
    ]),
  };
}

function noiseTable({ weights, outputs }: CompareReport): Table {
  const row = ({ name, sqnrDb }: { name: string; sqnrDb: number | null }, what: string): string[] => [
    name,
    what,
    sqnrDb === null ? 'equal' : sqnrDb.toFixed(1),
  ];
  return {
    title: 'Signal to quantisation noise',
    columns: ['where', 'of', 'SQNR, dB'],
    rows: [...weights.map((w) => row(w, 'weight')), ...outputs.map((o) => row(o, 'output'))],
    detail: true,
    note: '10 log10(sum of x^2 / sum of (x - y)^2), before against after: 6 dB are one bit.',
  };
}
