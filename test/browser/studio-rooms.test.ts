// The studio's rooms in which one reads, brings texts and plays, in Chromium: against the library in Node.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { unzipSync, zipSync } from 'fflate';
import * as ort from 'onnxruntime-web';
import type { Browser, Locator, Page } from 'playwright-core';
import { CATALOG } from '../../src/corpora/catalog.ts';
import {
  exportFiles,
  importFiles,
  type TargetName,
  targetFacts,
  targetNames,
} from '../../src/exchange/index.ts';
import { generate, generateText } from '../../src/generate/generate.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, type ModelFolder, modelFiles } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { logitsOf } from '../../src/model/logits.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { collect, tokensOf } from '../support/generation.ts';
import { pass } from '../support/onnx-pass.ts';
import { launch, noChromium } from './chromium.ts';
import { keepText, keptBytes, openStudio, type StudioTab, TALE } from './studio-tab.ts';

const skip = noChromium();
const PROSE = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVQI12P4DwABAQEAG7buVgAAAABJRU5ErkJggg==',
  'base64',
);
const MODEL = fileURLToPath(new URL('../../../models/shakespeare', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'inkhorn-rooms-'));
let browser: Browser;
let tab: StudioTab;
before(async () => {
  if (skip !== false) return;
  browser = await launch();
  tab = await openStudio(browser);
});
after(async () => {
  try {
    await tab?.close();
  } finally {
    await browser?.close();
    rmSync(scratch, { recursive: true });
  }
});

/** What the page has to say, and nothing else. */
async function noticeAfter(page: Page, act: () => Promise<void>): Promise<string> {
  const close = page.getByLabel('Close this message');
  if ((await close.count()) > 0) await close.click();
  await act();
  return page.locator('.notice span').innerText();
}

function file(
  name: string,
  contents: string | Uint8Array,
): { name: string; mimeType: string; buffer: Buffer } {
  return { name, mimeType: 'text/plain', buffer: Buffer.from(contents) };
}

/** The path of a file of so many gigabytes, which takes no space on the disk. */
function sparse(name: string, gigabytes: number): string {
  const path = join(scratch, name);
  writeFileSync(path, '');
  truncateSync(path, Math.floor(gigabytes * 2 ** 30));
  return path;
}

/** As the page shows a token. */
function shownText(text: string): string {
  return text.replaceAll(' ', '␣').replaceAll('\n', '↵');
}

/** Deletes a text from the list, and waits until it is gone from there. */
async function deleteText(page: Page, name: string): Promise<void> {
  const row = page.locator('.texts-list > div', { hasText: name });
  await row.getByText('Delete').click();
  await row.locator('button.bad').click();
  await row.waitFor({ state: 'detached' });
}

async function roomOf(page: Page): Promise<string> {
  return page.evaluate<string>('location.hash');
}

describe('the first page', { skip }, () => {
  test('speaks before anything is clicked, and says how fast', async () => {
    const { page } = tab;
    await page.goto(tab.url);
    await page.locator('.verse', { hasText: /:\n.{20}/s }).waitFor();
    assert.match(await page.locator('.speech .status').innerText(), /^[\d,]+ tokens per second\s+wasm/);
  });

  test('shows the text in whole where motion is unwanted', async () => {
    const { page } = tab;
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(`${tab.url}#/arrive?`);
    await page.reload();
    const verse = page.locator('.verse[aria-busy="false"]', { hasText: /:\n.{200}/s });
    await verse.waitFor();
    await page.emulateMedia({ reducedMotion: 'no-preference' });
  });
});

describe('texts', { skip }, () => {
  let files: Locator;
  before(async () => {
    await tab.page.goto(tab.url);
    await keepText(tab.page, 'tale.txt', TALE);
    await keepText(tab.page, 'prose.txt', PROSE);
    await tab.enter('text', { text: 'tale.txt' });
    files = tab.page.locator('.bring input[type=file]').first();
  });

  test('that are none are refused with the reason, and the one before stays', async () => {
    const { page } = tab;
    const before = await roomOf(page);
    const cases: [ReturnType<typeof file>, RegExp][] = [
      [file('empty.txt', ''), /^empty\.txt is empty/],
      [file('blank.txt', ' \n\n'), /^blank\.txt is empty/],
      [file('a.pdf', '%PDF-1.7 x'), /^a\.pdf is a PDF document, not text: save it as plain text$/],
      [file('a.txt', PNG), /^a\.txt is a PNG image, not text \(/],
      [file('b.txt', gzipSync('words')), /^b\.txt is gzip data, not text \(/],
      [
        file('c.txt', zipSync({ 'words.txt': Buffer.from('words') })),
        /^c\.txt is a ZIP archive, not text \(/,
      ],
      [file('wide.txt', Buffer.from('Grüße an alle', 'utf16le')), /^wide\.txt is UTF-16LE without a byte/],
      [
        file(
          'noise.bin',
          Uint8Array.from({ length: 900 }, (_, i) => i % 256),
        ),
        /^noise\.bin is binary data, not text \(/,
      ],
    ];
    for (const [given, reason] of cases) {
      assert.match(await noticeAfter(page, () => files.setInputFiles(given)), reason);
      assert.equal(await roomOf(page), before);
    }
  });

  test('of the site are those that the package brings along', async () => {
    const { page } = tab;
    for (const { name, bytes } of CATALOG.filter(({ from }) => 'asset' in from)) {
      await tab.enter('text', { text: name });
      const size = page.locator('.shelf .facts dd').first();
      await size.getByText(bytes.toLocaleString('en'), { exact: true }).waitFor();
    }
    await tab.enter('text', { text: 'tale.txt' });
  });

  test('that are refused are spoken of in this room alone', async () => {
    const { page } = tab;
    await noticeAfter(page, () => files.setInputFiles(file('empty.txt', '')));
    await page.locator('nav').getByText('Play', { exact: true }).click();
    await page.locator('.notice').waitFor({ state: 'detached' });
    await page.locator('nav').getByText('Text & tokens', { exact: true }).click();
    await page.locator('main h1', { hasText: 'Text & tokens' }).waitFor();
    assert.equal(await page.locator('.notice').count(), 0);
  });

  test('larger than a tab has memory for are refused before they are read', async () => {
    const { page } = tab;
    const before = await roomOf(page);
    for (const gigabytes of [3, 9]) {
      const told = await noticeAfter(page, () => files.setInputFiles(sparse(`${gigabytes}.txt`, gigabytes)));
      assert.match(
        told,
        /^\d\.txt has \d,\d{3},.* bytes: a tab has memory for 268,435,456 bytes of text; take/,
      );
    }
    const parts = [sparse('a.txt', 0.2), sparse('b.txt', 0.2)];
    const told = await noticeAfter(page, () => files.setInputFiles(parts));
    assert.match(told, /^b\.txt has 214,748,364 bytes: .* of text, of which other files take 214,748,364;/);
    assert.equal(await roomOf(page), before);
    await page.locator('.texts-list > .chosen', { hasText: 'tale.txt' }).waitFor();
  });

  test('in another encoding are converted, once that is wanted, and get other names', async () => {
    const { page } = tab;
    const before = await roomOf(page);
    const german = 'Grüße für die Söhne und Töchter, die übers Meer fuhren. '.repeat(9);
    const told = await noticeAfter(page, () =>
      files.setInputFiles(file('umlaut.txt', Buffer.from(german, 'latin1'))),
    );
    assert.match(told, /^umlaut\.txt looks like ISO-8859-1 \(Latin-1\) \(.* of its bytes/);
    assert.equal(await roomOf(page), before);
    await page.click('.notice >> text=Convert to UTF-8');
    await page
      .locator('.notice', {
        hasText: /^umlaut\.txt is kept .*; umlaut\.txt is converted from windows-1252 to UTF-8/,
      })
      .waitFor();
    assert.equal((await keptBytes(page, 'texts/umlaut.txt')).toString(), german);

    const row = page.locator('.texts-list > div', { hasText: 'umlaut.txt' });
    await row.getByText('Rename').click();
    await page.getByLabel('Another name for umlaut.txt').fill('sea.txt');
    await page.keyboard.press('Enter');
    await page.locator('.texts-list > .chosen', { hasText: 'sea.txt' }).waitFor();
    assert.match(await roomOf(page), /text=sea\.txt/);
    assert.equal((await keptBytes(page, 'texts/sea.txt')).toString(), german);
    await assert.rejects(keptBytes(page, 'texts/umlaut.txt'), /NotFound|not be found/);
  });

  test('in an encoding that is guessed wrongly are converted from the one that somebody chooses', async () => {
    const { page } = tab;
    const told = await noticeAfter(page, () =>
      files.setInputFiles(file('cafe.txt', Buffer.from('naïve café', 'latin1'))),
    );
    assert.match(told, /^cafe\.txt looks like ISO-8859-1/);
    const preview = page.locator('.notice .preview');
    assert.equal(await preview.innerText(), 'naïve · café');
    const from = page.getByLabel('From');
    assert.ok((await from.locator('option').allInnerTexts()).includes('windows-1251 (Cyrillic)'));
    await from.selectOption('windows-1251');
    assert.equal(await preview.innerText(), 'naпve · cafй');
    await page.click('.notice >> text=Convert to UTF-8');
    await page.locator('.notice', { hasText: 'cafe.txt is converted from windows-1251' }).waitFor();
    assert.equal((await keptBytes(page, 'texts/cafe.txt')).toString(), 'naпve cafй');
    // Of several files, what is text in all.
    await noticeAfter(page, () =>
      files.setInputFiles([
        file('a.txt', Buffer.from('Wäre es Öl, so würde es schwimmen', 'latin1')),
        file('b.txt', Buffer.from('naïve café', 'latin1')),
      ]),
    );
    await from.selectOption('windows-1252');
    await page.click('.notice >> text=Convert to UTF-8');
    await page.locator('.texts-list > .chosen', { hasText: 'a.txt and 1 more' }).waitFor();
    const both = (await keptBytes(page, 'texts/a.txt and 1 more')).toString();
    assert.equal(both, 'Wäre es Öl, so würde es schwimmen\nnaïve café');
    await deleteText(page, 'a.txt and 1 more');
  });

  test('keep their names, but for what no file can be called, which is said', async () => {
    const { page } = tab;
    const kept = async (name: string, act: () => Promise<void>): Promise<string> => {
      const told = await noticeAfter(page, act);
      await page.locator('.texts-list > .chosen', { hasText: name }).waitFor();
      assert.equal((await keptBytes(page, `texts/${name}`)).toString(), 'A tale.');
      return told;
    };
    for (const name of ['crlf emoji 🦊.txt', '注文 (2) – “new”, 50 % & more?.txt'])
      assert.equal(
        await kept(name, () => files.setInputFiles(file(name, 'A tale.'))),
        `${name} is kept in this browser`,
      );
    const again = await kept('crlf emoji 🦊 2.txt', () =>
      files.setInputFiles(file('crlf emoji 🦊.txt', 'A tale.')),
    );
    assert.match(again, /; it is called crlf emoji 🦊 2\.txt: crlf emoji 🦊\.txt is here already$/);
    const long = `${'👩‍👩‍👧'.repeat(30)}.txt`;
    const cut = `${'👩‍👩‍👧'.repeat(13)}.txt`;
    assert.match(
      await kept(cut, () => files.setInputFiles(file(long, 'A tale.'))),
      /; it is called .*: a name has at most 190 characters, and 240 bytes in UTF-8$/,
    );
    const paste = async (name: string): Promise<void> => {
      const details = page.locator('.paste');
      if ((await details.getAttribute('open')) === null) await details.locator('summary').click();
      await page.getByLabel('Its name').fill(name);
      await page.getByLabel('The text', { exact: true }).fill('A tale.');
      await page.getByText('Keep it').click();
    };
    assert.match(
      await kept('x-..', () => paste('../x/..')),
      /; it is called x-\.\.: a name has no \/ \\ : and no line break, and begins with no dot$/,
    );
    await tab.enter('train', { text: 'tale.txt', name: '../x/..' });
    await page.locator('.start .name', { hasText: 'it is called x-..: a name has no /' }).waitFor();
    await tab.enter('text', { text: 'tale.txt' });
  });

  test('are listed with the chosen one in sight', async () => {
    const { page } = tab;
    const names = Array.from({ length: 20 }, (_, i) => `volume ${i + 10}.txt`);
    for (const name of names) await keepText(page, name, TALE);
    for (const name of [names[19], names[9], names[0]]) {
      await tab.enter('text', { text: name });
      const row = page.locator('.texts-list > .chosen', { hasText: name });
      const [inner, outer] = [await row.boundingBox(), await page.locator('.texts-list').boundingBox()];
      assert.ok(inner && outer);
      assert.ok(inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height, name);
    }
    await page.evaluate(`(async () => {
      const texts = await (await navigator.storage.getDirectory()).getDirectoryHandle('texts');
      for (const name of ${JSON.stringify(names)}) await texts.removeEntry(name);
    })()`);
    await tab.enter('text', { text: 'tale.txt' });
  });

  test('are joined, kept as UTF-8, described and deleted', async () => {
    const { page } = tab;
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Søren\n', 'utf16le')]);
    const told = await noticeAfter(page, () =>
      files.setInputFiles([file('b.txt', 'second'), file('a.txt', wide), file('c.jpg', 'x')]),
    );
    assert.match(
      told,
      /^a\.txt and 1 more are kept .* converted to UTF-8; a file of another kind is left out$/,
    );
    assert.equal((await keptBytes(page, 'texts/a.txt and 1 more')).toString(), 'Søren\n\nsecond');
    await page.locator('.shelf .warning', { hasText: 'is short' }).waitFor();
    await deleteText(page, 'a.txt and 1 more');
    assert.match(await roomOf(page), /text=moby-dick/);
  });

  test('that are empty are left out by name, and are no text alone', async () => {
    const { page } = tab;
    const bring = (...given: ReturnType<typeof file>[]) =>
      noticeAfter(page, () => files.setInputFiles(given));
    const none = [file('empty.txt', ''), file('blank.txt', ' \n')];
    assert.equal(
      await bring(file('full.txt', 'It has words.'), ...none),
      'full.txt is kept in this browser; blank.txt, empty.txt are empty and left out',
    );
    assert.equal((await keptBytes(page, 'texts/full.txt')).toString(), 'It has words.');
    assert.equal(await bring(...none), 'blank.txt, empty.txt are empty: a text to train on needs words');
    assert.equal(await bring(none[0]), 'empty.txt is empty: a text to train on needs words');
    await deleteText(page, 'full.txt');
  });

  test('teach a tokenizer, which pauses, makes one merge, and ends with the merges of the library', async () => {
    const { page } = tab;
    const wanted = Tokenizer.train(PROSE, { vocabSize: 400, pattern: 'gpt4' });
    await tab.enter('text', { text: 'prose.txt', vocabSize: 400 });
    const rows = page.locator('.merge-list tbody tr');
    await rows.first().waitFor();
    await page.click('.merging >> text=Pause');
    await page.waitForSelector('.merging >> text=Go on');
    const paused = await rows.count();
    assert.ok(paused < 144, 'there is something left to learn');
    await page.click('.merging >> text=One merge');
    await rows.nth(paused).waitFor();
    assert.equal(await rows.count(), paused + 1);
    await page.click('.merging >> text=To the end');
    await page.locator('.merging >> text=Merge 144 of 144').waitFor();
    const learnt = (await rows.locator('code.new').allInnerTexts()).reverse();
    assert.deepEqual(
      learnt,
      Array.from({ length: 144 }, (_, i) => shownText(wanted.tokenText(256 + i))),
    );
    const typed = 'The whale sang.\nÉmile did not 🐋.';
    await page.locator('.try textarea').fill(typed);
    const ids = wanted.encode(typed);
    const tokens = page.locator('.try .tokens [data-i]');
    await page
      .locator('.try dd', { hasText: new RegExp(`^${ids.length}$`) })
      .first()
      .waitFor();
    assert.equal(await tokens.count(), ids.length);
    await tokens.nth(1).hover();
    await page.locator('.token-popover', { hasText: String(ids[1]) }).waitFor();
  });
});

describe('playing', { skip }, () => {
  let shipped: ModelFolder;
  before(async () => {
    await useBackend('wasm');
    shipped = await loadModel(folderStore(MODEL));
  });

  /** What stands on the page after the prompt. */
  async function writtenBy(page: Page, column = 0): Promise<string> {
    const written = page.locator('.written').nth(column);
    await page.locator('form >> text=Write').waitFor();
    return (
      await written.locator('.tokens [data-i]').evaluateAll((spans) =>
        spans.map((span) => {
          const copy = span.cloneNode(true) as typeof span;
          for (const sign of copy.querySelectorAll('.sign')) sign.remove();
          return copy.textContent;
        }),
      )
    ).join('');
  }

  test('writes what the library writes, side by side, and goes on from another token', async () => {
    const { page } = tab;
    const { model, tokenizer } = shipped;
    const prompt = 'ROMEO:\n';
    const options = { temperature: 0, maxTokens: 24 };
    await tab.enter('play', { prompt, ...options, model2: 'shakespeare' });
    await page.click('form >> text=Write');
    await page.locator('.written', { hasText: '24 tokens' }).nth(1).waitFor();
    const whole = await generateText(model, tokenizer, { prompt, ...options });
    assert.equal(await writtenBy(page), whole);
    assert.equal(await writtenBy(page, 1), whole);

    const events = tokensOf(await collect(model, tokenizer, { prompt, ...options, topLogprobs: 10 }));
    const other = events[6].top?.[2];
    assert.ok(other);
    await page.locator('.written').first().locator('[data-i="6"]').hover();
    await page.locator('.odds button').nth(2).click();
    const ids = [...tokenizer.encode(prompt), ...events.slice(0, 6).map(({ id }) => id), other.id];
    let rest = '';
    for await (const { text } of generate(model, tokenizer, { prompt: ids, temperature: 0, maxTokens: 24 }))
      rest += text;
    const kept = events.slice(0, 6).map(({ text }) => text);
    assert.equal(await writtenBy(page), kept.join('') + tokenizer.decode([other.id]) + rest);
    assert.equal(await writtenBy(page, 1), whole);
  });

  test('says that a text beyond the context is slow, and how it is fast', async () => {
    const { page } = tab;
    const { model, tokenizer } = shipped;
    const prompt = tokenizer.decode(tokenizer.encode(TALE).slice(0, model.config.blockSize - 10));
    await tab.enter('play', { prompt, maxTokens: 30 });
    await page.click('form >> text=Write');
    await page.locator('.written', { hasText: '30 tokens' }).waitFor();
    await page.click('.written >> text=Choose overflow shift');
    assert.match(await roomOf(page), /overflow=shift/);
    await page.click('form >> text=Write');
    await page.locator('.written', { hasText: '30 tokens' }).waitFor();
    assert.equal(await page.getByText('longer than the context of').count(), 0);
  });

  test('waits with writing while a model is not here', async () => {
    const { page } = tab;
    for (const picked of ['model', 'model2']) {
      await tab.enter('play', { [picked]: 'runs/gone' });
      await page.getByText('gone is not here: choose another model.').waitFor();
      for (const name of ['Write', 'Draw again'])
        assert.ok(await page.getByRole('button', { name }).isDisabled(), name);
    }
    await tab.enter('play');
    assert.ok(await page.getByRole('button', { name: 'Write' }).isEnabled());
  });

  test('offers nothing of a model that is not here to shrink or to take away', async () => {
    const { page } = tab;
    const things = page.getByRole('button', { name: /^(Make|Download|Delete|gone)/ });
    await tab.enter('take');
    await page.getByRole('button', { name: /shakespeare\.zip/ }).waitFor();
    await tab.enter('take', { model: 'models/gone' });
    await page.getByText('gone is not here: choose another model.').waitFor();
    assert.equal(await things.count(), 0);
  });

  test('takes a model that is brought, and refuses what is none', async () => {
    const { page } = tab;
    await tab.enter('play', { maxTokens: 8 });
    const input = page.locator('.model-picker input[type=file]').first();
    const before = await roomOf(page);
    const bring = (...files: ReturnType<typeof file>[]) =>
      noticeAfter(page, () => input.setInputFiles(files));
    assert.match(await bring(file('a.zip', 'no archive')), /^a\.zip: no \.zip file/);
    assert.match(await bring(file('a.json', '{}')), /neither a model folder .* nor a run/);
    const parts = ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) =>
      file(name, readFileSync(`${MODEL}/${name}`)),
    );
    const cut = file('model.safetensors', parts[2].buffer.subarray(0, 1000));
    assert.match(await bring(parts[0], parts[1], cut), /model\.safetensors/);
    const other = file('tokenizer.json', JSON.stringify(Tokenizer.train(TALE, { vocabSize: 280 })));
    assert.match(
      await bring(parts[0], other, parts[2]),
      /the tokenizer has 280 tokens, the model 500: they are not of one model$/,
    );
    assert.match(await bring(file('config.json', '')), /config\.json/);
    const large = (...paths: string[]): Promise<string> =>
      noticeAfter(page, () => input.setInputFiles(paths));
    const [config, tokens] = ['config.json', 'tokenizer.json'].map((name) => `${MODEL}/${name}`);
    for (const gigabytes of [3, 9]) {
      assert.match(
        await large(sparse('a.zip', gigabytes)),
        /^a\.zip: it has \d,.* bytes: at most 2,147,483,648 are opened; unpack it, and choose the folder$/,
      );
      assert.match(
        await large(config, tokens, sparse('model.safetensors', gigabytes)),
        /model\.safetensors: it has \d,\d{3},.* bytes: at most 114,316,200 are read$/,
      );
    }
    assert.equal(await roomOf(page), before);
    assert.match(await bring(...parts), /^imported is kept/);
    assert.match(await roomOf(page), /model=models%2Fimported/);
    await page.click('form >> text=Write');
    await page.locator('.written', { hasText: '8 tokens' }).waitFor();
  });
});

describe('shrinking', { skip }, () => {
  let parts: Part[];
  before(async () => {
    await useBackend('wasm');
    const tokenizer = Tokenizer.train(TALE, { vocabSize: 270 });
    const size = { blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 32 };
    const model = new GPT(makeConfig(presets.tiny, tokenizer.vocabSize, size), { seed: 3 });
    parts = await partsOf({ model, tokenizer });
  });

  test('shows a comparison, with the noise of every layer, also after many other models were open', async () => {
    const { page } = tab;
    await tab.enter('take', { prompt: 'The ' });
    await keepText(page, 'tale.txt', TALE);
    await putModel(page, ['one', 'two', 'three', 'four', 'five'], parts);
    await tab.enter('take', {
      model: 'models/one',
      with: 'tale.txt',
      prompt: 'The ',
      bits: 4,
      groupSize: 32,
    });
    await page.click('text=Make the copy and compare');
    const comparison = page.locator('.comparison');
    await comparison.waitFor();
    const words = await comparison.locator('.said').allInnerTexts();
    assert.equal(words.length, 2);
    for (const text of words) assert.match(text, /^The .{40}/s);
    const figure = comparison.locator('img');
    await figure.waitFor();
    assert.match(
      (await figure.getAttribute('alt')) ?? '',
      /blocks\.1\.mlp\.\w+: INT8 [\d.]+ dB, INT4 rtn [\d.]+ dB, INT4 gptq [\d.]+ dB/,
    );
    assert.ok(
      (await figure.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)) > 500,
      'the picture is drawn',
    );

    for (const name of ['two', 'three', 'four', 'five']) {
      await go(page, 'play', { model: `models/${name}`, maxTokens: 4 });
      await page.click('form >> text=Write');
      await page.locator('.written', { hasText: '4 tokens' }).waitFor();
    }
    await go(page, 'take', { model: 'models/one' });
    await comparison.waitFor();
    assert.deepEqual(await comparison.locator('.said').allInnerTexts(), words);
    await page.click('text=Keep the copy');
    await comparison.locator('text=Kept as').waitFor();
    assert.equal(await page.locator('.notice.bad').count(), 0);
    const kept = JSON.parse((await keptBytes(page, 'models/one int4/compare.json')).toString());
    assert.ok(kept.layers.length > 4 && kept.layers.every(({ name }: { name: string }) => name !== ''));
  });
});

describe('taking away', { skip }, () => {
  const prompt = 'The whale ';
  const size = { blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 64 };
  const tokenizer = Tokenizer.train(TALE, { vocabSize: 280 });
  let own: ModelFolder;
  before(async () => {
    await useBackend('wasm');
    own = { model: new GPT(makeConfig(presets.portable, 280, size), { seed: 3 }), tokenizer };
    const tiny = { model: new GPT(makeConfig(presets.tiny, 280, size)), tokenizer };
    const odd = { model: new GPT(makeConfig(presets.portable, 280, { ...size, nEmbd: 48 })), tokenizer };
    await tab.enter('take');
    await putModel(tab.page, ['a tale'], await partsOf(own));
    await putModel(tab.page, ['tiny'], await partsOf(tiny));
    await putModel(tab.page, ['odd'], await partsOf(odd));
  });

  /** The files of a download, by their paths in the folder that a .zip holds. */
  async function taken(page: Page, who: string, value: string): Promise<Map<string, Uint8Array>> {
    const row = page.locator('.doors > li', { hasText: who });
    await row.locator('select').selectOption(value);
    const [download] = await Promise.all([page.waitForEvent('download'), row.locator('button').click()]);
    const bytes = new Uint8Array(readFileSync(await download.path()));
    const name = download.suggestedFilename();
    if (!name.endsWith('.zip')) return new Map([[name, bytes]]);
    const folder = name.replace(/zip$/, '').replace('.', '/');
    return new Map(
      Object.entries(unzipSync(bytes)).map(([path, file]) => [path.replace(folder, ''), file] as const),
    );
  }

  async function logits({ model }: ModelFolder): Promise<Float32Array> {
    const ids = tokenizer.encode(prompt);
    return logitsOf(model, { ids, B: 1, T: ids.length });
  }

  async function storeWith(files: ReadonlyMap<string, Uint8Array>): Promise<Store> {
    const store = memoryStore('taken');
    for (const [name, bytes] of files) await store.write(name, bytes);
    return store;
  }

  const rows: [who: string, to: TargetName][] = [
    ['llama.cpp', 'gguf'],
    ['transformers.js', 'onnx'],
    ['safetensors', 'safetensors'],
    ['AutoModel', 'hf'],
    ['The tokenizer alone', 'tokenizer'],
  ];

  test('gives every format of the library, each with the bytes that it has in Node', async () => {
    const { page } = tab;
    assert.deepEqual(
      new Set(rows.map(([, to]) => to)),
      new Set(targetNames.filter((to) => targetFacts[to].from !== 'adapter')),
    );
    await tab.enter('take', { model: 'models/a tale' });
    for (const [who, to] of rows)
      for (const [option, values] of Object.entries(targetFacts[to].takes))
        for (const value of values) {
          const expected = await exportFiles(own, { to, [option]: value });
          const files = await taken(page, who, value);
          assert.equal(files.size, expected.files.size);
          const alone = targetFacts[to].makes === 'file' ? [...files.values()][0] : undefined;
          for (const [path, bytes] of expected.files)
            assert.ok(
              Buffer.from(bytes).equals(alone ?? files.get(path) ?? bytes.subarray(1)),
              `${to} ${value}: ${path}`,
            );
          const remarks = page.locator('.doors > li', { hasText: who }).locator('.remarks');
          for (const note of expected.notes) await remarks.getByText(note).waitFor();
        }
  });

  test('in files that are the same model, and the same tokenizer', async () => {
    const { page } = tab;
    const expected = await logits(own);
    await tab.enter('take', { model: 'models/a tale' });
    for (const who of ['AutoModel', 'safetensors']) {
      const { files } = await importFiles(await storeWith(await taken(page, who, 'float32')));
      assert.deepEqual(await logits(await loadModel(await storeWith(files))), expected);
    }
    const graph = (await taken(page, 'transformers.js', 'float32')).get('onnx/model.onnx');
    const session = await ort.InferenceSession.create(graph ?? new Uint8Array());
    const ids = [...tokenizer.encode(prompt)];
    const { logits: found } = await pass(session, own.model.config, {
      ids: [ids],
      mask: [ids.map(() => 1)],
      positions: [ids.map((_, t) => t)],
    });
    for (const [i, value] of (found.data as Float32Array).entries())
      assert.ok(Math.abs(value - expected[i]) < 1e-4, `logit ${i}: ${value}, not ${expected[i]}`);
    await session.release();

    const words = `${PROSE} It's 1984;\n\n naïve 🐋`;
    for (const [format, name] of [
      ['json', 'a-tale-tokenizer.json'],
      ['minbpe', 'a-tale.model'],
    ]) {
      const files = await taken(page, 'The tokenizer alone', format);
      assert.deepEqual([...files.keys()], [name]);
      const [bytes] = files.values();
      const known = new Map([[name.replace('a-tale-', ''), bytes]]);
      const { tokenizer: back } = await importFiles(await storeWith(known));
      assert.deepEqual(back.encode(words), tokenizer.encode(words));
    }
    const [ranks] = (await taken(page, 'The tokenizer alone', 'tiktoken')).values();
    const back = Tokenizer.fromTiktoken(new TextDecoder().decode(ranks), { pattern: tokenizer.pattern });
    assert.deepEqual(back.encode(words), tokenizer.encode(words));
  });

  test('not where a program lacks parts of the model, which are named, nor in blocks that do not fit', async () => {
    const { page } = tab;
    await tab.enter('take', { model: 'models/tiny' });
    const row = (who: string): Locator => page.locator('.doors > li', { hasText: who });
    for (const who of ['AutoModel', 'llama.cpp']) {
      await row(who)
        .getByText(/cannot express this model: .*, has no /)
        .waitFor();
      assert.ok(await row(who).locator('button').isDisabled());
      assert.ok(await row(who).locator('select').isDisabled());
    }
    for (const who of ['transformers.js', 'safetensors', 'The tokenizer alone'])
      assert.ok(await row(who).locator('button').isEnabled());
    await tab.enter('take', { model: 'models/odd', gguf: 'Q4_0' });
    await row('llama.cpp')
      .getByText(/type Q4_0 needs rows of a multiple of 32 columns/)
      .waitFor();
    assert.ok(await row('llama.cpp').locator('button').isDisabled());
    await row('llama.cpp').locator('select').selectOption('F16');
    await page.locator('.doors button:enabled', { hasText: 'odd-F16.gguf' }).waitFor();
    assert.match(await roomOf(page), /gguf=F16/);
  });

  test('by the keyboard alone', async () => {
    const { page } = tab;
    await tab.enter('take', { model: 'models/a tale' });
    await page.getByLabel('dtype for transformers').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    assert.equal(download.suggestedFilename(), 'a-tale-hf-bfloat16.zip');
    assert.match(await roomOf(page), /hf=bfloat16/);
  });
});

type Part = ReturnType<typeof file>;

async function partsOf(folder: ModelFolder): Promise<Part[]> {
  return [...(await modelFiles(folder))].map(([name, bytes]) => file(name, bytes));
}

/** Keeps a model under these names. */
async function putModel(page: Page, names: readonly string[], parts: readonly Part[]): Promise<void> {
  const files = parts.map(({ name, buffer }) => [name, buffer.toString('base64')]);
  await page.evaluate(`(async () => {
    const root = await navigator.storage.getDirectory();
    const models = await root.getDirectoryHandle('models', { create: true });
    for (const name of ${JSON.stringify(names)}) {
      const folder = await models.getDirectoryHandle(name, { create: true });
      for (const [file, base64] of ${JSON.stringify(files)}) {
        const stream = await (await folder.getFileHandle(file, { create: true })).createWritable();
        await stream.write(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
        await stream.close();
      }
    }
  })()`);
}

test('every room opens once the page has lost its connection', { skip }, async () => {
  const own = await openStudio(browser);
  const { page } = own;
  const loaded = new Set<string>();
  page.on('requestfinished', (request) => {
    const [room] = /\/room-[^/]+\.js$/.exec(request.url()) ?? [];
    if (room) loaded.add(room);
  });
  await own.enter('text');
  while (loaded.size < 6) await page.waitForTimeout(100);
  await own.context.setOffline(true);
  for (const name of ['Train', 'Play', 'Look inside', 'Shrink & take', 'Text & tokens']) {
    await page.locator('nav').getByText(name, { exact: true }).click();
    await page
      .locator(`main h1`, { hasText: name === 'Shrink & take' ? 'Shrink and take away' : name })
      .waitFor();
  }
  await page.click('.wordmark');
  await page.locator('main h1', { hasText: 'Teach a small GPT' }).waitFor();
  await own.close();
});

test('a room that cannot be drawn says why, leaves the others, and is entered anew', { skip }, async () => {
  const { page } = tab;
  await tab.enter('text', { text: 'tale.txt' });
  // The page draws numbers with it: as if one of them were something else.
  await page.evaluate(`{
    const own = Number.prototype.toLocaleString;
    globalThis.mend = () => { Number.prototype.toLocaleString = own; };
    Number.prototype.toLocaleString = () => { throw new Error('no numerals'); };
  }`);
  await go(page, 'train', { text: 'tale.txt', steps: 50 });
  await page.locator('main [role=alert]', { hasText: 'This room cannot be shown: no numerals' }).waitFor();
  assert.equal(await page.locator('main h1').innerText(), 'Train');
  await page.locator('nav').getByText('Play', { exact: true }).click();
  await page.locator('main h1', { hasText: 'Play' }).waitFor();
  await page.locator('form >> text=Write').waitFor();
  await go(page, 'train', { text: 'tale.txt', steps: 50 });
  await page.locator('main [role=alert]').waitFor();
  await page.evaluate('mend()');
  await page.click('text=Enter it without these choices');
  await page.locator('button', { hasText: 'Start training' }).waitFor();
  assert.equal(await roomOf(page), '#/train');
});

describe('an address that somebody wrote', { skip }, () => {
  const cases: [room: string, choices: Readonly<Record<string, string>>, said: RegExp][] = [
    ['text', { text: 'tale.txt', pattern: 'foo' }, /pattern foo is not one of none, gpt2, gpt4, o200k/],
    ['text', { text: 'tale.txt', vocabSize: 'much' }, /vocabSize much is not a whole number >= 256/],
    ['text', { text: 'tale.txt', vocabSize: '300.5' }, /vocabSize 300\.5 is not a whole number >= 256/],
    ['text', { text: '../secret' }, /"\.\.\/secret" is no file name/],
    ['text', { text: 'gone.txt' }, /the text gone\.txt is not in this browser/],
    ['train', { pattern: 'foo' }, /pattern foo is not one of none, gpt2, gpt4, o200k/],
    ['train', { vocabSize: '9' }, /vocabSize 9 is not a whole number >= 256/],
    ['train', { steps: 'many' }, /steps many is not a whole number >= 1/],
    ['train', { steps: ' ' }, /steps "" is not a whole number >= 1/],
    ['train', { threads: 'all' }, /threads NaN is not a whole number from 1 to 256/],
    ['play', { temperature: 'hot' }, /temperature hot is not a number >= 0/],
    ['look', { model: 'whale' }, /whale: neither a model folder .* nor a run/],
    ['take', { model: 'whale' }, /whale: weights, config and tokenizer/],
    ['take', { model: 'followed' }, /a run, its best so far: weights, config and tokenizer/],
    ['take', { bits: '5' }, /bits 5 is not one of 4, 8/],
    ['take', { gguf: 'Q2' }, /gguf cannot express this model/],
    ['take', { onnx: 'int2' }, /type int2 is not one of float32, int8, int4/],
    ['train', { from: 'live' }, /nothing is being trained now/],
    ['nope', {}, /there is no room nope: this is Welcome/],
    ['train', { preset: 'zzz' }, /preset zzz is not one of tiny, seed, .*: tiny is shown/],
    ['train', { stepz: '9' }, /nothing here is called stepz/],
    ['train', { bias: 'maybe' }, /bias maybe is not (one of )?true or false/],
    ['train', { show: 'gone' }, /show gone: that run is not in this browser/],
    ['train', { compare: 'gone/lost' }, /compare gone: that run .*; compare lost: that run is not/],
    ['play', { model: 'runs/gone' }, /gone is not here: choose another model/],
    ['play', { model2: 'models/gone' }, /gone is not here: choose another model/],
    ['take', { model: 'runs/gone' }, /gone is not here: choose another model/],
    ['take', { with: 'gone.txt' }, /the text gone\.txt is not in this browser/],
    ['take', { whole: 'no' }, /whole no is not one of yes: it has no effect/],
    ['look', { token: '999' }, /token 999 is not one of 0 to \d+: the last one is shown/],
    ['look', { head: '-1.0' }, /head -1\.0 is not one of 0\.0 to \d\.\d: \d\.\d is shown/],
    ['look', { block: '1.5' }, /block 1\.5 is not one of 0 to \d: the first one is shown/],
    ['look', { lens: 'glass' }, /lens glass is not one of entropy: it has no effect/],
  ];
  for (const [room, choices, said] of cases)
    test(`${room}?${new URLSearchParams(choices)}: what is wrong is named, and the room stays`, async () => {
      const { page } = tab;
      await tab.enter(room, choices);
      await page.locator('#studio', { hasText: said }).waitFor();
      assert.equal(await page.getByText('cannot be shown').count(), 0);
    });
});

/** Enters a room without a reload. */
async function go(
  page: Page,
  room: string,
  choices: Readonly<Record<string, string | number>>,
): Promise<void> {
  const query = new URLSearchParams(
    Object.entries(choices).map(([name, value]): [string, string] => [name, String(value)]),
  );
  await page.evaluate(`void (location.hash = ${JSON.stringify(`#/${room}?${query}`)})`);
}
