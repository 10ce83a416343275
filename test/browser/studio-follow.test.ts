// `inkhorn studio --run`, in Chromium: a run of the command line from before it begins until it is gone.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveStudio } from '../../src/site/server.ts';
import { inkhorn } from '../behaviour/cli-process.ts';
import { launch, noChromium } from './chromium.ts';
import { TALE } from './studio-tab.ts';

const RUN =
  'train --data tale.txt --out run --backend reference --preset tiny --vocab-size 280 --block-size 16 --n-layer 1 --n-embd 16 --n-head 2 --batch-size 2 --steps 40 --eval-every 20 --sample-every 0 --probe-every 20';

test('a run is waited for, followed to its end, and missed when it goes', {
  skip: noChromium(),
}, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'inkhorn-follow-'));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'tale.txt'), TALE);
  const leaving = new AbortController();
  const server = await serveStudio({ port: 0, run: join(root, 'run'), signal: leaving.signal });
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    leaving.abort();
    await server.close();
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  const errors: Error[] = [];
  page.on('pageerror', (error) => errors.push(error));

  await page.goto(server.url);
  await page.locator('main h1', { hasText: 'Train' }).waitFor();
  await page.locator('.wordmark').click();
  await page.getByRole('link', { name: 'Watch run of the command line' }).click();
  const waiting = page.locator('p[role=status]', { hasText: 'Waiting for run' });
  await waiting.waitFor();
  const { code, stderr } = await inkhorn(root, RUN.split(' '));
  assert.equal(code, 0, stderr);
  await page.locator('.live >> text=finished').waitFor();
  assert.match(await page.locator('.live .meters dd').first().innerText(), /^40\b/);
  assert.equal(await waiting.count(), 0);
  await page.locator('.samples', { hasText: 'Samples are off: sampleEvery is 0.' }).waitFor();
  assert.equal(await page.locator('.live .meters dd').last().innerText(), '–', 'time left');

  renameSync(join(root, 'run'), join(root, 'elsewhere'));
  await waiting.waitFor();
  assert.match(await waiting.innerText(), /no history\.json/);
  assert.match(await page.locator('.live .meters dd').first().innerText(), /^40\b/); // what was seen stays
  renameSync(join(root, 'elsewhere'), join(root, 'run'));
  await waiting.waitFor({ state: 'detached' });

  leaving.abort();
  await server.close();
  await waiting.waitFor();
  assert.match(await waiting.innerText(), /the server of this page does not answer/);
  assert.deepEqual(errors, []);
});
