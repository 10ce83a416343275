// The files of the studio's page. The package has nothing twice: scripts and styles are packed, and the
// engine, the text and the model come from where the library has them.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import { CATALOG } from '../corpora/catalog.ts';
import { loadCorpus } from '../corpora/index.ts';
import { accepts, getMimeType, type Hono, serveStatic } from '../serve/hono.ts';

/** The built page (`npm run build:studio`). The path starts from `dist/src/site/`. */
const PAGE: string = fileURLToPath(new URL('../../studio', import.meta.url));
const WASM: string = fileURLToPath(new URL('../backend/wasm', import.meta.url));
/** Has the bundled model, in `models/`. */
const PACKAGE: string = fileURLToPath(new URL('../../../', import.meta.url));

/** Whether the page is built. */
export async function isBuilt(): Promise<boolean> {
  return (await stat(join(PAGE, 'index.html')).catch(() => null)) !== null;
}

async function compressed(corpus: string): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes } = await loadCorpus(corpus);
  return new Uint8Array(await promisify(gzip)(bytes));
}

/** The page's HTML as it is built. */
export async function readPage(): Promise<string> {
  return readFile(join(PAGE, 'index.html'), 'utf8');
}

/** Lets `app` answer with all files of the page but its HTML. */
export function addFiles(app: Hono): void {
  app.use('/models/*', serveStatic({ root: PACKAGE }));
  for (const { name } of CATALOG.filter(({ from }) => 'asset' in from)) {
    let packed: Promise<Uint8Array<ArrayBuffer>> | undefined; // compressed when it is asked for, once
    app.get(`/texts/${name}.txt.gz`, async (c) => {
      packed ??= compressed(name);
      return c.body(await packed, 200, { 'Content-Type': 'application/gzip' });
    });
  }
  // Its name in the page has a hash: relaxed-azFoj6K2.wasm.
  const plainName = (path: string): string => path.replace(/^.*\/(\w+)-[\w-]+\.wasm$/, '$1.wasm');
  app.use('/assets/:file{.+\\.wasm}', serveStatic({ root: WASM, rewriteRequestPath: plainName }));
  app.get('/assets/:file{[\\w-]+\\.(?:js|css)}', async (c, next) => {
    const file = c.req.param('file');
    const packed = await readFile(join(PAGE, 'assets', `${file}.gz`)).catch(() => null);
    if (!packed) return next();
    c.header('Content-Type', getMimeType(file));
    c.header('Vary', 'Accept-Encoding');
    const encoding = accepts(c, { header: 'Accept-Encoding', supports: ['gzip'], default: 'identity' });
    if (encoding !== 'gzip') return c.body(new Uint8Array(gunzipSync(packed)));
    c.header('Content-Encoding', 'gzip');
    return c.body(new Uint8Array(packed));
  });
  app.use(serveStatic({ root: PAGE }));
}
