// WebGPU in a real page, by Chromium's imitation of a GPU where there is none: the same text as on the
// reference, and the losses of Dawn in Node on the same GPU, bit for bit.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { createReference } from '../../src/backend/reference/index.ts';
import { SHIPPED_MODEL } from '../../src/cli/models.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { webgpu } from '../support/engines.ts';
import { launch, noChromium, openTab, type Tab } from './chromium.ts';
import { ISOLATED, SUITES } from './site.ts';
import { lesson, losses, speech } from './tasks.ts';

const inNode = await webgpu();

describe('a page with webgpu', { skip: noChromium() }, () => {
  let browser: Browser;
  let tab: Tab;
  before(async () => {
    browser = await launch(['--enable-unsafe-webgpu']);
    tab = await openTab(browser, {});
  });
  after(async () => {
    await tab.close();
    await browser.close();
  });

  test('the first cases of every kernel', async (t) => {
    const suite = await openTab(browser, { headers: ISOLATED, page: SUITES });
    const results = await suite.run('runSuite', '../conformance/webgpu.test.js', 'worker');
    await suite.close();
    const failed = results.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`]));
    assert.deepEqual(failed, []);
    const passed = results.filter(({ skipped }) => skipped === undefined).length;
    t.diagnostic(`${passed} tests passed`);
    assert.ok(passed >= 400, `${passed} tests`);
  });

  test('the bundled model says what it says on the reference', async () => {
    const reference = createReference();
    const wanted = await speech(reference, folderStore(SHIPPED_MODEL)).finally(reference.dispose);
    assert.deepEqual(await tab.run('say', 'webgpu'), wanted);
  });

  test('a training has the losses that it has in Node', { skip: inNode.skip }, async () => {
    const found = await tab.run('learn', 'webgpu');
    const engine = await inNode.create();
    assert.deepEqual(found, await losses(lesson(engine)).finally(engine.dispose));
    assert.ok(found.evals[1] < found.evals[0], `it learns: ${found.evals}`);
  });
});
