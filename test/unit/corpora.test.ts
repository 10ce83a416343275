// Corpora: the user's files and folders; named corpora, which are fetched once and checked (from a local
// server) or embedded.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { ASSETS, CATALOG, type NamedCorpus } from '../../src/corpora/catalog.ts';
import { fetchText } from '../../src/corpora/fetch.ts';
import {
  CorpusUnavailable,
  cacheFolder,
  listCorpora,
  loadCorpus,
  NotText,
  readText,
} from '../../src/corpora/index.ts';

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
  test('asBytes: a file keeps its bytes: byte order mark, carriage returns, invalid UTF-8', async () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a, 0xff);
    const root = await folderOf({ 'odd.dat': bytes });
    const corpus = await loadCorpus(join(root, 'odd.dat'), { asBytes: true });
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

  test('a folder: its text files, also further down, in the order of their paths, a line feed between them', async () => {
    const root = await folderOf({
      'b.txt': 'bee',
      'a/z.TXT': 'zed\n',
      'a/10.txt': 'ten',
      'B.txt': 'Bee',
      'notes.md': 'notes',
      'code.ts': 'no',
      '.hidden.txt': 'no',
      '.git/x.txt': 'no',
    });
    const corpus = await loadCorpus(`${root}/`);
    assert.equal(corpus.text(), 'Bee\nten\nzed\n\nbee\nnotes');
    assert.match(corpus.source, /\(5 files: 4 \.txt, 1 \.md\)$/);
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
      /^there is no file or folder "shakespear", and no corpus of that name: the names are tiny-shakespeare, moby-dick, first-names$/,
    );
    const root = await folderOf({ 'a.txt': 'a' });
    await refused(join(root, 'a.txt', 'b'), /there is no file or folder/);
    await refused('', /there is no file or folder ""/);
  });
  test('nothing in it', async () => {
    const root = await folderOf({ 'empty.txt': '', 'sub/notes.ts': 'x', 'all/a.txt': '', 'all/b.txt': '' });
    await refused(join(root, 'empty.txt'), /empty\.txt is empty: a corpus needs text/);
    await refused(join(root, 'all'), /every file of .*all \(2 \.txt files\) is empty/);
    await refused(
      join(root, 'sub'),
      /holds no \.txt file, nor another of \.text \.md .*: name a file, or a pattern such as '.*sub\/\*\*\/\*\.ts'/,
    );
  });
  test('not to be read', async (t) => {
    await refused('/dev/null', /neither a file nor a folder/);
    const root = await folderOf({});
    await fs.symlink(join(root, 'gone'), join(root, 'broken.txt'));
    await refused(root, /cannot read .*broken\.txt: it is a link to .*gone, where nothing is/);
    if (process.getuid?.() === 0)
      return t.diagnostic('permission denied is not tried: root may read everything');
    const secret = await folderOf({ 'a.txt': 'a' });
    await fs.chmod(join(secret, 'a.txt'), 0);
    await refused(join(secret, 'a.txt'), /cannot read .*a\.txt: permission denied/);
  });
});

describe('several inputs', () => {
  const texts = ({ documents }: { documents: readonly Uint8Array[] }): string[] =>
    documents.map((document) => new TextDecoder().decode(document));

  test('one after the other, each file once, where it is named first', async () => {
    const root = await folderOf({ 'a.txt': 'A', 'b/c.txt': 'C', 'b/d.ts': 'D', 'e [1].txt': 'E' });
    const at = (path: string): string => join(root, path);
    const corpus = await loadCorpus([at('b/d.ts'), root, at('b/*')]);
    assert.equal(corpus.text(), 'D\nA\nC\nE');
    assert.deepEqual(texts(corpus), ['D', 'A', 'C', 'E']);
    assert.deepEqual(corpus.remarks, ['2 files named more than once: taken once']);
    assert.equal(corpus.name, 'd.ts and 2 more');
    assert.equal((await loadCorpus(at('e [1].txt'))).text(), 'E'); // an existing path is not a pattern
  });

  test('a pattern: the files that fit it, in the order of their paths; none is an error', async () => {
    const root = await folderOf({
      'b.ts': 'b',
      'a/z.ts': 'z',
      'a/x/y.ts': 'y',
      'a.js': 'no',
      '.x/a.ts': 'no',
    });
    assert.equal((await loadCorpus(`${root}/**/*.ts`)).text(), 'y\nz\nb');
    assert.equal((await loadCorpus(`${root}/{b,c}.ts`)).text(), 'b');
    await assert.rejects(loadCorpus(`${root}/*.py`), /^Error: no file fits the pattern ".*\*\.py"$/);
  });

  test('an empty file among others is no document; one that was named is an error', async () => {
    const root = await folderOf({ 'a.txt': 'A', 'b.txt': '', 'c.txt': 'C' });
    const corpus = await loadCorpus(root);
    assert.deepEqual([corpus.text(), ...texts(corpus)], ['A\n\nC', 'A', 'C']);
    await assert.rejects(loadCorpus([root, join(root, 'b.txt'), '/dev/null']), /neither a file nor a folder/);
    await assert.rejects(loadCorpus([join(root, 'b.txt'), root]), /b\.txt is empty/);
    await assert.rejects(loadCorpus([]), /no text is named/);
  });
});

describe('what is no text', () => {
  const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
  const wide = (text: string, bytes: number, little: boolean): Uint8Array => {
    const units = bytes === 2 ? Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)) : [];
    if (bytes === 4) units.push(...Array.from(text, (c) => c.codePointAt(0) ?? 0));
    const view = new DataView(new ArrayBuffer(units.length * bytes));
    units.forEach((unit, i) => {
      if (bytes === 2) view.setUint16(2 * i, unit, little);
      else view.setUint32(4 * i, unit, little);
    });
    return new Uint8Array(view.buffer);
  };
  const noise = Uint8Array.from({ length: 2000 }, (_, i) => (i * 2654435761) >>> 13);
  const french = "Le café où il allait, déjà fermé à midi, était près de l'hôtel.\n".repeat(20);
  const russian = 'Все счастливые семьи похожи друг на друга.\n'.repeat(20);
  const chinese = '道可道，非常道。名可名，非常名。\n'.repeat(20);
  const bytesOf = (...parts: (string | Uint8Array)[]): Uint8Array =>
    Buffer.concat(parts.map((p) => Buffer.from(p)));

  const cases: [what: string, bytes: Uint8Array, says: RegExp][] = [
    ['PNG', bytesOf(latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), noise), /is a PNG image, not text \(.* %/],
    ['gzip', bytesOf(latin1('\x1f\x8b\x08\0'), noise), /is gzip data, not text/],
    ['SQLite', bytesOf('SQLite format 3\0', new Uint8Array(1000)), /is an SQLite database, not text/],
    ['WAV', bytesOf('RIFF\x24\x08\0\0WAVEfmt ', noise), /is WAV audio, not text/],
    ['PDF', latin1('%PDF-1.4\n1 0 obj\n'), /is a PDF document, not text: save it as plain text/],
    ['RTF', latin1('{\\rtf1 hello}'), /is an RTF document/],
    ['noise', noise, /is binary data, not text \(\d.* % of its bytes are .*, from byte \d+ on\)/],
    ['noise with an escape sequence', bytesOf('\x1b$B', noise), /is binary data, not text/],
    ['NULs', new Uint8Array(500), /is binary data.*100 % of its bytes are NUL, from byte 0 on/],
    [
      'Latin-1',
      latin1(french),
      /looks like ISO-8859-1 \(Latin-1\) \(.* not UTF-8, from byte 6 on\): convert it: iconv -f ISO-8859-1/,
    ],
    ['a word of Latin-1', latin1('Gr\u00fc\u00dfe'), /looks like ISO-8859-1/],
    ['two words of Latin-1', latin1('na\u00efve caf\u00e9'), /looks like ISO-8859-1/],
    ['a name in Latin-1', latin1('Citro\u00ebn'), /looks like ISO-8859-1/],
    ['a line of French in Latin-1', latin1('\u00c7a va tr\u00e8s bien, merci'), /looks like ISO-8859-1/],
    ['a word of ISO-8859-2', latin1('\u00e8e\u00b9tina'), /looks like ISO-8859-2/],
    ['a word of Windows-1250', latin1('\u00e8e\u009atina'), /looks like windows-1250/],
    [
      'words of Windows-1251',
      latin1('\u00cf\u00f0\u00e8\u00e2\u00e5\u00f2, \u00ec\u00e8\u00f0'),
      /looks like windows-1251/,
    ],
    ['a short Latin-1', latin1('caf\u00e9 au lait'), /looks like ISO-8859-1.*from byte 3 on/],
    ['Windows-1252', latin1(french.replaceAll("'", '\x92')), /looks like windows-1252/],
    ['text, then noise', bytesOf(french, noise), /is text up to byte 1,460, then binary data \(/],
    [
      'text, then NULs',
      bytesOf('some words, '.repeat(20), new Uint8Array(3000)),
      /up to byte 240, .* NUL, from byte 240 on\): take the text of it: head -c 240 .*some\.txt > .*some\.text\.txt/,
    ],
    ['NULs in UTF-8', bytesOf('née\0à\0'.repeat(9)), /is binary data, not text \(.* NUL, from byte 4 on\)/],
    ['7-bit noise', noise.map((byte) => byte & 127), /is binary data, not text \(.* % .* control characters/],
    ['UTF-16LE', wide(french, 2, true), /is UTF-16LE without a byte order mark.*iconv -f UTF-16LE -t UTF-8/],
    ['UTF-16BE', wide(french, 2, false), /is UTF-16BE without/],
    ['Russian UTF-16LE', wide(russian, 2, true), /is UTF-16LE without/],
    ['Russian UTF-16BE', wide(russian, 2, false), /is UTF-16BE without/],
    ['Chinese UTF-16LE', wide(chinese, 2, true), /is UTF-16LE without/],
    ['UTF-32LE', wide(chinese, 4, true), /is UTF-32LE without/],
    ['UTF-32BE', wide(french, 4, false), /is UTF-32BE without/],
    ['UTF-32 with a mark', wide(`\ufeff${french}`, 4, true), /is UTF-32LE by its byte order mark/],
    ['ISO-2022-JP', latin1('\x1b$B8cGZ$OG-$G$"$k!#\x1b(B'), /is ISO-2022-JP by its escape sequences/],
    [
      'EBCDIC',
      bytesOf(...[...'TO BE OR NOT TO BE THAT IS THE QUESTION '.repeat(9)].map(ebcdic)),
      /looks like EBCDIC .*iconv -f CP037/,
    ],
  ];
  function ebcdic(letter: string): Uint8Array {
    const n = letter.charCodeAt(0) - 65;
    return Uint8Array.of(letter === ' ' ? 0x40 : n < 9 ? 0xc1 + n : n < 18 ? 0xd1 + n - 9 : 0xe2 + n - 18);
  }

  for (const [what, bytes, says] of cases)
    test(`${what} is named, with the fix; asBytes takes it`, async () => {
      const path = join(await folderOf({ 'some.txt': bytes }), 'some.txt');
      await assert.rejects(loadCorpus(path), (error: Error) => {
        assert.ok(error instanceof NotText, String(error));
        assert.match(error.message, says);
        assert.match(error.message, /some\.txt .*; asBytes: true takes the bytes as they are$/);
        assert.ok(!error.message.includes('\n'));
        return true;
      });
      assert.deepEqual(
        new Uint8Array((await loadCorpus(path, { asBytes: true })).bytes),
        new Uint8Array(bytes),
      );
    });

  test('in a folder the files are named', async () => {
    const root = await folderOf({
      'a.txt': 'fine',
      'b.txt': noise,
      'c.txt': latin1(french),
      'd.txt': noise,
      'e.txt': noise,
    });
    await assert.rejects(
      loadCorpus(root),
      /4 of 5 files cannot be taken as text: .*b\.txt is binary.*; .*c\.txt looks like.*; .*d\.txt .*; and 1 more: convert/,
    );
  });

  test('UTF-16 with a mark is converted, and said; a UTF-8 mark is left out, and said', async () => {
    for (const little of [true, false]) {
      const root = await folderOf({ 'a.txt': wide(`\ufeff${russian}🖋`, 2, little), 'b.txt': 'plain' });
      const { remarks, text } = await loadCorpus(root);
      assert.equal(text(), `${russian}🖋\nplain`);
      assert.match(remarks.join(), /^[^,]*a\.txt is UTF-16[LB]E by its byte order mark: converted to UTF-8$/);
    }
    const marked = await folderOf({ 'a.txt': '\ufeffone', 'b.txt': '\ufefftwo', 'c.txt': '\ufeffthree' });
    const { remarks, text } = await loadCorpus(marked);
    assert.equal(text(), 'one\ntwo\nthree');
    assert.match(
      remarks.join(),
      /a\.txt and 2 more, each: begins with a byte order mark, which is left out$/,
    );
    const binary = await folderOf({ 'a.txt': bytesOf(Uint8Array.of(0xff, 0xfe), noise) });
    await assert.rejects(loadCorpus(binary), NotText);
  });

  test('a little damage is said, and goes on as it is', async () => {
    const one = async (...parts: (string | Uint8Array)[]): Promise<string> => {
      const bytes = bytesOf(...parts);
      const corpus = await loadCorpus(await folderOf({ 'a.txt': bytes }));
      assert.deepEqual(new Uint8Array(corpus.bytes), new Uint8Array(bytes));
      return corpus.remarks.join();
    };
    const long = 'A line of plain English text.\n'.repeat(200); // 6,000 bytes
    assert.match(
      await one(long, '\0', long),
      /a\.txt holds 1 byte that is NUL \(byte 6,000\): taken as it is$/,
    );
    assert.match(
      await one(long, Uint8Array.of(0xff, 0xfe, 0xc3), long),
      /holds 3 bytes that are not UTF-8 \(the first is byte 6,000\)/,
    );
    assert.equal(await one(long, russian, chinese, '\t\f\r\n\x1b[0m'), '');
    assert.equal(await one(bytesOf(chinese).subarray(0, 100)), ''); // a character that is cut at the end
    // No other encoding is considered for valid UTF-8 without NULs.
    assert.match(
      await one('\x1b]0;mine\x07\x1b[2J\u009b2J\u202eevil\b\r\n\tend\n'),
      /holds 1 byte that is a control character \(byte 8\): taken as it is$/,
    );
    assert.equal(await one('BM is no picture. MZ is no program.'), '');
    await assert.rejects(one(long, '\0'.repeat(20)), NotText);
  });

  test('one file that may be empty', async () => {
    const root = await folderOf({ 'a.txt': '', 'b.txt': '\ufeffb', 'c.txt': noise });
    assert.equal((await readText(join(root, 'a.txt'))).bytes.length, 0);
    assert.equal(String.fromCharCode(...(await readText(join(root, 'b.txt'))).bytes), 'b');
    await assert.rejects(readText(join(root, 'c.txt')), NotText);
    assert.equal((await readText(join(root, 'c.txt'), { asBytes: true })).bytes.length, noise.length);
    await assert.rejects(readText(join(root, 'd.txt')), /cannot read .*d\.txt: there is no such file/);
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

  test('is kept in the home folder, never in the current one', { skip: process.platform === 'win32' }, () => {
    const was = { ...process.env };
    const inEnv = (env: Record<string, string | undefined>): string => {
      for (const name of ['INKHORN_CACHE', 'HOME', 'XDG_CACHE_HOME']) delete process.env[name];
      Object.assign(process.env, env);
      return cacheFolder();
    };
    const below = process.platform === 'darwin' ? 'Library/Caches/inkhorn' : '.cache/inkhorn';
    try {
      const known = join(userInfo().homedir, below);
      assert.equal(inEnv({ HOME: '/home/a' }), join('/home/a', below));
      assert.equal(inEnv({}), known);
      for (const HOME of ['', 'here', '.']) assert.equal(inEnv({ HOME, XDG_CACHE_HOME: HOME }), known);
      assert.equal(inEnv({ HOME: '', INKHORN_CACHE: 'cache' }), 'cache');
      if (process.platform === 'linux') assert.equal(inEnv({ XDG_CACHE_HOME: '/c' }), '/c/inkhorn');
    } finally {
      for (const name of ['INKHORN_CACHE', 'HOME', 'XDG_CACHE_HOME']) delete process.env[name];
      Object.assign(process.env, was);
    }
  });

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

  test('first-names: each once, in no order that the alphabet knows', async (t) => {
    if (!existsSync(join(ASSETS, 'first-names.txt.br')))
      return t.skip('assets/ is not built: run `npm run build`');
    const names = (await loadCorpus('first-names')).text().trimEnd().split('\n');
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[A-Z][A-Za-z' -]*$/);
    const last = names.slice(-names.length / 10); // those that validate
    assert.ok(new Set(last.map(([initial]) => initial)).size > 20);
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
