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

/** Each room with what is chosen there. */
const ROOMS = [
  ['arrive', {}],
  ['text', { text: 'moby-dick' }],
  ['train', { show: 'a tale' }],
  ['play', { model: 'runs/a tale', prompt: 'The whale' }],
  ['look', { model: 'shakespeare', prompt: 'ROMEO: I dreamt a dream to-night.' }],
  ['take', { model: 'runs/a tale' }],
];
const WIDTHS = [390, 1280];
const SCHEMES = ['light', 'dark'];

const browser = await launch();
const tab = await openStudio(browser);
const { page } = tab;
await page.goto(tab.url);
await keepText(page, 'tale.txt', TALE);
await tab.enter('train', { ...SMALL, name: 'a tale' });
await page.click('text=Start training');
await page.waitForSelector('.live >> text=finished', { timeout: 120_000 });

for (const [room, choices] of ROOMS)
  for (const width of WIDTHS)
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize({ width, height: width < 600 ? 844 : 900 });
      await page.emulateMedia({ colorScheme });
      await tab.enter(room, choices);
      await page.waitForTimeout(4000);
      const path = join(folder, `${room}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
      console.log(path);
    }
await browser.close();
process.exit();
