// A static folder on a web server: what a user of the package publishes, below a path that is not the root.
import { readFile } from 'node:fs/promises';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The only types of files in the folder that a browser asks by: modules, WASM and pages must have theirs. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const BASE = '/some/where/';
const PAGE = 'index.html';
/** A page in which suites run: what they import from Node comes from shims. */
export const SUITES = 'suites.html';
/** What modules import by name, which workers, too, cannot: an import map is for the page only. */
const PACKAGES: Readonly<Record<string, string>> = {
  'node:test': 'test/browser/shims/node-test.js',
  'node:assert/strict': 'test/browser/shims/node-assert.js',
  'node:fs': 'test/browser/shims/node-fs.js',
  fflate: 'node_modules/fflate/esm/browser.js',
  'fast-check': 'node_modules/fast-check/lib/fast-check.js',
};
/** Modules in whose place a page has others. */
const SHIMS: Readonly<Record<string, string>> = {
  'test/support/engines.js': 'test/browser/shims/engines.js',
  'src/io/node-store.js': 'test/browser/shims/node-store.js',
  'src/cli/models.js': 'test/browser/shims/models.js',
};
/** What the tests read of the repository, which is above `dist/`. */
const ABOVE = '/some/';
const GOLDEN = `${ABOVE}test/parity/golden/`;
const page = (script: string, body = ''): string =>
  `<!doctype html><meta charset="utf-8"><title>Inkhorn</title><body>${body}<script type="module" src="${script}"></script>`;
const PAGES: Readonly<Record<string, string>> = {
  [PAGE]: page('test/browser/page.js', '<input type="file" multiple><input type="file" webkitdirectory>'),
  [SUITES]: page('test/browser/suite-page.js'),
};
const root = new URL('../../../', import.meta.url);

/** Headers that make a page cross-origin isolated, so that its threads may share memory. */
export const ISOLATED: OutgoingHttpHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export interface SiteOptions {
  /** Headers of every answer. */
  headers?: OutgoingHttpHeaders;
  /** Changes the contents of a file, of which null says that it is not there. */
  alter?: (path: string, bytes: Uint8Array | null) => Uint8Array | null;
  /** Types of files by their endings, in place of the usual ones. */
  types?: Readonly<Record<string, string>>;
  /** A folder to serve instead, with a page of its own. */
  folder?: string;
  /** Whether the page is sent in place of what is not there, as by servers of single-page applications. */
  fallback?: boolean;
}

export interface Site {
  /** The address of the page. */
  readonly url: string;
  close(): void;
}

/** Serves `dist/` with the pages, and `models/` and `node_modules/` beside it. */
export async function openSite({
  headers = {},
  alter = asItIs,
  fallback = false,
  types = {},
  folder,
}: SiteOptions = {}): Promise<Site> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    let path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) || PAGE : null;
    let bytes = path === null ? null : alter(path, await contents(path, folder));
    if (pathname.startsWith(GOLDEN))
      [path, bytes] = [pathname, await fileIn(root, pathname.slice(ABOVE.length))];
    if (bytes === null && fallback) [path, bytes] = [PAGE, await contents(PAGE, folder)];
    if (path === null || bytes === null) return response.writeHead(404, headers).end();
    const type = { ...TYPES, ...types }[extname(path)] ?? 'application/octet-stream';
    return response.writeHead(200, { 'Content-Type': type, ...headers }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${BASE}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The file at this path of the site; null: there is none. */
async function contents(path: string, folder?: string): Promise<Uint8Array | null> {
  if (folder !== undefined) return fileIn(pathToFileURL(`${folder}/`), path);
  if (Object.hasOwn(PAGES, path)) return Buffer.from(PAGES[path]);
  if (Object.hasOwn(SHIMS, path)) return Buffer.from(`export * from '${BASE}${SHIMS[path]}';`);
  const bytes = await fileIn(root, /^(models|node_modules)\//.test(path) ? path : `dist/${path}`);
  return bytes && path.endsWith('.js') ? withPackages(bytes) : bytes;
}

/** A module, with addresses in the place of the names of packages. */
function withPackages(bytes: Uint8Array): Uint8Array {
  let text = Buffer.from(bytes).toString();
  for (const [name, path] of Object.entries(PACKAGES))
    text = text.replaceAll(`'${name}'`, `'${BASE}${path}'`);
  // What fast-check imports.
  text = text.replace(/"pure-rand\/([^"]+)"/g, `"${BASE}node_modules/pure-rand/lib/esm/$1.js"`);
  return Buffer.from(text);
}

async function fileIn(folder: URL, path: string): Promise<Uint8Array | null> {
  const file = new URL(path, folder);
  return file.href.startsWith(folder.href) ? readFile(file).catch(() => null) : null;
}

function asItIs(_: string, bytes: Uint8Array | null): Uint8Array | null {
  return bytes;
}
