// The built studio in a tab of its own site, as a visitor has it.
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { ISOLATED, openSite, type SiteOptions } from './site.ts';

/** The built page. The path starts from `dist/test/browser/`. */
export const STUDIO = fileURLToPath(new URL('../../studio', import.meta.url));

export interface StudioTab {
  page: Page;
  context: BrowserContext;
  url: string;
  /** Requests that left the site, and files that were not there. */
  strays: string[];
  /** Enters a room with these choices in the address, after a reload. */
  enter(room: string, choices?: Readonly<Record<string, string | number>>): Promise<void>;
  /** Another tab of the same site, with the same storage. */
  another(): Promise<Page>;
  /** Throws where the page had an error that nobody caught, or asked for something elsewhere. */
  close(): Promise<void>;
}

export interface StudioOptions extends SiteOptions {
  /** Runs in every page before anything else. */
  script?: string;
  /** Whether its service worker may start. Default false. */
  serviceWorker?: boolean;
  viewport?: { width: number; height: number };
}

/** A small model, and a run that takes seconds. */
export const SMALL = {
  text: 'tale.txt',
  vocabSize: 280,
  blockSize: 16,
  nLayer: 2,
  nEmbd: 32,
  nHead: 2,
  batchSize: 4,
  microBatch: 4,
  steps: 24,
  evalEvery: 12,
  sampleEvery: 12,
  sampleTokens: 12,
  probeEvery: 6,
  checkpointEvery: 2,
} as const;

/** A text that a small model learns at once. */
export const TALE = 'The whale swam by, and the old ship sang of ink. '.repeat(160);

export async function openStudio(
  browser: Browser,
  { script, serviceWorker = false, viewport = { width: 1280, height: 900 }, ...site }: StudioOptions = {},
): Promise<StudioTab> {
  const { url, close } = await openSite({ folder: STUDIO, headers: ISOLATED, ...site });
  const context = await browser.newContext({
    viewport,
    serviceWorkers: serviceWorker ? 'allow' : 'block',
    acceptDownloads: true,
  });
  const errors: Error[] = [];
  const strays: string[] = [];
  const another = async (): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error));
    page.on('dialog', (dialog) => void dialog.accept().catch(() => undefined)); // closing asks once
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) strays.push(request.url());
    });
    page.on('response', (response) => {
      if (response.status() >= 400) strays.push(`${response.status()} ${response.url()}`);
    });
    if (script !== undefined) await page.addInitScript(script);
    return page;
  };
  const page = await another();
  return {
    page,
    context,
    url,
    strays,
    another,
    async enter(room, choices = {}) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(choices)) query.set(name, String(value));
      await page.goto(`${url}#/${room}?${query}`);
      await page.reload();
      await page.waitForSelector('main h1');
    },
    async close() {
      await context.close();
      close();
      const wrong = [...errors.map(String), ...strays];
      if (wrong.length > 0) throw new Error(wrong.join('; '));
    },
  };
}

/** Returns when the training has ended for this reason. Throws the line that the page shows instead. */
export async function untilEnded(page: Page, reason: 'finished' | 'stopped' = 'finished'): Promise<void> {
  const ended = page.locator(`.live >> text=${reason}`);
  const failed = page.locator('.notice.bad');
  await ended.or(failed).first().waitFor({ timeout: 120_000 });
  if (await failed.isVisible()) throw new Error(`the page says: ${await failed.innerText()}`);
}

/** Puts a text into the storage of the site, as if it had been brought before. */
export async function keepText(page: Page, name: string, text: string): Promise<void> {
  await page.evaluate(`(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('texts', { create: true });
    const stream = await (await folder.getFileHandle(${JSON.stringify(name)}, { create: true })).createWritable();
    await stream.write(${JSON.stringify(text)});
    await stream.close();
  })()`);
}

/** The bytes of a file in the storage of the site. */
export async function keptBytes(page: Page, path: string): Promise<Buffer> {
  const hex = await page.evaluate<string>(`(async () => {
    let folder = await navigator.storage.getDirectory();
    const parts = ${JSON.stringify(path)}.split('/');
    for (const part of parts.slice(0, -1)) folder = await folder.getDirectoryHandle(part);
    const file = await (await folder.getFileHandle(parts.at(-1))).getFile();
    const bytes = new Uint8Array(await file.arrayBuffer());
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  })()`);
  return Buffer.from(hex, 'hex');
}
