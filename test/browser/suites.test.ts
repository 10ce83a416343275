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

const suites: { what: string; file: string; least: number }[] = [
  { what: 'stores in the own file system of a page', file: './suites/opfs.js', least: 12 },
];

for (const { what, file, least } of suites)
  test(what, { skip }, async (t) => {
    const tab = await openTab(browser, { headers: ISOLATED, page: SUITES });
    try {
      const results = await tab.run('runSuite', file);
      const failed = results.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`]));
      assert.deepEqual(failed, []);
      const passed = results.filter((result) => result.skipped === undefined).length;
      for (const result of results)
        if (result.skipped !== undefined) t.diagnostic(`skipped: ${result.name}: ${result.skipped}`);
      t.diagnostic(`${passed} tests passed`);
      assert.ok(passed >= least, `${passed} tests, not ${least}`);
    } finally {
      await tab.close();
    }
  });
