import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatShort,
} from '../../src/base/format.ts';
import { visibleLine } from '../../src/base/visible.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { memoryStore } from '../../src/io/store.ts';
import { loadPictures } from '../../src/png/charts.ts';
import { drawRun } from '../../src/report/drawn.ts';
import { fence, markdownTable } from '../../src/report/markdown.ts';
import { renderReport } from '../../src/report/report.ts';
import { writeReport } from '../../src/report/write.ts';
import { runSummary } from './runs.ts';

const run = runSummary();
const none = { history: [], findings: [], copies: [] };

const charts = await loadPictures();

describe('report', () => {
  test('tells the whole run', () => {
    const report = renderReport(run, drawRun(run, charts));
    for (const part of [
      '# seed on tiny-shakespeare',
      'A GPT of 3.51M parameters',
      'Best validation loss **2.9428** nats per token = **2.185** bits per byte',
      'finished after 100 steps, in 30m34s',
      '12.3k tokens per second',
      '![Loss](figures/loss.png)',
      '| 90 | 2.1560 | 2.9428 | 2.185 | 18.97 | best |',
      'mean of random batches',
      'Sample of step 10,',
      'Sample of step 100,',
      '![ReLU activations](figures/relu-activations.png)',
      '![ReLU gradients](figures/relu-gradients.png)',
      '| block 4 | 65.9 % | 65.9 % | 3 of 928 | 131,072 |',
      'loss-spike: loss 4.913',
      '## int8: before and after',
      '| parameters | 14.06 MB | 4.47 MB | 3.15x smaller |',
      '| head.weight | weight | 40.0 |',
      '3,514,836',
      '516,651 for training',
      'native (AVX2, 2 threads)',
      '| `headSize` | 38 |',
      '| `batchSize` | 64 |',
      'inkhorn train --preset seed',
    ]) {
      assert.ok(report.includes(part), `the report lacks: ${part}\n${report}`);
    }
    assert.doesNotMatch(report, /NaN|undefined|\[object/);
  });

  test('leaves out what there is nothing to say about', () => {
    const report = renderReport({ ...run, events: [], comparisons: new Map() }, none);
    assert.doesNotMatch(report, /## (Loss|Samples|ReLU health|Warnings|int8)/);
    assert.match(report, /## Set-up/);
  });

  test('says how a run ended that did not finish', () => {
    const done = { type: 'done', step: 7, reason: 'aborted', seconds: 61 } as const;
    assert.match(
      renderReport({ ...run, events: [done] }, none),
      /was stopped after 7 of 100 steps, in 1m01s/,
    );
    assert.match(renderReport({ ...run, events: [] }, none), /has done 0 of 100 steps so far/);
  });

  test('lies beside its pictures', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inkhorn-report-'));
    try {
      const paths = await writeReport(folderStore(folder), run, charts);
      const pictures = await readdir(join(folder, 'figures'));
      assert.deepEqual((await readdir(folder)).sort(), ['figures', 'report.html', 'report.md']);
      assert.equal(paths.length, pictures.length + 2);
      const names = pictures.map((name) => `figures/${name}`);
      const report = await readFile(join(folder, 'report.md'), 'utf8');
      for (const [, file] of report.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g))
        assert.ok(names.includes(file), file);
      for (const name of ['loss', 'relu-activations', 'relu-gradients']) {
        for (const ending of ['png', 'svg', 'json']) assert.ok(pictures.includes(`${name}.${ending}`));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a report in a store without a rasteriser', () => {
  test('shows its pictures as SVG', async () => {
    const store = memoryStore();
    const { plot, document } = charts;
    const names = await writeReport(store, run, { plot, document });
    const figures = await store.folder('figures').list();
    assert.deepEqual(names.slice(0, 2), ['report.html', 'report.md']);
    assert.deepEqual(
      names.slice(2).sort(),
      figures.map((name) => `figures/${name}`),
    );
    assert.ok(figures.length > 0 && figures.every((name) => /\.(svg|json)$/.test(name)));
    const report = new TextDecoder().decode(await store.read('report.md'));
    const shown = Array.from(report.matchAll(/!\[[^\]]*\]\(figures\/([^)]+)\)/g), ([, name]) => name);
    assert.ok(shown.length > 0 && shown.every((name) => figures.includes(name)), `${shown}`);
  });

  test('consists of words and tables without a drawing library', async () => {
    const store = memoryStore();
    assert.deepEqual(await writeReport(store, run), ['report.html', 'report.md']);
    assert.deepEqual(await store.folder('figures').list(), []);
    assert.doesNotMatch(new TextDecoder().decode(await store.read('report.md')), /!\[/);
  });
});

describe('markdown', () => {
  test('keeps cells in their cells', () => {
    const table = markdownTable(['a|b', 'n'], [['x\ny', 1]]);
    assert.equal(table, '| a\\|b | n |\n| --- | ---: |\n| x y | 1 |');
  });

  test('fences text that has fences', () => {
    assert.equal(fence('```\nx\n```'), '````\n```\nx\n```\n````');
  });
});

describe('formats', () => {
  test('are short and exact', () => {
    assert.equal(formatCount(1234567), '1,234,567');
    assert.deepEqual([0, 950, 12345, 999_600, 3514836, 1.2e9].map(formatShort), [
      '0',
      '950',
      '12.3k',
      '1.00M',
      '3.51M',
      '1.20G',
    ]);
    assert.deepEqual([12, 4470000].map(formatBytes), ['12 bytes', '4.47 MB']);
    assert.deepEqual([4.4, 59.6, 192, 7500, Number.NaN].map(formatDuration), [
      '4s',
      '1m00s',
      '3m12s',
      '2h05m',
      '?',
    ]);
    assert.equal(formatPercent(0.5885), '58.9 %');
    assert.deepEqual([0, 0.21, -1.5, 1234, 3e-4, 4.1e-7].map(formatNumber), [
      '0',
      '0.210',
      '-1.50',
      '1,234',
      '3.00e-4',
      '4.10e-7',
    ]);
    assert.equal(visibleLine(' a\n\t\u0007'), '␣a\\n\\t\\x07');
  });
});
