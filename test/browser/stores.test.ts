// The stores of a page, used as a person does: files are chosen, dropped and downloaded, tabs are killed.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { unzipSync } from 'fflate';
import type { Browser } from 'playwright-core';
import { launch, noChromium, openTab, type Tab } from './chromium.ts';

const skip = noChromium();
let browser: Browser;
let tab: Tab;
let scratch = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'inkhorn-page-'));
  if (skip !== false) return;
  browser = await launch();
  tab = await openTab(browser, {});
});
after(async () => {
  await tab?.close();
  await browser?.close();
  await rm(scratch, { recursive: true });
});

const RUN = {
  'best/config.json': '{}',
  'best/model.safetensors': 'weights '.repeat(500_000),
  'history.json': '{"events":[]}',
  'last/training.json': '',
};

/** Writes files below a folder `name`. */
async function written(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(scratch, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** The page's inputs. */
const [FILES, FOLDER] = ['input[multiple]', 'input[webkitdirectory]'];

describe('a page', { skip }, () => {
  test('offers a run as one file, and opens it again', async () => {
    const [download] = await Promise.all([tab.page.waitForEvent('download'), tab.run('offer', RUN, 'first')]);
    assert.equal(download.suggestedFilename(), 'first.zip');
    const file = join(scratch, 'first.zip');
    await download.saveAs(file);
    const unpacked = unzipSync(await readFile(file));
    const texts = Object.entries(unpacked).map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]);
    assert.deepEqual(
      Object.fromEntries(texts),
      Object.fromEntries(Object.entries(RUN).map(([path, text]) => [`first/${path}`, text])),
    );
    await tab.page.setInputFiles(FILES, file);
    assert.deepEqual(await tab.run('chosenFiles', FILES), { where: 'first', texts: RUN });
  });

  test('reads files and folders that are chosen', async () => {
    const folder = await written('chosen', { ...RUN, '.DS_Store': 'x' });
    await tab.page.setInputFiles(FOLDER, folder);
    assert.deepEqual(await tab.run('chosenFiles', FOLDER), { where: 'chosen', texts: RUN });
    const some = ['history.json', 'best/config.json'].map((path) => join(folder, path));
    await tab.page.setInputFiles(FILES, some);
    assert.deepEqual(await tab.run('chosenFiles', FILES), {
      where: 'dropped files',
      texts: { 'config.json': '{}', 'history.json': '{"events":[]}' },
    });
  });

  test('reads a folder of many files that is dropped', async () => {
    const many = Object.fromEntries(Array.from({ length: 230 }, (_, i) => [`deep/er/${i}.txt`, `${i}`]));
    const folder = await written('dropped', { ...RUN, ...many });
    await tab.run('awaitDrop');
    const session = await tab.page.context().newCDPSession(tab.page);
    const data = { items: [], files: [folder], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 50, y: 50, data });
    await tab.page.waitForFunction('globalThis.drop !== undefined');
    assert.deepEqual(await tab.page.evaluate('drop'), { where: 'dropped', texts: { ...RUN, ...many } });
  });

  test('says what is wrong with files', async () => {
    assert.deepEqual(await tab.run('refusals'), [
      'there are no files in what was dropped: drop a folder or its files',
      'cut.zip: no .zip file, or a damaged one (invalid zip data): download it again',
      'damaged.zip: m/weights.safetensors in it is damaged (its CRC-32 is not that of what was packed): download it again',
      'two of the dropped files are called a: drop one folder at a time',
      'dropped files is a set of dropped files: it cannot be written to; save to another store instead',
      'cannot read dropped files/a: it has 3 bytes: at most 2 are read',
      'dropped files/b: no such file',
    ]);
  });

  test('that is killed while it writes leaves all old files or all new ones', async () => {
    let newest = 0;
    for (let round = 0; round < 3; round++) {
      const writer = await tab.another();
      const gone = new Promise((done) => writer.page.once('crash', done));
      const versions = async (): Promise<number[]> => tab.run('versionsAt', 'runs/killed').catch(() => []);
      writer.run('writeVersions', 'runs/killed', newest + 1).catch(() => undefined);
      while (!((await versions())[0] > newest)) await wait(5);
      await wait(17 * round);
      writer.page.goto('chrome://crash').catch(() => undefined);
      await gone;
      const found = await tab.run('versionsAt', 'runs/killed');
      assert.equal(found.length, 3);
      assert.deepEqual(new Set(found).size, 1, `versions ${found} together`);
      assert.ok(found[0] > newest);
      newest = found[0];
      await writer.page.close();
    }
  });

  test('keeps other tabs from a place that it locks, until it is closed', async () => {
    const first = await tab.another();
    assert.equal(await first.run('lockPlace', 'runs/locked'), null);
    assert.match(
      (await tab.run('lockPlace', 'runs/locked')) ?? '',
      /^runs\/locked is in use by this site in this or another tab \(the first tab, since \d{4}-.* UTC\): wait for it, close that tab, or take another folder$/,
    );
    assert.equal(await tab.run('lockPlace', 'runs/other'), null);
    await first.page.close();
    assert.equal(await tab.run('lockPlace', 'runs/locked'), null);
  });
});
