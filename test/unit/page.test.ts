// The pages are whole documents, load nothing from elsewhere, contain the figures of the history, and work
// for any text.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseHTML } from 'linkedom';
import { loadPictures } from '../../src/png/charts.ts';
import { comparisonPage } from '../../src/report/page/comparison-page.ts';
import { html, jsonScript, raw } from '../../src/report/page/html.ts';
import { runPage } from '../../src/report/page/run-page.ts';
import { compareRuns } from '../../src/runs/compare.ts';
import type { RunSummary } from '../../src/runs/summary.ts';
import { runEvents } from './events.ts';
import { runSummary } from './runs.ts';

const charts = await loadPictures();

/** Parses a page and checks what all pages must satisfy. */
function open(markup: string): ReturnType<typeof parseHTML>['document'] {
  const { document } = parseHTML(markup);
  assert.match(markup, /^<!doctype html>/);
  assert.doesNotMatch(
    markup,
    /(?:src|href|action)="(?!#)|@import|url\(|https?:(?!\/\/www\.w3\.org\/)/,
    'an address outside the file',
  );
  assert.doesNotMatch(markup, /NaN|undefined|\[object|Infinity/);
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'an id twice');
  for (const link of document.querySelectorAll('nav a'))
    assert.ok(ids.includes((link.getAttribute('href') ?? '').slice(1)), link.outerHTML);
  for (const figure of document.querySelectorAll('figure.chart')) {
    const { series } = JSON.parse(figure.querySelector('script')?.textContent ?? '') as {
      series: { points: unknown[] }[];
    };
    assert.ok(series.every(({ points }) => points.length > 0));
    for (const drawing of figure.querySelectorAll('[data-x]')) {
      for (const name of ['data-x', 'data-y']) {
        const numbers = JSON.parse(drawing.getAttribute(name) ?? '') as unknown[];
        assert.ok(numbers.length === 5 && numbers.every(Number.isFinite), `${name} ${numbers}`);
      }
    }
  }
  return document;
}

/** Every variable that is used is defined in both colour schemes. */
function checkColors(markup: string): void {
  const [light, dark] = markup.match(/:root\{[^}]*\}/g) ?? [];
  for (const [, name] of markup.matchAll(/var\(--([a-z0-9-]+)\)/g)) {
    if (['c', 'l', 'sans', 'serif', 'mono'].includes(name)) continue;
    for (const scheme of [light, dark]) assert.ok(scheme?.includes(`--${name}:`), `--${name}`);
  }
}

describe('page of a run', () => {
  test('holds the figures of its history', () => {
    const markup = runPage(runSummary(), charts);
    checkColors(markup);
    const document = open(markup);
    const text = document.querySelector('main')?.textContent ?? '';
    for (const part of [
      'seed on tiny-shakespeare',
      '3.51M parameters',
      'ReLU activations over time',
      'ReLU gradients over time',
      'finished after 100 steps',
      'native (AVX2, 2 threads)',
      '2.9428',
      '2.185',
      '18.97',
      '12.3k',
      '30m34s',
      'Sample of step 10,',
      'Sample of step 100,',
      '3 of 4,640 units are dead',
      '65.9 %',
      'loss 4.913, 2.512 usual before',
      '14.06 MB',
      '4.47 MB',
      'headSize',
      'batchSize',
      'inkhorn train --preset seed',
    ])
      assert.ok(text.includes(part), `the page lacks ${part}`);
    assert.equal(document.querySelectorAll('tr.best th')[0]?.textContent, '90');
    assert.equal(document.querySelector('meta[name=viewport]') !== null, true);
  });

  test('gives every chart a drawing for each width, and its values', () => {
    const document = open(runPage(runSummary(), charts));
    const [loss] = document.querySelectorAll('figure.chart');
    assert.equal(loss.querySelectorAll('.wide svg, .narrow svg').length, 2);
    const { series } = JSON.parse(loss.querySelector('script')?.textContent ?? '');
    assert.deepEqual(
      series.map(({ name, points }: { name: string; points: unknown[] }) => [name, points.length]),
      [
        ['training batches', 100],
        ['train', 11],
        ['validation', 11],
      ],
    );
    assert.deepEqual(series[2].points[9], [90, 2.9428, '2.9428']);
  });

  test('shows attention, the loss of every token and the logit lens where someone looked', () => {
    const document = open(runPage(runSummary(), charts));
    const maps = [...document.querySelectorAll('.head svg')];
    assert.equal(maps.length, 4);
    // sqrt of 1, 0.5, 0.2, 0.3 in sixteenths: the zeros above the diagonal are not drawn
    assert.deepEqual(
      [...maps[0].querySelectorAll('path')].map((path) => path.getAttribute('fill-opacity')),
      ['0.44', '0.56', '0.69', '1.00'],
    );
    const tokens = [...document.querySelectorAll('.tokens span[title]')];
    assert.deepEqual(
      tokens.map((token) => [token.textContent, token.getAttribute('title')]),
      [
        ['␣<b>', '2.00 nats, 13.5 %'],
        ['\\n', '0.50 nats, 60.7 %'],
      ],
    );
    const heads = [...document.querySelectorAll('.head span')].map(({ textContent }) => textContent);
    assert.deepEqual(heads, ['0', '1 previous token', '0 induction', '1 previous token, induction']);
    const cells = [...document.querySelectorAll('.lens td')].map(({ textContent, className }) => [
      textContent,
      className,
    ]);
    assert.deepEqual(cells, [
      ['a', ''],
      ['<b>', 'hit'],
      ['<b>', 'came'],
      ['a', ''],
      ['<b>', ''],
      ['', 'came'],
    ]);
    assert.ok(document.querySelector('main')?.textContent?.includes('layer by layer: 0.69, 0.69 nats'));
    const bare = open(runPage(runSummary({ findings: {} }), charts));
    assert.ok(
      !bare.querySelector('#attention') && !bare.querySelector('#tokens') && !bare.querySelector('#lens'),
    );
  });

  test('escapes whatever a model says', () => {
    const said = '<script>alert(1)</script> & "quotes" \u0007';
    const events = runEvents(10);
    for (const event of events) if (event.type === 'sample') event.text = said;
    const run = runSummary({ events, title: '<b>x</b>' });
    const document = open(runPage(run, charts));
    const samples = [...document.querySelectorAll('.sample blockquote')];
    assert.ok(samples.length > 0);
    for (const sample of samples)
      assert.ok(sample.textContent?.includes('<script>alert(1)</script> & "quotes" \ufffd'));
    assert.equal(document.querySelectorAll('main script:not([type])').length, 0);
    assert.equal(document.querySelector('h1')?.textContent, '<b>x</b>');
  });

  test('leaves out what there is nothing to say about, and draws what little there is', () => {
    const few: RunSummary['events'][] = [[], runEvents(100).slice(0, 1), runEvents(100).slice(0, 3)];
    for (const events of few) {
      const document = open(runPage(runSummary({ events, comparisons: new Map() }), charts));
      const titles = [...document.querySelectorAll('h2')].map(({ textContent }) => textContent);
      for (const gone of ['Samples', 'Activations', 'Quantised']) assert.ok(!titles.includes(gone), gone);
      assert.ok(titles.includes('Set-up'));
    }
  });

  test('takes losses that are not finite', () => {
    const events = runEvents(10).map((event) =>
      event.type === 'step' ? { ...event, loss: Number.NaN, gradNorm: Number.POSITIVE_INFINITY } : event,
    );
    open(runPage(runSummary({ events }), charts));
  });
});

describe('page of several runs', () => {
  const slower = runSummary({
    folder: 'runs/slower',
    settings: { ...runSummary().settings, lr: 1e-4 },
    events: runEvents(100).map((event) =>
      event.type === 'eval' ? { ...event, valLoss: event.valLoss + 0.1 } : event,
    ),
  });

  test('says which is best, and what differs', () => {
    const markup = comparisonPage([runSummary(), slower], charts);
    checkColors(markup);
    const document = open(markup);
    const text = document.querySelector('main')?.textContent ?? '';
    assert.match(text, /seed is best, with 2\.9428 nats\/token: 0\.1000 below slower/);
    assert.equal(document.querySelector('tr.best th')?.textContent, 'seed');
    assert.equal(document.querySelectorAll('.of figure.chart').length, 3);
    const rows = [...document.querySelectorAll('#differences ~ .scroll tbody tr')].map((row) =>
      [...row.children].map(({ textContent }) => textContent),
    );
    assert.deepEqual(rows, [['lr', '0.0003', '0.0001']]);
  });

  test('compares bits per byte where tokens differ', () => {
    const other = runSummary({ folder: 'b', tokenizer: { vocabSize: 300, split: 'gpt2', id: 'other' } });
    const { measure, differences } = compareRuns([runSummary(), other]);
    assert.equal(measure, 'bits/byte');
    assert.deepEqual(
      differences.map(({ name }) => name),
      ['tokenizer', 'split'],
    );
    assert.match(
      open(comparisonPage([runSummary(), other], charts)).querySelector('main')?.textContent ?? '',
      /nats per token say nothing/,
    );
  });

  test('takes more runs than there are colours, runs of one name, and runs without an evaluation', () => {
    const many = Array.from({ length: 9 }, (_, i) => runSummary({ folder: `${i}/run` }));
    const empty = runSummary({ folder: 'x/run', events: [] });
    const markup = comparisonPage([...many, empty], charts);
    checkColors(markup);
    const labels = [...open(markup).querySelectorAll('#results ~ .scroll tbody th')].map(
      ({ textContent }) => textContent,
    );
    assert.deepEqual(labels, [...many.map(({ folder }) => folder), 'x/run']);
    open(comparisonPage([empty, empty], charts));
  });
});

describe('html', () => {
  test('escapes text and keeps markup', () => {
    assert.equal(
      html`<i>${'<&"\'>'}</i>${[1, raw('<b>'), null, false]}`.markup,
      '<i>&lt;&amp;&quot;&#39;&gt;</i>1<b>',
    );
  });

  test('lets no data end its element', () => {
    assert.equal(
      jsonScript('</script>').markup,
      '<script type="application/json">"\\u003c/script>"</script>',
    );
  });
});
