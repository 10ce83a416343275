// The browser of the tests: Debian's Chromium, or the one that INKHORN_CHROMIUM names.
import { accessSync, constants } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Tasks as PageTasks } from './page.ts';
import { openSite, type SiteOptions } from './site.ts';
import type { Suites } from './suite-page.ts';

type Tasks = PageTasks & Suites;

const executablePath = process.env.INKHORN_CHROMIUM ?? '/usr/bin/chromium';

/** The reason why there is no browser; false if there is one. */
export function noChromium(): string | false {
  try {
    accessSync(executablePath, constants.X_OK);
    return false;
  } catch {
    return `no Chromium at ${executablePath}: install it (apt-get install chromium), or set INKHORN_CHROMIUM`;
  }
}

/** `args`: more of its switches. */
export function launch(args: string[] = []): Promise<Browser> {
  // Chromium refuses to run as root with its sandbox.
  return chromium.launch({ executablePath, args, chromiumSandbox: process.getuid?.() !== 0 });
}

/** A page of a site of its own. */
export interface Tab {
  readonly page: Page;
  /** Calls a function of page.ts, or of suite-page.ts, in the page. */
  run<Name extends keyof Tasks>(
    name: Name,
    ...args: Parameters<Tasks[Name]>
  ): Promise<Awaited<ReturnType<Tasks[Name]>>>;
  /** Another page of the same site, with the same storage. It ends with this one. */
  another(): Promise<Tab>;
  /** Throws where the page had an error that nobody caught. */
  close(): Promise<void>;
}

export interface TabOptions extends SiteOptions {
  /** As in a browser that has no relaxed SIMD: it takes the build without. */
  withoutRelaxed?: boolean;
  /** Runs in every page before anything else. */
  script?: string;
  /** The name of the site's host, in place of `localhost`. */
  host?: string;
  /** Which page of the site. */
  page?: string;
}

export async function openTab(
  browser: Browser,
  { withoutRelaxed = false, page: file = '', script, host = 'localhost', ...options }: TabOptions,
): Promise<Tab> {
  const site = await openSite(options);
  const context = await browser.newContext();
  const errors: Error[] = [];
  const open = async (): Promise<Tab> => {
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error));
    if (withoutRelaxed) await page.addInitScript('WebAssembly.validate = () => false');
    if (script !== undefined) await page.addInitScript(script);
    await page.goto(site.url.replace('localhost', host) + file);
    await page.waitForFunction('globalThis.tasks !== undefined');
    return {
      page,
      run: (name, ...args) => page.evaluate(`tasks[${JSON.stringify(name)}](...${JSON.stringify(args)})`),
      another: open,
      async close() {
        await context.close();
        site.close();
        if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
      },
    };
  };
  return open();
}
