// The pictures and tables of findings, drawn without Node in any document.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { shownFindings } from '../../src/figures/findings.ts';
import { lossFigure } from '../../src/figures/loss.ts';
import { narrow, type Table } from '../../src/figures/table.ts';
import { drawRun } from '../../src/report/drawn.ts';
import { runPage } from '../../src/report/page/run-page.ts';
import { renderReport } from '../../src/report/report.ts';
import type { Findings } from '../../src/runs/findings.ts';
import { probeEvent, runEvents } from './events.ts';
import { runSummary } from './runs.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const charts = { plot: Plot, document: parseHTML('<!doctype html><html><body></body></html>').document };

/**
 * Everything that `entries` (files of src/) import, directly or not: files of src/, and other modules by
 * name.
 */
function reach(entries: readonly string[]): { files: Set<string>; others: Set<string> } {
  const [files, others] = [new Set<string>(), new Set<string>()];
  const left = [...entries];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    // The compiled code, without imports of types.
    const compiled = readFileSync(join(root, 'dist/src', file.replace(/\.ts$/, '.js')), 'utf8');
    for (const [, path] of compiled.matchAll(/(?<!['"])\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      if (!path.startsWith('.')) others.add(path);
      else left.push(relative('src', join('src', dirname(file), path)).replace(/\.js$/, '.ts'));
    }
  }
  return { files, others };
}

/** Every finding, in its smallest form. */
const findings: Required<Findings> = {
  activations: probeEvent(1).taps,
  taps: probeEvent(1).taps,
  attention: { tokens: ['a', 'b'], layers: 1, heads: 1, probabilities: [1, 0, 0.5, 0.5] },
  heads: [
    { layer: 0, head: 0, entropy: 0.5, distance: 1, previous: 0.9, self: 0.1, first: 0, induction: null },
  ],
  tokens: [
    { text: 'a', loss: null },
    { text: 'b', loss: 2, probability: 0.1353, expected: [{ id: 1, text: 'x', probability: 0.5 }] },
  ],
  lens: {
    tokens: [{ id: 1, text: 'a' }],
    rows: [
      {
        name: 'embed',
        cells: [{ top: [{ id: 1, text: 'lensed', probability: 1 }], entropy: 0, kl: 0, actual: null }],
      },
    ],
  },
  ablation: { loss: 2, heads: [[0.125]], attention: [0.25], mlp: [-0.5] },
  edit: {
    edits: 'embed=0',
    tokens: [
      { text: 'a', change: null },
      { text: 'edited', change: 0.75 },
    ],
  },
  neighbours: [{ id: 1, text: 'a', nearest: [{ id: 2, text: 'near', cosine: 0.5 }] }],
  positions: { positions: 2, cosines: [1, 0.375, 0.375, 1] },
};

describe('tables of findings', () => {
  const table: Table = {
    title: 't',
    columns: ['a', 'b', 'c', 'd', 'e', 'f'],
    rows: [['1', '22', '333', '4444', '55555', '6']],
    tones: [[null, null, null, null, 'hit', null]],
    wide: ['f'],
  };
  const shown = (columns: number, keep: 'first' | 'between'): string => {
    const fitting = { columns: ['b', 'c', 'd', 'e'], keep };
    const part = narrow({ ...table, fitting }, { columns, widthOf: (text) => text.length });
    assert.deepEqual(part.rows[0].length, part.columns.length);
    assert.equal(part.tones?.[0][part.columns.indexOf('e')], part.columns.includes('e') ? 'hit' : undefined);
    return part.columns.join('');
  };

  test('have as many columns as fit', () => {
    // None may be left out.
    assert.equal(narrow(table, { columns: 1, widthOf: () => 9 }).columns.join(''), 'abcde');
    assert.deepEqual(
      [23, 22, 15, 9].map((columns) => shown(columns, 'first')),
      ['abcde', 'abcd', 'abc', 'ab'],
    );
    assert.deepEqual(
      [23, 22, 17, 12, 9, 0].map((columns) => shown(columns, 'between')),
      ['abcde', 'abde', 'abe', 'abe', 'ae', 'ae'],
    );
  });

  test('are those that `inspect` prints, which has none of its own', () => {
    const folder = join(root, 'src/cli/inspect');
    const own = readdirSync(folder).filter((file) =>
      /output\.table\(|formatTable/.test(readFileSync(join(folder, file), 'utf8')),
    );
    assert.deepEqual(own, ['taps.ts']); // the list of names, which is no finding
  });
});

describe('figures', () => {
  test('and reports need nothing of Node, and no library that is not passed in', () => {
    const { files, others } = reach([
      'figures/findings.ts',
      'figures/loss.ts',
      'report/drawn.ts',
      'report/report.ts',
      'report/page/run-page.ts',
      'report/page/comparison-page.ts',
      'runs/read.ts',
    ]);
    assert.ok(files.size > 60, `${files.size} files`);
    assert.deepEqual([...others], []);
  });

  test('are drawn in the document that is given', () => {
    const made: string[] = [];
    const { document: own } = parseHTML('<!doctype html><html><body></body></html>');
    const create = own.createElementNS.bind(own);
    own.createElementNS = (namespace: string, name: string) => {
      made.push(name);
      return create(namespace, name);
    };
    const svg = lossFigure(runEvents(10), { charts: { plot: Plot, document: own } })?.svg ?? '';
    assert.ok(made.includes('svg') && made.includes('path'), made.join(' '));
    assert.equal(svg, lossFigure(runEvents(10), { charts })?.svg);
  });

  test('every kind of finding has a table or a picture, the same in Markdown and on the page', () => {
    const run = runSummary({ findings, events: [] });
    const drawn = drawRun(run, charts);
    assert.deepEqual(drawn.findings.map(({ kind }) => kind).sort(), Object.keys(findings).sort());
    const markdown = renderReport(run, drawn);
    const page = parseHTML(runPage(run, charts, drawn)).document;
    const shown = page.querySelector('main')?.textContent ?? '';
    for (const { kind, title, tables, figures } of drawn.findings) {
      assert.ok(tables.length + figures.length > 0, kind);
      assert.ok(markdown.includes(`### ${title}\n`), title);
      for (const { name } of figures) assert.ok(markdown.includes(`](figures/${name}.png)`), name);
      for (const cell of tables.flatMap(({ rows }) => rows.flat())) {
        assert.ok(markdown.includes(String(cell)), `${kind}: ${cell} in Markdown`);
        assert.ok(shown.includes(String(cell)), `${kind}: ${cell} on the page`);
      }
    }
    for (const word of ['lensed', 'near', '+0.75', '+0.125', '0.38', 'previous token'])
      assert.ok(shown.includes(word), word);
  });

  test('what is too large for a picture keeps its table', () => {
    const tokens = Array.from({ length: 200 }, () => findings.lens.tokens[0]);
    const rows = findings.lens.rows.map((row) => ({ ...row, cells: tokens.map(() => row.cells[0]) }));
    const [lens] = shownFindings({ lens: { tokens, rows } }, {}, { charts });
    assert.deepEqual([lens.figures.length, lens.tables[0].rows.length], [0, 201]);
  });
});
