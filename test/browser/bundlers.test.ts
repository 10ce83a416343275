// The published package in a page, by every usual way: Vite, esbuild, and no bundler. Each below a path that
// is not the root: workers and WASM are found relative to the module.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build as esbuild } from 'esbuild';
import type { Browser } from 'playwright-core';
import { createServer, type InlineConfig, preview, build as viteBuild } from 'vite';
import { type PackedProject, packedProject, root } from '../behaviour/packed-project.ts';
import { launch, noChromium } from './chromium.ts';
import { ISOLATED, openSite } from './site.ts';

const page = (script: string, head = ''): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${head}<script type="module" src="${script}"></script>`;

/** What a user writes: the page of the chapter on pages. */
const [, SCRIPT = ''] =
  readFileSync(join(root, 'docs/11-in-a-page.md'), 'utf8').match(/^```js\n(.*?)^```$/ms) ?? [];

const skip = noChromium();
let project: PackedProject;
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  project = packedProject();
  writeFileSync(join(project.folder, 'index.html'), page('./main.js'));
  writeFileSync(join(project.folder, 'main.js'), SCRIPT);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  project?.remove();
});

let wanted: string | undefined;

/**
 * The page at this address trains, and downloads the run. All ways compute the same, and no file is missing.
 */
async function checkPage(url: string): Promise<void> {
  const opened = await browser.newPage();
  const wrong: string[] = [];
  opened.on('pageerror', (error) => wrong.push(String(error)));
  opened.on('response', (response) => {
    if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`);
  });
  try {
    await opened.goto(url);
    const [download] = await Promise.all([opened.waitForEvent('download'), opened.click('button')]);
    assert.equal(download.suggestedFilename(), 'first.zip');
    const said = await opened.innerText('body');
    assert.match(
      said,
      /^wasm \(relaxed SIMD, \d+ threads?\)\n(not [^\n]*\n)*step 0: 5\.\d+ .*\nstep 10: .*\nstep 20: .*\nThe /,
    );
    wanted ??= said;
    assert.equal(said, wanted);
  } finally {
    await opened.close();
    assert.deepEqual(wrong, []);
  }
}

/** A folder that was made is published. */
async function checkFolder(folder: string): Promise<void> {
  const site = await openSite({ folder, headers: ISOLATED });
  try {
    await checkPage(site.url);
  } finally {
    site.close();
  }
}

describe('the package in a page', { skip }, () => {
  const vite = (): InlineConfig => ({
    root: project.folder,
    base: '/sub/',
    configFile: false,
    logLevel: 'error',
    preview: { port: 0, headers: ISOLATED as Record<string, string> },
    server: { port: 0, headers: ISOLATED as Record<string, string> },
  });

  test('built by Vite, and previewed on a path of its own', async () => {
    await viteBuild(vite());
    const server = await preview(vite());
    try {
      const [url] = server.resolvedUrls?.local ?? [];
      assert.match(url, /\/sub\/$/);
      await checkPage(url);
    } finally {
      await server.close();
    }
    const files = readdirSync(join(project.folder, 'dist/assets'));
    assert.equal(files.filter((name) => name.endsWith('.wasm')).length, 2, `${files}`);
  });

  test('served by Vite while it is written', async () => {
    const server = await createServer(vite());
    try {
      await server.listen();
      await checkPage(server.resolvedUrls?.local[0] ?? '');
    } finally {
      await server.close();
    }
  });

  test('built by esbuild, with the workers as entry points', async () => {
    const site = join(project.folder, 'site');
    const inkhorn = join(project.folder, 'node_modules/inkhorn/dist/src');
    await esbuild({
      entryPoints: [
        join(project.folder, 'main.js'),
        join(inkhorn, 'platform/browser-worker-script.js'),
        join(inkhorn, 'platform/browser-wasm-worker.js'),
      ],
      entryNames: '[name]',
      outdir: join(site, 'assets'),
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      logLevel: 'error',
    });
    for (const name of ['relaxed.wasm', 'simd128.wasm'])
      cpSync(join(inkhorn, 'backend/wasm', name), join(site, 'backend/wasm', name));
    writeFileSync(join(site, 'index.html'), page('assets/main.js'));
    await checkFolder(site);
  });

  test('as it is, from a static folder, with an import map', async () => {
    const site = join(project.folder, 'static');
    mkdirSync(site);
    cpSync(join(project.folder, 'node_modules/inkhorn/dist/src'), join(site, 'inkhorn'), { recursive: true });
    cpSync(join(root, 'node_modules/fflate/esm/browser.js'), join(site, 'fflate.js'));
    writeFileSync(join(site, 'main.js'), SCRIPT);
    const imports = {
      inkhorn: './inkhorn/platform/browser.js',
      'inkhorn/browser': './inkhorn/platform/browser-files.js',
      fflate: './fflate.js',
    };
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    writeFileSync(join(site, 'index.html'), page('main.js', map));
    await checkFolder(site);
  });
});
