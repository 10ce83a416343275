// The studio on this machine: its page, and a run that it follows. Only this machine can reach it, nothing
// can be written, and no file is read besides those of the page and of the run. Read next: follow.ts.
import { folderStore } from '../io/node-store.ts';
import { baseName, checkName, type Store } from '../io/store.ts';
import { BEST, COPIES, isOfRun, LAST } from '../runs/layout.ts';
import { Hono, streamSSE } from '../serve/hono.ts';
import { listen, namesThisMachine } from '../serve/listen.ts';
import { followRun } from './follow.ts';
import { addFiles, isBuilt, readPage } from './page.ts';

/** A browser shares memory between the threads of a page that is sent with these. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

export interface StudioOptions {
  /** 0: any free port. */
  port: number;
  /** The folder of a run to follow. */
  run?: string;
  /** Ends all connections. */
  signal: AbortSignal;
}

/** Where the studio is reached. */
export interface StudioServer {
  url: string;
  /** Ends it at once: what is being sent is cut off. */
  close(): Promise<void>;
}

/** Starts the server. Rejects when the page is not built, or the port is taken. */
export async function serveStudio({ port, run, signal }: StudioOptions): Promise<StudioServer> {
  if (!(await isBuilt()))
    throw new Error('the page of the studio is not built: npm run build:studio builds it');
  const app = studioApp(run, signal);
  const { port: taken, server, close } = await listen(app, { port, host: '127.0.0.1' });
  return {
    url: `http://localhost:${taken}/`,
    close() {
      const closed = close();
      server.closeAllConnections(); // an open page keeps some for as long as it is open
      return closed;
    },
  };
}

function studioApp(run: string | undefined, signal: AbortSignal): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    if (!namesThisMachine(c.req.header('host'))) return c.text('the studio answers to localhost only', 403);
    await next();
    for (const [header, value] of Object.entries(ISOLATED)) c.header(header, value);
    return undefined;
  });
  if (run !== undefined) addRun(app, run, signal);
  app.get('/', async (c) => c.html(await pageOf(run)));
  addFiles(app);
  return app;
}

/** The page. It is told by its head that there is a run to follow. */
async function pageOf(run: string | undefined): Promise<string> {
  const html = await readPage();
  if (run === undefined) return html;
  return html.replace('</head>', `<meta name="inkhorn-run" content="${escapeHtml(baseName(run))}" /></head>`);
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function addRun(app: Hono, folder: string, signal: AbortSignal): void {
  const store = folderStore(folder);
  app.get('/run/events', (c) =>
    streamSSE(c, async (stream) => {
      const left = new AbortController();
      stream.onAbort(() => left.abort());
      for await (const message of followRun(folder, AbortSignal.any([signal, left.signal])))
        await stream.writeSSE({ data: JSON.stringify(message) });
    }),
  );
  app.on(['GET', 'HEAD'], ['/run/:file', '/run/:folder/:file'], async (c) => {
    const within = c.req.param('folder');
    const bytes = await readOfRun(store, within, c.req.param('file'));
    return bytes ? c.body(new Uint8Array(bytes)) : c.notFound();
  });
}

/** The folders of a run that hold models. */
const MODELS: ReadonlySet<string> = new Set([BEST, LAST, ...COPIES]);

/** A file of the run; null where it is none, or does not exist. */
async function readOfRun(store: Store, folder: string | undefined, name: string): Promise<Uint8Array | null> {
  if (folder === undefined ? !isOfRun(name) : !MODELS.has(folder)) return null;
  try {
    checkName(name);
    const place = folder === undefined ? store : store.folder(folder);
    return (await place.exists(name)) ? await place.read(name) : null;
  } catch {
    return null;
  }
}
