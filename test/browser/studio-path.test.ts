// A visitor's whole way through the studio, in Chromium, on WASM and on WebGPU: train, talk, look, shrink,
// take away; then the same model in Node.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync, zipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { generateText } from '../../src/generate/generate.ts';
import { predictText } from '../../src/inspect/predictions.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { loadModel } from '../../src/model/folder.ts';
import { createBackend, useBackend } from '../../src/platform/node-engines.ts';
import { flagsOf, inkhorn } from '../behaviour/cli-process.ts';
import { launch, noChromium } from './chromium.ts';
import { keepText, keptBytes, openStudio, SMALL, type StudioTab, TALE, untilEnded } from './studio-tab.ts';

const skip = noChromium();
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const PROMPT = 'The whale ';
const GREEDY = { temperature: 0, maxTokens: 12 } as const;

for (const engine of ['wasm', 'webgpu'] as const)
  describe(`the whole way on ${engine}`, { skip }, () => {
    let browser: Browser;
    before(async () => {
      if (skip !== false) return;
      browser = await launch(engine === 'webgpu' ? ['--enable-unsafe-webgpu'] : []);
      await useBackend('wasm');
    });
    after(() => browser?.close());

    test('from a text to a folder that Node reads, with the same words and losses', async () => {
      const tab = await openStudio(browser);
      const { page } = tab;
      page.setDefaultTimeout(120_000);
      await page.goto(tab.url);
      await keepText(page, 'tale.txt', TALE);

      await tab.enter('text', { text: 'tale.txt', vocabSize: 280, engine });
      await page.locator('.merging >> text=Merge 24 of 24').waitFor();

      const run = { ...SMALL, nLayer: 1, steps: 12, evalEvery: 6, probeEvery: 0, name: 'way', engine };
      await tab.enter('train', run);
      await page.click('text=Start training');
      await untilEnded(page);
      const { events } = JSON.parse((await keptBytes(page, 'runs/way/history.json')).toString());
      const losses = events.flatMap((event: { type: string; valLoss: number }) =>
        event.type === 'eval' ? [event.valLoss] : [],
      );
      assert.ok(losses[2] < losses[0] - 0.2, `validation loss ${losses}`);

      const said = await greedyText(page, () =>
        tab.enter('play', { model: 'runs/way', prompt: PROMPT, ...GREEDY, engine }),
      );

      await tab.enter('look', { model: 'runs/way', prompt: PROMPT, engine });
      const mean = /mean of ([\d.]+) nats/.exec(
        await page.locator('[aria-labelledby=losses]', { hasText: /mean of/ }).innerText(),
      )?.[1];

      await tab.enter('take', { model: 'runs/way', with: 'tale.txt', engine });
      const model = await downloaded(page, page.locator('[aria-labelledby=away] .card').first());
      await page.click('text=Make the copy and compare');
      await page.click('text=Keep the copy');
      await page.locator('.comparison >> text=Kept as').waitFor();
      const saidInt8 = await greedyText(page, () =>
        tab.enter('play', { model: 'runs/way/int8', prompt: PROMPT, ...GREEDY, engine }),
      );
      await tab.enter('take', { model: 'runs/way/int8', engine });
      const int8 = await downloaded(page, page.locator('[aria-labelledby=away] .card').first());
      await tab.close();

      const inNode = await loadModel(model);
      assert.equal(await generateText(inNode.model, inNode.tokenizer, { prompt: PROMPT, ...GREEDY }), said);
      const { loss } = await predictText(inNode, inNode.tokenizer.encode(PROMPT));
      assert.ok(Math.abs(Number(mean) - (loss ?? Number.NaN)) < 0.0051, `${mean} in the page, ${loss} here`);
      const small = await loadModel(int8);
      assert.equal(await generateText(small.model, small.tokenizer, { prompt: PROMPT, ...GREEDY }), saidInt8);
    });
  });

describe('one run, in two places', { skip }, () => {
  const root = mkdtempSync(join(tmpdir(), 'inkhorn-two-places-'));
  let browser: Browser;
  let tab: StudioTab;
  before(async () => {
    if (skip !== false) return;
    writeFileSync(join(root, 'tale.txt'), TALE);
    browser = await launch();
    const { backend } = await createBackend('wasm', {});
    const alike = /relaxed/.test(backend.description); // Node 20 has no relaxed SIMD
    backend.dispose();
    tab = await openStudio(browser, { alter: alike ? undefined : withoutRelaxed });
    await tab.page.goto(tab.url);
    await keepText(tab.page, 'tale.txt', TALE);
  });
  after(async () => {
    try {
      await tab?.close();
    } finally {
      await browser?.close();
    }
    rmSync(root, { recursive: true });
  });

  /** As in a browser that has no relaxed SIMD, in its workers. */
  function withoutRelaxed(path: string, bytes: Uint8Array | null): Uint8Array | null {
    if (!bytes || !/worker/.test(path)) return bytes;
    return Buffer.concat([Buffer.from('WebAssembly.validate = () => false;\n'), bytes]);
  }

  const run = { ...SMALL, nLayer: 1, steps: 12, evalEvery: 6 } as const;
  const weights = (name: string): Buffer => readFileSync(join(root, name, 'last/model.safetensors'));

  test('ends with the same weights, to the last bit, wherever its steps were made', async () => {
    const { page } = tab;
    const start = async (name: string): Promise<void> => {
      await tab.enter('train', { ...run, name });
      await page.click('text=Start training');
    };
    await start('whole');
    await untilEnded(page);
    const whole = await keptBytes(page, 'runs/whole/last/model.safetensors');

    await start('the half');
    while (Number.parseInt(await page.locator('.live .meters dd').first().innerText(), 10) < 5)
      await page.waitForTimeout(10);
    await page.click('.live >> text=Stop');
    await page.locator('.live >> text=stopped').waitFor();
    await tab.enter('take', { model: 'runs/the half' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('[aria-labelledby=away] .card').nth(1).getByText('Download the-half.zip').click(),
    ]);
    for (const [path, bytes] of Object.entries(
      unzipSync(new Uint8Array(readFileSync(await download.path()))),
    )) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), bytes);
    }
    const resumed = await inkhorn(root, 'train --resume the-half --backend wasm'.split(' '));
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(Buffer.compare(weights('the-half'), whole), 0);

    // And back, as a .zip: it stands beside the run that it was.
    const files = readdirSync(join(root, 'the-half'), { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(root, 'the-half', path)).isFile())
      .map((path) => [`the-half/${path}`, readFileSync(join(root, 'the-half', path))] as const);
    const archives = page.locator('[aria-labelledby=back] input[type=file]').nth(1);
    const buffer = Buffer.from(zipSync(Object.fromEntries(files)));
    const bring = async (name: string, line: string): Promise<void> => {
      await archives.setInputFiles({ name, mimeType: 'application/zip', buffer });
      await page.locator('.notice', { hasText: line }).waitFor();
    };
    await bring(
      'the-half.zip',
      'the half 2 is kept in this browser; it is called the half 2: the half is here already',
    );
    const back = await keptBytes(page, 'runs/the half 2/last/model.safetensors');
    assert.equal(Buffer.compare(back, whole), 0);
    await page.getByText('the half 2 is at step 12 of 12').waitFor();
    await page.getByText('Go on in this tab, to step 24').waitFor();
    // Or with the name that somebody gave the file.
    await bring('better half.zip', 'better half is kept in this browser');
    await page.getByText('better half is at step 12 of 12').waitFor();
  });

  test('and from the command line into the tab', async () => {
    const { page } = tab;
    const { text, ...choices } = run;
    const flags = flagsOf({
      ...choices,
      pattern: 'gpt4',
      preset: 'tiny',
      backend: 'wasm',
      evalMethod: 'auto',
    });
    const args = ['train', '--data', text, ...flags];
    const whole = await inkhorn(root, [...args, '--out', 'here']);
    assert.equal(whole.code, 0, whole.stderr);
    const part = spawn(process.execPath, [MAIN, ...args, '--out', 'begun', '--json'], { cwd: root });
    part.stdout.on('data', (line: Buffer) => {
      if (/"type":"step","step":[5-9]/.test(line.toString())) part.kill('SIGINT');
    });
    await new Promise((resolve) => part.on('exit', resolve));
    rmSync(join(root, 'begun/figures'), { recursive: true, force: true });

    await tab.enter('take');
    await page.locator('[aria-labelledby=back] input[type=file]').first().setInputFiles(join(root, 'begun'));
    await page.locator('.notice', { hasText: 'is kept in this browser' }).waitFor();
    await tab.enter('train');
    await page.locator('.runs .scroll tbody tr', { hasText: 'begun' }).getByText('Go on').click();
    await untilEnded(page);
    const there = await keptBytes(page, 'runs/begun/last/model.safetensors');
    assert.equal(Buffer.compare(there, weights('here')), 0);
  });
});

/** What the model of the Play room goes on with. */
async function greedyText(page: Page, enter: () => Promise<void>): Promise<string> {
  await enter();
  await page.click('form >> text=Write');
  await page.locator('.written', { hasText: `${GREEDY.maxTokens} tokens` }).waitFor();
  const spans = page.locator('.written .tokens [data-i]');
  const texts = await spans.evaluateAll((found) =>
    found.map((span) => {
      const copy = span.cloneNode(true) as typeof span;
      for (const sign of copy.querySelectorAll('.sign')) sign.remove();
      return copy.textContent;
    }),
  );
  return texts.join('');
}

/** The store in the archive that a card's first button downloads. */
async function downloaded(page: Page, card: ReturnType<Page['locator']>): Promise<Store> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    card.getByText('Download').first().click(),
  ]);
  const files = unzipSync(new Uint8Array(readFileSync(await download.path())));
  const store = memoryStore(download.suggestedFilename());
  for (const [path, bytes] of Object.entries(files)) await store.write(path.split('/').at(-1) ?? '', bytes);
  return store;
}
