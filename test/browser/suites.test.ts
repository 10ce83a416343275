// Suites in a real page: the files of tests that Node runs, compiled, on what a page has.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launch, noChromium, openTab } from './chromium.ts';
import { ISOLATED, SUITES } from './site.ts';

const skip = noChromium();
let browser: Browser;
before(async () => {
  if (skip === false) browser = await launch();
});
after(() => browser?.close());

/** A file of tests, and how many of them must pass at least. */
interface Suite {
  what: string;
  file: string;
  where: 'page' | 'worker';
  least: number;
}

const suites: readonly Suite[] = [
  { what: 'stores in the file system of a page', file: './suites/opfs.js', where: 'page', least: 15 },
  {
    what: 'every kernel on every engine, against the reference',
    file: '../conformance/engines.test.js',
    where: 'worker',
    least: 4000,
  },
  {
    what: 'logits, gradients and losses of PyTorch',
    file: '../parity/parity.test.js',
    where: 'worker',
    least: 24,
  },
  { what: 'greedy text, whole and quantised', file: '../parity/greedy.test.js', where: 'worker', least: 1 },
];

for (const { what, file, where, least } of suites)
  test(what, { skip }, async (t) => {
    const tab = await openTab(browser, { headers: ISOLATED, page: SUITES });
    try {
      const results = await tab.run('runSuite', file, where);
      const failed = results.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`]));
      assert.deepEqual(failed, []);
      const passed = results.filter((result) => result.skipped === undefined).length;
      for (const reason of new Set(results.flatMap(({ skipped }) => skipped ?? [])))
        t.diagnostic(`skipped: ${reason}`);
      t.diagnostic(`${passed} tests passed`);
      assert.ok(passed >= least, `${passed} tests, not ${least}`);
    } finally {
      await tab.close();
    }
  });
