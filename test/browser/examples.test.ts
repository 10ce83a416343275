// The page of examples/vite, built by Vite with the packed package.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type InlineConfig, preview, build as viteBuild } from 'vite';
import { packedProject, root } from '../behaviour/packed-project.ts';
import { launch, noChromium } from './chromium.ts';

test('the page of examples/vite trains on its text, and writes', { skip: noChromium() }, async () => {
  const project = packedProject();
  const folder = join(project.folder, 'vite');
  cpSync(join(root, 'examples/vite'), folder, { recursive: true });
  const vite: InlineConfig = { root: folder, logLevel: 'error', preview: { port: 0 } };
  await viteBuild(vite);
  const server = await preview(vite);
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    await page.goto(server.resolvedUrls?.local[0] ?? '');
    await page.getByText(/^wasm \(/).waitFor();
    assert.equal(await page.evaluate('crossOriginIsolated'), true);
    await page.getByRole('button', { name: 'Train' }).click();
    const write = page.getByRole('button', { name: 'Write' });
    await page.locator('#write:enabled').waitFor({ timeout: 180_000 });
    assert.match(
      await page.innerText('output'),
      /^step 0: 5\.\d+ nats.*\nstep 20: .*\nstep 40: .*\nstep 60: /,
    );
    await write.click();
    await page.waitForFunction("document.querySelector('output').textContent.length > 60", null, {
      timeout: 60_000,
    });
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
    await server.close();
    project.remove();
  }
});
