// Corpora: files and folders as they are; named ones fetched once with a checksum (from a server of our own) or embedded.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { ASSETS, CATALOG, type NamedCorpus } from '../../src/corpora/catalog.ts';
import { fetchText } from '../../src/corpora/fetch.ts';
import { CorpusUnavailable, cacheFolder, listCorpora, loadCorpus } from '../../src/corpora/index.ts';

let scratch = '';
let next = 0;
before(async () => {
  scratch = await fs.mkdtemp(join(tmpdir(), 'inkhorn-corpora-'));
});
after(() => fs.rm(scratch, { recursive: true }));
const newPath = (): string => join(scratch, String(next++));
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Writes files (path -> text) into a new folder. */
async function folderOf(files: Record<string, string | Uint8Array>): Promise<string> {
  const root = newPath();
  await fs.mkdir(root);
  for (const [path, content] of Object.entries(files)) {
    await fs.mkdir(join(root, path, '..'), { recursive: true });
    await fs.writeFile(join(root, path), content);
  }
  return root;
}

describe('files and folders', () => {
  test('a file keeps its bytes: byte order mark, carriage returns, invalid UTF-8', async () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a, 0xff);
    const root = await folderOf({ 'odd.dat': bytes });
    const corpus = await loadCorpus(join(root, 'odd.dat'));
    assert.deepEqual(new Uint8Array(corpus.bytes), bytes);
    assert.equal(corpus.text(), '\ufeffa\r\n\ufffd');
    assert.equal(corpus.name, 'odd.dat');
    assert.equal(corpus.source, join(root, 'odd.dat'));
  });

  test('a file or folder that is too long is refused before it is read', async () => {
    const root = await folderOf({ 'a.txt': 'a', 'b.txt': 'b' });
    const path = join(root, 'a.txt');
    await fs.truncate(path, 2 ** 31 - 1); // sparse: takes no room on the disk
    await assert.rejects(
      loadCorpus(root),
      /has 2,147,483,649 bytes, a text has at most 2,147,483,647: take a part/,
    );
    await fs.truncate(path, 2 ** 31);
    await assert.rejects(
      loadCorpus(path),
      /a\.txt has 2,147,483,648 bytes, a text has at most 2,147,483,647/,
    );
  });

  test('a folder: its .txt files, also further down, in the order of their paths, a line feed between them', async () => {
    const root = await folderOf({
      'b.txt': 'bee',
      'a/z.TXT': 'zed\n',
      'a/10.txt': 'ten',
      'B.txt': 'Bee',
      'notes.md': 'no',
      '.hidden.txt': 'no',
      '.git/x.txt': 'no',
    });
    const corpus = await loadCorpus(`${root}/`);
    assert.equal(corpus.text(), 'Bee\nten\nzed\n\nbee');
    assert.match(corpus.source, /\(4 \.txt files\)$/);
  });

  test('links are followed, and a circle of them ends', async () => {
    const root = await folderOf({ 'a/x.txt': 'x' });
    await fs.symlink(join(root, 'a'), join(root, 'a', 'self'));
    await fs.symlink(join(root, 'a', 'x.txt'), join(root, 'y.txt'));
    assert.equal((await loadCorpus(root)).text(), 'x\nx');
  });

  const refused = async (spec: string, message: RegExp): Promise<void> => {
    await assert.rejects(
      loadCorpus(spec),
      (error: Error) => message.test(error.message) && !error.message.includes('\n'),
    );
  };
  test('nothing there: the names are listed', async () => {
    await refused(
      'shakespear',
      /^there is no file or folder "shakespear", and no corpus of that name: the names are tiny-shakespeare, moby-dick$/,
    );
    const root = await folderOf({ 'a.txt': 'a' });
    await refused(join(root, 'a.txt', 'b'), /there is no file or folder/);
    await refused('', /there is no file or folder ""/);
  });
  test('nothing in it', async () => {
    const root = await folderOf({ 'empty.txt': '', 'sub/notes.md': 'x' });
    await refused(join(root, 'empty.txt'), /empty\.txt is empty: a corpus needs text/);
    await refused(root, /every \.txt file in .* is empty/);
    await refused(join(root, 'sub'), /holds no \.txt file: name a file, or a folder of \.txt files/);
  });
  test('not to be read', async (t) => {
    await refused('/dev/null', /neither a file nor a folder/);
    const root = await folderOf({});
    await fs.symlink(join(root, 'gone'), join(root, 'broken.txt'));
    await refused(root, /cannot read .*broken\.txt: there is no such file/);
    if (process.getuid?.() === 0)
      return t.diagnostic('permission denied is not tried: root may read everything');
    const secret = await folderOf({ 'a.txt': 'a' });
    await fs.chmod(join(secret, 'a.txt'), 0);
    await refused(join(secret, 'a.txt'), /cannot read .*a\.txt: permission denied/);
  });
});

describe('a fetched corpus', () => {
  const text = 'The quick brown fox.\n'.repeat(5000);
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/right': (response) => response.end(text),
    '/wrong': (response) => response.end(text.replace('quick', 'slick')),
    '/short': (response) => response.end('<html>Please log in</html>'),
    '/long': (response) => response.end(text + text),
    '/missing': (response) => response.writeHead(404).end(),
    '/broken-off': (response) => {
      response.writeHead(200, { 'content-length': text.length });
      response.write(text.slice(0, 1000), () => response.destroy());
    },
    '/silent': (response) => response.write(text.slice(0, 1000)),
  };
  let server: Server;
  let base = '';
  let requests = 0;
  before(async () => {
    server = createServer((request, response) => {
      requests++;
      answers[request.url ?? ''](response);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const catalogOf = (path: string): NamedCorpus[] => [
    {
      name: 'fox',
      title: 'a fox',
      bytes: text.length,
      sha256: sha256(text),
      licence: 'CC0',
      from: { url: base + path },
    },
  ];

  test('is fetched once, shows its progress, and is then read from the cache', async () => {
    const options = { cacheFolder: join(newPath(), 'deep', 'cache'), catalog: catalogOf('/right') };
    assert.deepEqual(
      (await listCorpora(options)).map((c) => c.ready),
      [false],
    );
    const seen: [number, number][] = [];
    const first = await loadCorpus('fox', { ...options, onProgress: (...now) => seen.push(now) });
    assert.equal(first.text(), text);
    assert.deepEqual(seen.at(-1), [text.length, text.length]);
    requests = 0;
    const second = await loadCorpus('fox', options);
    assert.equal(second.text(), text);
    assert.equal(requests, 0);
    assert.equal(second.source, join(options.cacheFolder, 'fox.txt'));
    assert.deepEqual(await fs.readdir(options.cacheFolder), ['fox.txt']);
    const [listing] = await listCorpora(options);
    assert.equal(listing.ready, true);
    assert.equal(listing.path, second.source);
    assert.equal(listing.source, `${base}/right`);
  });

  test('is fetched again when its copy is damaged', async () => {
    const options = { cacheFolder: newPath(), catalog: catalogOf('/right') };
    await fs.mkdir(options.cacheFolder);
    await fs.writeFile(join(options.cacheFolder, 'fox.txt'), text.replace('quick', 'slick'));
    assert.equal((await loadCorpus('fox', options)).text(), text);
    assert.equal(await fs.readFile(join(options.cacheFolder, 'fox.txt'), 'utf8'), text);
    await fs.writeFile(join(options.cacheFolder, 'fox.txt'), 'cut o');
    await assert.rejects(
      loadCorpus('fox', { ...options, catalog: catalogOf('/missing') }),
      /The copy at .* is damaged/,
    );
    assert.equal(await fs.readFile(join(options.cacheFolder, 'fox.txt'), 'utf8'), 'cut o');
  });

  test('two fetches at the same time both succeed', async () => {
    const options = { cacheFolder: newPath(), catalog: catalogOf('/right') };
    const both = await Promise.all([loadCorpus('fox', options), loadCorpus('fox', options)]);
    assert.deepEqual(
      both.map((c) => c.text() === text),
      [true, true],
    );
    assert.deepEqual(await fs.readdir(options.cacheFolder), ['fox.txt']);
  });

  for (const [path, why] of [
    [
      '/wrong',
      /what arrived is another text \(105,000 bytes, sha256 [0-9a-f]{12}\.\.\.; expected 105,000 bytes, /,
    ],
    ['/short', /what arrived is another text \(26 bytes/],
    ['/long', /the server sent more than the 105,000 bytes expected/],
    ['/missing', /the server answered 404 Not Found/],
    ['/broken-off', /the connection broke off/],
  ] as const) {
    test(`${path}: says why and what to do, and keeps nothing`, async () => {
      const options = { cacheFolder: newPath(), catalog: catalogOf(path) };
      await assert.rejects(loadCorpus('fox', options), (error: Error) => {
        assert.ok(error instanceof CorpusUnavailable);
        assert.match(error.message, why);
        assert.match(
          error.message,
          /^cannot fetch fox from http:.*--data FILE, or --data moby-dick, which needs no network$/,
        );
        assert.ok(!error.message.includes('\n'));
        return true;
      });
      assert.equal(existsSync(join(options.cacheFolder, 'fox.txt')), false);
    });
  }

  test('no server: the connection was refused', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((ready) => probe.once('listening', ready));
    const { port } = probe.address() as AddressInfo;
    await new Promise((done) => probe.close(done));
    const catalog = catalogOf('').map((c) => ({ ...c, from: { url: `http://127.0.0.1:${port}/` } }));
    await assert.rejects(
      loadCorpus('fox', { cacheFolder: newPath(), catalog }),
      /the connection was refused\./,
    );
  });

  test('a server that falls silent is given up', async () => {
    const [{ bytes, sha256 }] = catalogOf('');
    await assert.rejects(
      fetchText(`${base}/silent`, { bytes, sha256, patience: 100 }),
      /nothing arrived for 0\.1 seconds/,
    );
  });

  test('a signal ends it with its own reason', async () => {
    const stop = new AbortController();
    const options = { cacheFolder: newPath(), catalog: catalogOf('/silent'), signal: stop.signal };
    const loading = loadCorpus('fox', {
      ...options,
      onProgress: () => stop.abort(new Error('that is enough')),
    });
    await assert.rejects(loading, /^Error: that is enough$/);
  });

  test('a cache that cannot be written says what to set', async () => {
    const file = newPath();
    await fs.writeFile(file, 'in the way');
    const options = { cacheFolder: join(file, 'cache'), catalog: catalogOf('/right') };
    await assert.rejects(
      loadCorpus('fox', options),
      /a file is where a folder should be.*: set INKHORN_CACHE to a folder/,
    );
  });
});

test('INKHORN_CACHE names the cache folder; empty, it does not', () => {
  const old = process.env.INKHORN_CACHE;
  try {
    process.env.INKHORN_CACHE = '/some/where';
    assert.equal(cacheFolder(), '/some/where');
    assert.equal(cacheFolder({ cacheFolder: '/else' }), '/else');
    process.env.INKHORN_CACHE = '';
    assert.match(cacheFolder(), /inkhorn/);
  } finally {
    if (old === undefined) delete process.env.INKHORN_CACHE;
    else process.env.INKHORN_CACHE = old;
  }
});

describe('an embedded corpus', () => {
  const text = 'Call me Ishmael.';
  const catalog = (digest = sha256(text)): NamedCorpus[] => [
    {
      name: 'whale',
      title: 'a whale',
      bytes: text.length,
      sha256: digest,
      licence: 'CC0',
      from: { asset: 'whale.br' },
    },
  ];

  test('is unpacked and checked', async () => {
    const assetsFolder = await folderOf({ 'whale.br': brotliCompressSync(text) });
    assert.equal((await loadCorpus('whale', { assetsFolder, catalog: catalog() })).text(), text);
    const [{ ready, source }] = await listCorpora({ assetsFolder, catalog: catalog() });
    assert.deepEqual([ready, source], [true, 'this package']);
  });

  test('missing or damaged: run the build', async () => {
    const load = (assetsFolder: string, digest?: string): Promise<unknown> =>
      loadCorpus('whale', { assetsFolder, catalog: catalog(digest) });
    await assert.rejects(
      load(newPath()),
      /whale of this package cannot be read: there is no such file .*: run `npm run build`/,
    );
    const whole = brotliCompressSync(text);
    await assert.rejects(load(await folderOf({ 'whale.br': whole }), sha256('x')), /is damaged/);
    await assert.rejects(load(await folderOf({ 'whale.br': whole.subarray(0, 9) })), /is damaged/);
    await assert.rejects(load(await folderOf({ 'whale.br': brotliCompressSync(text + text) })), /is damaged/);
  });

  test('moby-dick', async (t) => {
    if (!existsSync(join(ASSETS, 'moby-dick.txt.br')))
      return t.skip('assets/ is not built: run `npm run build`');
    const { bytes, name, text } = await loadCorpus('moby-dick');
    assert.equal(name, 'moby-dick');
    assert.equal(bytes.length, 1_204_997);
    assert.match(text(), /^CHAPTER 1\. Loomings\.\n\nCall me Ishmael\./);
  });
});

test('tiny-shakespeare: the catalog knows the very file that the reference run used', async (t) => {
  const path = '../shared/data/tinyshakespeare.txt';
  if (!existsSync(path)) return t.skip(`${path} is not here`);
  const { bytes } = await loadCorpus(path);
  const known = CATALOG.find((c) => c.name === 'tiny-shakespeare');
  assert.equal(bytes.length, known?.bytes);
  assert.equal(createHash('sha256').update(bytes).digest('hex'), known?.sha256);
});
