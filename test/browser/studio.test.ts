// The studio as a visitor uses it, in Chromium: train, pause, reload, kill, go on; what is missing or full.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { presets } from '../../src/model/config.ts';
import { loadModel, type ModelFolder } from '../../src/model/folder.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset, fittingContext } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { trainedCount } from '../../src/train/trained.ts';
import { launch, noChromium } from './chromium.ts';
import { keepText, keptBytes, openStudio, SMALL, type StudioTab, TALE, untilEnded } from './studio-tab.ts';

const skip = noChromium();
let browser: Browser;
before(async () => {
  if (skip === false) browser = await launch();
});
after(() => browser?.close());

/** Starts the run that the address describes. */
async function start(page: Page): Promise<void> {
  await page.click('text=Start training');
}

/** The number of steps that the page shows. */
async function stepOf(page: Page): Promise<number> {
  const shown = await page.locator('.live .meters dd').first().innerText();
  return Number.parseInt(shown, 10);
}

async function untilStep(page: Page, step: number): Promise<void> {
  // Not by waitForFunction, which evaluates a text: the policy of the page forbids it.
  while ((await stepOf(page)) < step) await page.waitForTimeout(20);
}

async function trainTale(
  tab: StudioTab,
  choices: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  await tab.page.goto(tab.url);
  await keepText(tab.page, 'tale.txt', TALE);
  await tab.enter('train', { ...SMALL, ...choices });
}

describe('training in a tab', { skip }, () => {
  let tab: StudioTab;
  before(async () => {
    tab = await openStudio(browser);
  });
  after(() => tab.close());

  test('runs to its end, and is listed with its best loss', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'whole' });
    await start(page);
    await untilEnded(page);
    const row = page.locator('.runs .scroll tbody tr', { hasText: 'whole' });
    assert.match(await row.innerText(), /24 of 24/);
    const first = JSON.parse((await keptBytes(page, 'runs/whole/history.json')).toString());
    const losses = first.events.flatMap((event: { type: string; valLoss: number }) =>
      event.type === 'eval' ? [event.valLoss] : [],
    );
    assert.ok(losses[2] < losses[0] - 0.5, `validation loss ${losses}`);
  });

  test('goes on from a trained model with another text: from its loss there, with its tokenizer', async () => {
    const { page } = tab;
    const text = 'An ox sat on a box, and sang to the old fox of the sea. '.repeat(160);
    await keepText(page, 'fox.txt', text);
    const { steps, evalEvery, probeEvery, sampleEvery } = SMALL;
    const recipe = { steps, evalEvery, probeEvery, sampleEvery, evalMethod: 'whole', lora: 4 };
    const run = { ...recipe, text: 'fox.txt', from: 'runs/whole' };
    await tab.enter('train', { ...run, name: 'tuned' });
    await page.getByText('The tokens are those of whole: 280 of them').waitFor();
    assert.equal(await page.getByLabel('nLayer').count(), 0, 'its shape is decided');
    const config = JSON.parse((await keptBytes(page, 'runs/whole/best/config.json')).toString());
    const trained = trainedCount(config, { freeze: '', lora: 4 }).toLocaleString('en');
    await page.locator('.start dd', { hasText: `${trained} are trained` }).waitFor();
    await start(page);
    await untilEnded(page);

    const folder = async (name: string): Promise<Store> => {
      const store = memoryStore(name);
      for (const file of ['config.json', 'tokenizer.json', 'model.safetensors'])
        await store.write(file, await keptBytes(page, `runs/${name}/best/${file}`));
      return store;
    };
    await useBackend('wasm');
    const [before, after] = await Promise.all(
      ['whole', 'tuned'].map(async (name) => loadModel(await folder(name))),
    );
    assert.deepEqual(after.tokenizer.toJSON(), before.tokenizer.toJSON());
    const { events } = JSON.parse((await keptBytes(page, 'runs/tuned/history.json')).toString());
    const losses = events.flatMap((event: { type: string; valLoss: number }) =>
      event.type === 'eval' ? [event.valLoss] : [],
    );
    const { loss } = await evaluate(before.model, dataset(text, before.tokenizer).val);
    assert.ok(Math.abs(losses[0] - loss) < 1e-4, `${losses[0]} before its first step, ${loss} in Node`);
    assert.ok(losses[2] < losses[0] - 0.02, `validation loss ${losses}`);
    const weights = ({ model }: ModelFolder) => new Map(namedParameters(model));
    for (const [name, parameter] of weights(after)) {
      const old = weights(before).get(name);
      const changed = !Buffer.from((await parameter.data()).buffer).equals(
        Buffer.from((await old?.data())?.buffer ?? new ArrayBuffer(0)),
      );
      assert.equal(changed, /^blocks\.\d\.(attn|mlp)\.\w+\.weight$/.test(name), name);
    }
  });

  test('refuses what cannot be trained on, and says so before it starts', async () => {
    const { page } = tab;
    await tab.enter('train', { ...SMALL, from: 'runs/nowhere' });
    await page.locator('.start [role=alert]', { hasText: 'nowhere: neither a model folder' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Start training' }).isDisabled());
    await tab.enter('take', { model: 'runs/whole', with: 'tale.txt' });
    await page.click('text=Make the copy and compare');
    await page.click('text=Keep the copy');
    await page.getByText('Kept as').waitFor();
    await tab.enter('train', { text: 'tale.txt', from: 'runs/whole/int8' });
    await page.locator('.start [role=alert]', { hasText: 'its weights are INT8, and only floats' }).waitFor();
    await tab.enter('train', { text: 'tale.txt', from: 'runs/whole', lora: 4, optimizer: 'muon' });
    await page.locator('.start [role=alert]', { hasText: 'muon is for whole matrices' }).waitFor();
    await tab.enter('train', { text: 'tale.txt', from: 'runs/whole', freeze: 'heads' });
    await page.locator('.start [role=alert]', { hasText: 'heads' }).waitFor();
  });

  test('says before the start, where the text is chosen, that it is too short, or nearly', async () => {
    const { page } = tab;
    const start = page.getByRole('button', { name: 'Start training' });
    const keep = (name: string, words: number): Promise<void> =>
      keepText(page, name, Array.from({ length: words }, (_, i) => `w${i * i}`).join(' '));
    await page.goto(tab.url);
    await keepText(page, 'one.txt', 'aaaaaaaa');
    await keep('some.txt', 5);
    await keep('more.txt', 12);
    const small = { vocabSize: 256, blockSize: 16, nLayer: 1, nEmbd: 32, nHead: 2 };
    const cases: [choices: Readonly<Record<string, string | number>>, reason: RegExp][] = [
      [{ text: 'one.txt' }, /one\.txt cannot be trained on: the text has \d tokens?: too short to split/],
      [
        { ...small, text: 'some.txt' },
        /training part has 1\d tokens, a window needs 17: use a longer text or a/,
      ],
      [
        { text: 'some.txt', from: 'runs/whole' },
        /has \d+ tokens, a window of this model 17: take a longer text/,
      ],
      [{ text: 'gone.txt' }, /gone\.txt cannot be trained on: the text gone\.txt is not in this browser/],
    ];
    for (const [choices, reason] of cases) {
      await tab.enter('train', choices);
      await page.locator('.setup .fit.bad', { hasText: reason }).waitFor();
      assert.ok(await start.isDisabled());
      assert.equal(await start.getAttribute('aria-describedby'), 'text-fit');
    }
    await tab.enter('text', { text: 'one.txt' });
    await page.locator('.shelf .fit.bad', { hasText: 'too short to split' }).waitFor();
    for (const choices of [small, { from: 'runs/whole' }]) {
      await tab.enter('train', { ...choices, text: 'more.txt' });
      await page
        .locator('.setup .fit.warning', { hasText: /every step reads nearly the same words/ })
        .waitFor();
      assert.ok(await start.isEnabled());
    }
  });

  test('of a text that was chosen just now, which is too short, begins not even at once', async () => {
    const { page } = tab;
    await tab.enter('train', { ...SMALL, vocabSize: 256, name: 'hasty' });
    await page.waitForTimeout(1000);
    await page.locator('#text-choice').selectOption('some.txt');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.locator('.setup .fit.bad', { hasText: 'a window needs 17' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Start training' }).isDisabled());
    await page.locator('#text-choice').selectOption('tale.txt');
    await page.getByRole('button', { name: 'Start training' }).click();
    await untilEnded(page);
    await assert.rejects(keptBytes(page, 'runs/hasty 2/history.json'), /NotFound|not be found/);
    await page.locator('.runs .scroll tbody tr', { hasText: 'hasty' }).getByText('Delete').click();
    await page.locator('.runs .confirm').getByText('Delete', { exact: true }).click();
    await page.locator('.runs .scroll tbody tr', { hasText: 'hasty' }).waitFor({ state: 'detached' });
  });

  test('on a short text gets the vocabulary and the context of the command line, in one line', async () => {
    const { page } = tab;
    await tab.enter('train', { text: 'more.txt', name: 'short', steps: 2, nLayer: 1 });
    const bytes = await keptBytes(page, 'texts/more.txt');
    const tokenizer = Tokenizer.train(bytes, { vocabSize: 500, atMost: true, pattern: 'gpt4' });
    const data = dataset(bytes, tokenizer);
    const context = fittingContext(data, { blockSize: presets.tiny.blockSize, sampled: false });
    assert.ok(context < presets.tiny.blockSize && tokenizer.vocabSize < 500);
    const line = `The text is short: a vocabulary of ${tokenizer.vocabSize} tokens, not 500, and a context of ${context} tokens, not 128.`;
    await page.locator('.setup .fit.warning', { hasText: line }).waitFor();
    const size = page.getByLabel('blockSize', { exact: true });
    assert.equal(await size.inputValue(), String(context));
    await start(page);
    await untilEnded(page);
    const config = JSON.parse((await keptBytes(page, 'runs/short/last/config.json')).toString());
    assert.deepEqual([config.blockSize, config.vocabSize], [context, tokenizer.vocabSize]);
    await tab.enter('train', { text: 'more.txt', blockSize: 128 });
    await page.locator('.setup .fit.bad', { hasText: 'a window needs 129' }).waitFor();
  });

  test('pauses, does one step, goes on, stops with a checkpoint, and goes on from it to the same weights', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'halting' });
    await start(page);
    await untilStep(page, 2);
    await page.click('.live >> text=Pause');
    await page.waitForSelector('.live >> text=Go on');
    const at = await stepOf(page);
    await page.click('.live >> text=One step');
    await untilStep(page, at + 1);
    await page.waitForSelector('.live >> text=Go on');
    assert.equal(await stepOf(page), at + 1);
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await page.locator('.runs .scroll tbody tr', { hasText: 'halting' }).getByText('Go on').click();
    await untilEnded(page);
    await sameWeights(page, 'halting');
  });

  test('is kept by a pause, and by one step more: it goes on after a reload to the same weights', async () => {
    const { page } = tab;
    const seldom = { evalEvery: 0, checkpointEvery: 0 };
    await trainTale(tab, { ...seldom, name: 'pausing' });
    await start(page);
    await untilStep(page, 2);
    await page.click('.live >> text=Pause');
    await page.waitForSelector('.live >> text=Go on');
    const at = await stepOf(page);
    const row = page.locator('.runs .scroll tbody tr', { hasText: 'pausing' });
    const kept = (step: number) => row.locator('.steps', { hasText: `${step} of 24` }).waitFor();
    await kept(at);
    assert.equal(await stepOf(page), at);
    await page.click('.live >> text=One step');
    await kept(at + 1);
    assert.equal(await stepOf(page), at + 1);
    await page.goto(`${tab.url}#/arrive`);
    await page.reload();
    await page.locator('.latest', { hasText: `pausing, is at step ${at + 1} of 24` }).waitFor();
    await tab.enter('train');
    await kept(at + 1);
    await row.getByText('Go on').click();
    await untilEnded(page);
    await sameWeights(page, 'pausing');
  });

  test('is kept by the clock, and when its tab is hidden, where nothing else saves it', async () => {
    const tab = await openStudio(browser);
    const { page } = tab;
    await page.clock.install();
    await trainTale(tab, { evalEvery: 0, checkpointEvery: 0, name: 'lasting', steps: 20_000 });
    await start(page);
    await untilStep(page, 2);
    const row = page.locator('.runs .scroll tbody tr', { hasText: 'lasting' });
    assert.equal(await row.count(), 0);
    await page.clock.fastForward('01:00:00');
    await row.getByText('of 20000').waitFor();
    const listed = async (): Promise<number> => Number.parseInt(await row.locator('.steps').innerText(), 10);
    const before = await listed();
    await untilStep(page, before + 2);
    await page.evaluate(`Object.defineProperty(document, 'hidden', { value: true });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`);
    while ((await listed()) === before) await page.waitForTimeout(20);
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await tab.close();
  });

  test('goes on after a reload in the middle', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'reloaded' });
    await start(page);
    await untilStep(page, 5);
    await page.reload();
    await page.locator('.runs .scroll tbody tr', { hasText: 'reloaded' }).getByText('Go on').click();
    await untilEnded(page);
    await sameWeights(page, 'reloaded');
  });

  test('goes on in another tab when its own was killed', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'killed' });
    await start(page);
    await untilStep(page, 5);
    await page.goto('about:blank');
    tab.strays.length = 0;
    await tab.enter('train');
    await page.locator('.runs .scroll tbody tr', { hasText: 'killed' }).getByText('Go on').click();
    await untilEnded(page);
    await sameWeights(page, 'killed');
  });

  test('goes on once the text of a run is brought, which another text does not replace', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'lost', steps: 400 });
    await start(page);
    await untilStep(page, 4);
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await page.evaluate(`(async () => {
      const texts = await (await navigator.storage.getDirectory()).getDirectoryHandle('texts');
      await texts.removeEntry('tale.txt');
    })()`);

    await tab.enter('take', { model: 'runs/lost' });
    const warning = page.locator('[aria-labelledby=back] .warning');
    await warning
      .getByText(`tale.txt (${TALE.length.toLocaleString('en')} bytes), which is not in`)
      .waitFor();
    await page.getByText('so it is not packed: the command line asks for it').waitFor();
    const bring = async (name: string, text: string): Promise<string> => {
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Choose the text' }).click(),
      ]);
      await chooser.setFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
      const told = page.locator('.notice span').filter({ hasText: name });
      return told.innerText();
    };
    assert.match(
      await bring('other.txt', 'Another tale.'),
      /^other\.txt \(13 bytes\) is not the text that lost was trained on: that is tale\.txt, 7,840 bytes$/,
    );
    await warning.waitFor();
    assert.match(await bring('found.txt', TALE), /^found\.txt is kept in this browser: lost can go on\.$/);
    await warning.waitFor({ state: 'detached' });
    await page.click('text=Go on in this tab');
    await page.locator('main h1', { hasText: 'Train' }).waitFor();
    const reached = await stepOf(page);
    await untilStep(page, reached + 2);
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
  });

  test('refuses to go on with, and to delete, a run that another tab trains, which its title names', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'twice', steps: 2000 });
    await start(page);
    await untilStep(page, 3);
    const other = await tab.another();
    await other.goto(page.url());
    assert.match(await page.title(), /^twice, \d+ % · Train · Inkhorn Studio$/);
    const row = other.locator('.runs .scroll tbody tr', { hasText: 'twice' });
    const refusal =
      /^twice is in use by another tab of this site \(a training run, since 2\d{3}-.* UTC\): stop it/;
    const refused = async (click: () => Promise<void>): Promise<void> => {
      await click();
      await other.locator('.notice.good span', { hasText: refusal }).waitFor({ timeout: 3000 }); // at once
      await other.locator('.notice.bad span', { hasText: refusal }).waitFor();
    };
    await refused(() => row.getByText('Go on').click());
    await refused(async () => {
      await row.getByText('Delete').click();
      await row.locator('.confirm').getByText('Delete', { exact: true }).click();
    });
    const step = await stepOf(page);
    await untilStep(page, step + 3);
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await keptBytes(page, 'runs/twice/last/model.safetensors');
    await row.waitFor();
    await other.close();
  });

  test('shows in one tab what another one keeps and deletes', async () => {
    const { page } = tab;
    await tab.enter('text');
    const other = await tab.another();
    await other.goto(page.url());
    const row = (of: Page) => of.locator('.texts-list > div', { hasText: 'shared' });
    await other
      .locator('.bring input[type=file]')
      .first()
      .setInputFiles({
        ...{ name: 'shared.txt', mimeType: 'text/plain', buffer: Buffer.from('A tale for two tabs.') },
      });
    await row(page).waitFor();
    await row(page).getByText('Delete').click();
    await row(page).locator('button.bad').click();
    await row(other).waitFor({ state: 'detached' });
    await other.close();
  });

  test('names the runs that need a text before it is deleted, also those of other tabs, which follow', async () => {
    const { page } = tab;
    await trainTale(tab, { name: 'reader', evalEvery: 0, checkpointEvery: 0, steps: 20_000 });
    await start(page);
    await untilStep(page, 2);
    const [other, third] = [await tab.another(), await tab.another()];
    // A model that the text is long enough for.
    const small = Object.entries(SMALL).map(([name, value]) => `${name}=${value}`);
    await third.goto(`${tab.url}#/train?${small.join('&')}`);
    const startThere = third.getByRole('button', { name: 'Start training' });
    await startThere.waitFor();
    await third.waitForTimeout(1000);
    assert.ok(await startThere.isEnabled());
    await other.goto(`${tab.url}#/text?text=tale.txt`);
    await other.locator('.texts-list > .chosen').getByText('Rename').click();
    await other.getByLabel('Another name for tale.txt').fill('story.txt');
    await other.keyboard.press('Enter');
    const row = other.locator('.texts-list > .chosen', { hasText: 'story.txt' });
    await row.getByText('Delete').click();
    await row.locator('.confirm', { hasText: /\b(halting|whole)\b.* cannot go on without it/ }).waitFor();
    await row.locator('.confirm').getByText('Delete', { exact: true }).click();
    await row.waitFor({ state: 'detached' });
    await third.locator('.fit.bad', { hasText: 'the text tale.txt is not in this browser' }).waitFor();
    await third.locator('.start button:disabled').waitFor(); // a later change counts the tokens once more

    await keepText(page, 'unsaved.txt', TALE.slice(1));
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await tab.enter('train', {
      ...SMALL,
      evalEvery: 0,
      checkpointEvery: 0,
      steps: 20_000,
      text: 'unsaved.txt',
      name: 'new',
    });
    await start(page);
    await untilStep(page, 2);
    await other.goto(`${tab.url}#/text?text=unsaved.txt`);
    await other.reload(); // the test kept the text without a word to the tabs
    const read = other.locator('.texts-list > .chosen', { hasText: 'unsaved.txt' });
    await read.getByText('Delete').click();
    await read.locator('.confirm', { hasText: 'Delete it? new cannot go on without it.' }).waitFor();
    await read.locator('.confirm').getByText('Keep').click();
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await keepText(page, 'tale.txt', TALE);
    for (const one of [other, third]) await one.close();
  });

  test('compares runs over each other, and deletes one after it has asked', async () => {
    const { page } = tab;
    await tab.enter('train');
    await page.getByLabel('Compare whole').check();
    await page.getByLabel('Compare twice').check();
    await page.waitForSelector('.runs .curve canvas');
    assert.match(new URL(page.url()).hash, /compare=whole%2Ftwice/);
    const row = page.locator('.runs .scroll tbody tr', { hasText: 'twice' });
    assert.match(await row.innerText(), /steps 2000/);
    const tuned = page.locator('.runs .scroll tbody tr', { hasText: 'tuned' });
    assert.equal(
      await tuned.locator('.differs').innerText(),
      'from runs/whole, steps 24, lora 4, evalEvery 12, probeEvery 6, sampleEvery 12',
      'what was chosen, and nothing that follows from it',
    );
    assert.doesNotMatch(await row.locator('.differs').innerText(), /from/);
    await tuned.getByText('Go on to step 48').waitFor();
    const places = await Promise.all(
      (await tuned.locator('td .buttons > *').all()).map((button) => button.boundingBox()),
    );
    assert.equal(places.length, 3);
    const middles = places.map((box) => Math.round((box?.y ?? 0) + (box?.height ?? 0) / 2));
    assert.equal(new Set(middles).size, 1, 'what can be done is in one line');
    const focused = (): Promise<string> =>
      page.evaluate(`document.activeElement.tagName + ' ' + document.activeElement.innerText.trim()`);
    await row.getByText('Delete').focus();
    await page.keyboard.press('Enter');
    await row.locator('.confirm', { hasText: 'Delete twice for good?' }).waitFor();
    assert.equal(await focused(), 'BUTTON Keep');
    await page.keyboard.press('Escape');
    assert.equal(await focused(), 'BUTTON Delete');
    assert.equal(await row.locator('.confirm').count(), 0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter'); // it keeps
    assert.equal(await focused(), 'BUTTON Delete');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await row.waitFor({ state: 'detached' });
    await page.waitForTimeout(100);
    assert.match(await focused(), /^SECTION Runs in this browser/);
  });

  test('says what is wrong with a choice, where it is chosen', async () => {
    const { page } = tab;
    await tab.enter('train', { nHead: 3, nEmbd: 32 });
    assert.match(await page.locator('.start [role=alert]').innerText(), /nHead 3 does not divide nEmbd 32/);
    assert.equal(await page.locator('text=Start training').isDisabled(), true);
    await tab.enter('train', { momentum: 0.5 });
    assert.match(await page.locator('.start [role=alert]').innerText(), /momentum 0.5 has no effect without/);
    const momentum = page.locator('[data-option=momentum]');
    assert.equal(await momentum.isVisible(), false, 'its group is closed');
    await page.click('text=Show momentum');
    assert.match(await momentum.locator('.bad').innerText(), /momentum 0.5 has no effect without/);
    assert.equal(
      await page.evaluate(`document.activeElement.closest('[data-option]').dataset.option`),
      'momentum',
    );
    assert.equal(await momentum.locator('[aria-invalid=true]').count(), 1);
    assert.equal(await page.locator('[aria-invalid=true]').count(), 1);
    await tab.enter('train', { lr: 'much' });
    assert.match(await page.locator('.start [role=alert]').innerText(), /lr/);
  });

  /** The weights of a run that was interrupted are those of the one that was not. */
  async function sameWeights(page: Page, name: string): Promise<void> {
    const own = await keptBytes(page, `runs/${name}/last/model.safetensors`);
    const whole = await keptBytes(page, 'runs/whole/last/model.safetensors');
    assert.equal(Buffer.compare(own, whole), 0);
  }
});

describe('a browser that lacks something', { skip }, () => {
  test('threads: a page that is not isolated computes with one', async () => {
    const tab = await openStudio(browser, { headers: {} });
    await tab.enter('train');
    await tab.page.waitForSelector('details.engine');
    assert.match(
      (await tab.page.locator('details.engine').textContent()) ?? '',
      /1 thread: the page is not cross-origin isolated/,
    );
    await tab.close();
  });

  test('headers: the service worker of the site adds them', async () => {
    const tab = await openStudio(browser, { headers: {}, serviceWorker: true });
    await tab.page.goto(`${tab.url}#/train`);
    await tab.page.waitForSelector('details.engine');
    assert.equal(await tab.page.evaluate('crossOriginIsolated'), true);
    assert.match((await tab.page.locator('details.engine').textContent()) ?? '', /relaxed SIMD, \d+ threads/);
    await tab.close();
  });

  test('WASM: the reference trains', async () => {
    const tab = await openStudio(browser);
    await trainTale(tab, {
      engine: 'reference',
      steps: 3,
      nLayer: 1,
      evalEvery: 0,
      sampleEvery: 3,
      sampleTokens: 4,
      probeEvery: 0,
      checkpointEvery: 3,
    });
    await start(tab.page);
    await untilEnded(tab.page);
    assert.match((await tab.page.locator('details.engine').textContent()) ?? '', /plain TypeScript/);
    await tab.close();
  });

  test('an engine by name that does not work: its reason, and no other in its place', async () => {
    const tab = await openStudio(browser);
    await tab.enter('train', { engine: 'webgpu' });
    await tab.page.waitForSelector('.notice.bad');
    assert.match(await tab.page.locator('.notice').innerText(), /WebGPU/);
    assert.match(await tab.page.locator('.engine').innerText(), /no engine works here/);
    await tab.close();
  });

  test('storage: what is refused is said in one line', async () => {
    const tab = await openStudio(browser, {
      script: `navigator.storage.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'));`,
    });
    await tab.enter('train', { ...SMALL, text: 'moby-dick' });
    await start(tab.page);
    await tab.page.waitForSelector('.notice.bad');
    assert.match(
      await tab.page.locator('.notice').innerText(),
      /no storage, perhaps since the window is private/,
    );
    await tab.close();
  });

  test('space: a full storage ends the run in one line, and what was saved stays', async () => {
    const tab = await openStudio(browser);
    const { page } = tab;
    await trainTale(tab, { name: 'full', steps: 4000, nEmbd: 64 });
    await start(page);
    await untilStep(page, 5);
    const to = (room: string) => page.locator('nav').getByText(room, { exact: true }).click();
    await to('Play');
    const client = await tab.context.newCDPSession(page);
    await client.send('Storage.overrideQuotaForOrigin', { origin: new URL(tab.url).origin, quotaSize: 1000 });
    await page.waitForSelector('.notice.bad');
    assert.match(await page.locator('.notice').innerText(), /no more space/);
    assert.doesNotMatch(await page.locator('.notice span').innerText(), /\n/);
    await client.send('Storage.overrideQuotaForOrigin', { origin: new URL(tab.url).origin });
    // It is of use where it was said, and where the run was begun.
    await to('Train');
    await page.locator('main h1', { hasText: 'Train' }).waitFor();
    await page.waitForSelector('.notice.bad');
    await to('Look inside');
    await page.locator('.notice.bad').waitFor({ state: 'detached' });
    await to('Train');
    await page.locator('main h1', { hasText: 'Train' }).waitFor();
    assert.equal(await page.locator('.notice.bad').count(), 0);
    await page.reload();
    await page.locator('.runs .scroll tbody tr', { hasText: 'full' }).getByText('Go on').click();
    await untilStep(page, 7);
    await page.click('.live >> text=Stop');
    await untilEnded(page, 'stopped');
    await tab.close();
  });
});

describe('a GPU', { skip }, () => {
  let own: Browser;
  before(async () => {
    if (skip === false) own = await launch(['--enable-unsafe-webgpu']);
  });
  after(() => own?.close());

  /** Keeps the device of the worker at hand, so that it can be lost. */
  const KEEP = `const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...given) {
      globalThis.device = await request.apply(this, given);
      return globalThis.device;
    };\n`;

  test('trains; one that is lost ends the run in one line, and it goes on from its last checkpoint', async () => {
    const tab = await openStudio(own, {
      alter: (path, bytes) =>
        bytes && path.includes('worker-script') ? Buffer.concat([Buffer.from(KEEP), bytes]) : bytes,
    });
    const { page } = tab;
    await trainTale(tab, {
      engine: 'webgpu',
      name: 'lost',
      steps: 6,
      nLayer: 1,
      evalEvery: 6,
      sampleEvery: 6,
      sampleTokens: 4,
      probeEvery: 0,
    });
    await page.waitForSelector('details.engine');
    await start(page);
    await untilStep(page, 3);
    const worker = page.workers().find((it) => it.url().includes('worker-script'));
    await worker?.evaluate('device.destroy()');
    await page.waitForSelector('.notice.bad');
    assert.match(await page.locator('.notice span').innerText(), /^the GPU was lost \(.*\): start again/);
    await page.locator('.runs .scroll tbody tr', { hasText: 'lost' }).getByText('Go on').click();
    // The processor imitates the GPU here.
    await untilEnded(page);
    assert.match((await page.locator('details.engine').textContent()) ?? '', /webgpu/);
    await tab.close();
  });
});

/** Rooms, each as it is after its first seconds. */
const ROOMS = ['arrive', 'text', 'train', 'play', 'look', 'take'] as const;

describe('every room', { skip }, () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

  for (const scheme of ['light', 'dark'] as const)
    test(`has no serious finding of axe-core (${scheme})`, async () => {
      const tab = await openStudio(browser);
      await tab.page.emulateMedia({ colorScheme: scheme });
      for (const room of ROOMS) {
        await tab.enter(room);
        await tab.page.waitForSelector('details.engine');
        await tab.page.waitForTimeout(1500);
        await tab.page.evaluate(axe);
        const found = await tab.page.evaluate<{ violations: Violation[] }>('axe.run()');
        const serious = found.violations.filter(
          ({ impact }) => impact === 'serious' || impact === 'critical',
        );
        assert.deepEqual(
          serious.map(({ id, nodes }) => `${room}: ${id}: ${nodes[0].html}`),
          [],
        );
      }
      await tab.close();
    });

  test('fits a window of 360 px without scrolling sideways', async () => {
    const tab = await openStudio(browser, { viewport: { width: 360, height: 740 } });
    for (const room of ROOMS) {
      await tab.enter(room);
      await tab.page.waitForTimeout(500);
      const [content, window] = await tab.page.evaluate<[number, number]>(
        '[document.documentElement.scrollWidth, innerWidth]',
      );
      assert.ok(content <= window, `${room}: ${content} px in a window of ${window}`);
      const [ways, place] = await tab.page
        .locator('.masthead nav')
        .evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]);
      assert.ok(ways <= place, `${room}: the ways to the rooms take ${ways} of ${place} px`);
    }
    await tab.close();
  });

  test('first loads at most 150 KB gzipped, without the model and the engine', async () => {
    const tab = await openStudio(browser);
    let bytes = 0;
    const sizes: Promise<void>[] = [];
    tab.page.on('response', (response) => {
      if (!/\.(html|js|css|svg)$|\/$/.test(new URL(response.url()).pathname)) return;
      if (/wasm-worker|worker-script/.test(response.url())) return; // the engine
      sizes.push(
        response.body().then((body) => {
          bytes += gzipSync(body).length;
        }),
      );
    });
    await tab.page.goto(tab.url);
    await tab.page.waitForSelector('main h1');
    await Promise.all(sizes);
    assert.ok(bytes > 20_000 && bytes <= 150_000, `${bytes} bytes`);
    await tab.close();
  });
});

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}
