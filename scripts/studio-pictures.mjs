// Pictures of every room of the studio, at the widths of a telephone and of a laptop, light and dark, into
// dist/studio-pictures/. A small model is trained first, so that the rooms have something to show. Needs
// `npm run build`, and Chromium. For people who change the studio: look at all of them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, noChromium } from '../dist/test/browser/chromium.js';
import { keepText, openStudio, SMALL, TALE } from '../dist/test/browser/studio-tab.js';

const missing = noChromium();
if (missing !== false) {
  console.error(missing);
  process.exit(1);
}

const folder = join(import.meta.dirname, '../dist/studio-pictures');
mkdirSync(folder, { recursive: true });

/** Each picture: a room, what is chosen there, and the last thing that appears in it. */
const ALL = [
  ['arrive', 'arrive', {}, '.verse'],
  ['text', 'text', { text: 'moby-dick' }, '.merge-list tbody tr'],
  ['texts', 'text', { text: 'tale 12.txt' }, '.merge-list tbody tr'],
  ['train', 'train', { show: 'a tale' }, '.runs tbody tr'],
  ['runs', 'train', { compare: 'a tale/a wider tale' }, '.runs .curve canvas'],
  ['train-from', 'train', { from: 'shakespeare', text: 'tale.txt', lora: 8 }, '.begun'],
  ['play', 'play', { prompt: 'JULIET:', maxTokens: 100 }, '.written [data-i] >> nth=90'],
  ['look', 'look', { prompt: 'ROMEO: I dreamt a dream to-night.' }, '.units li'],
  ['take', 'take', { model: 'runs/a tale' }, '.doors li'],
];
/** `node scripts/studio-pictures.mjs text look`: some of them. */
const wanted = process.argv.slice(2);
const PICTURES = ALL.filter(([name]) => wanted.length === 0 || wanted.includes(name));
const WIDTHS = [390, 1280];
const SCHEMES = ['light', 'dark'];

const browser = await launch();
const tab = await openStudio(browser);
const { page } = tab;
await page.goto(tab.url);
await keepText(page, 'tale.txt', TALE);
for (let i = 1; i < 20; i++) await keepText(page, `tale ${i}.txt`, TALE);
for (const changes of [
  { name: 'a tale' },
  { name: 'a wider tale', nEmbd: 64, lr: 0.001 },
  { name: 'a tale goes on', from: 'runs/a tale', lora: 4 },
]) {
  await tab.enter('train', { ...SMALL, ...changes });
  await page.click('text=Start training');
  await page.waitForSelector('.live >> text=finished', { timeout: 120_000 });
}

for (const [name, room, choices, last] of PICTURES)
  for (const width of WIDTHS)
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize({ width, height: width < 600 ? 844 : 900 });
      await page.emulateMedia({ colorScheme });
      await tab.enter(room, choices);
      if (room === 'play') await page.click('form >> text=Write');
      await page.locator(last).first().waitFor({ timeout: 60_000 });
      await page.waitForTimeout(2000);
      const path = join(folder, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
      console.log(path);
    }
await browser.close();
process.exit();
