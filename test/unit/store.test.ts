// Stores: files are read back as written. Nothing is ever half written, wherever the writer stops or fails.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type FileSteps, folderStore, makeFolder, nodeFiles, reason } from '../../src/io/node-store.ts';
import { memoryStore, openFile, type Store } from '../../src/io/store.ts';
import { type TreeFile, treeStore } from '../../src/io/tree-store.ts';
import { urlStore } from '../../src/io/url-store.ts';
import { CHANGING, intercepted } from '../support/file-steps.ts';
import {
  type AtomicKind,
  atomicStoreTests,
  BEFORE,
  CHANGE,
  contents,
  isOneOf,
  prepared,
  storeTests,
  utf8,
} from '../support/store-contract.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const textOf = async (store: Store, name: string): Promise<string> => text(await store.read(name));

let scratch = '';
let next = 0;
before(async () => {
  scratch = await fs.mkdtemp(join(tmpdir(), 'inkhorn-store-'));
});
after(() => fs.rm(scratch, { recursive: true }));
const newPath = (): string => join(scratch, String(next++));

test('folders are made with those above them, and what prevents it is said', async () => {
  const path = join(newPath(), 'a', 'b');
  await makeFolder(path);
  await makeFolder(path);
  assert.ok((await fs.stat(path)).isDirectory());
  await fs.writeFile(join(path, 'file'), '');
  await assert.rejects(makeFolder(join(path, 'file')), { code: 'EEXIST' });
  await assert.rejects(makeFolder(join(path, 'file', 'c')), { code: 'ENOTDIR' });
});

test('a folder in /proc is refused, not waited for', { skip: process.platform !== 'linux' }, async () => {
  await assert.rejects(makeFolder('/proc/inkhorn/a'), { code: 'ENOENT' });
});

describe('memory store', () => storeTests(() => memoryStore()));
describe('folder store', () => storeTests(() => folderStore(newPath())));

test('a memory store keeps its own copies', async () => {
  const store = memoryStore();
  const bytes = utf8('abc');
  await store.write('a', bytes);
  bytes[0] = 0;
  (await store.read('a'))[1] = 0;
  assert.equal(await textOf(store, 'a'), 'abc');
});

/**
 * As after a kill: the temporary files belong to a process that is gone, since no process has this id.
 */
async function orphan(path: string): Promise<void> {
  const gone = `.inkhorn.${2 ** 22 + 1}.`;
  const rename = (name: string): string => name.replace(`.inkhorn.${process.pid}.`, gone);
  for (const name of await fs.readdir(path)) {
    if (name.startsWith('.inkhorn.') && name !== '.inkhorn.commit') {
      await fs.rename(join(path, name), join(path, rename(name)));
    }
  }
  const journal = join(path, '.inkhorn.commit');
  const old = await fs.readFile(journal, 'utf8').catch(() => null);
  if (old) await fs.writeFile(journal, old.replaceAll(`.inkhorn.${process.pid}.`, gone));
}

const folders: AtomicKind = {
  newPath,
  open: folderStore,
  files: nodeFiles,
  entries: async (path) => (await fs.readdir(path)).sort(),
  orphan,
};

describe('tree store', () => {
  const file = (content: string): TreeFile => ({ size: content.length, bytes: async () => utf8(content) });
  const tree = (files: Record<string, string>): Store => {
    const entries = Object.entries(files).map(([path, content]) => [path, file(content)] as const);
    return treeStore('here', 'an archive', new Map(entries));
  };

  test('has files in folders, and leaves out what a folder hides', async () => {
    const store = tree({
      'b.txt': 'bee',
      'a.txt': 'one',
      'best/x': '1',
      'best/sub/y': '2',
      '.git/z': '',
      '.a': '',
    });
    assert.deepEqual(await contents(store), { 'a.txt': 'one', 'b.txt': 'bee' });
    assert.deepEqual(await store.folders?.(), ['best']);
    assert.deepEqual(await contents(store.folder('best').folder('sub')), { y: '2' });
    assert.equal(store.folder('best').location, 'here/best');
    assert.deepEqual(await store.folder('last').list(), []);
    assert.equal(await store.exists('best'), false);
  });

  test('is the folder that holds all of it', async () => {
    const run = tree({ 'first/last/x': '1', '.DS_Store': '' });
    assert.equal(run.location, 'first');
    assert.deepEqual(await run.folders?.(), ['last']);
    assert.equal(tree({ 'first/x': '1', 'second/x': '1' }).location, 'here');
  });

  test('says what it cannot do', async () => {
    const store = tree({ a: 'abc' });
    await assert.rejects(store.read('b'), /^Error: here\/b: no such file$/);
    await assert.rejects(store.read('a', 2), /cannot read .*a: it has 3 bytes: at most 2 are read$/);
    for (const done of [store.write('a', utf8('')), store.writeAll(new Map()), store.remove('a')])
      await assert.rejects(
        done,
        /^Error: here is an archive: it cannot be written to; save to another store instead$/,
      );
  });
});

describe('a folder store, stopped at any step', () => {
  atomicStoreTests(folders);

  test('a step that fails with an error: one line, old content intact or new content complete, no temporary files', async () => {
    const seen = new Set<string>();
    for (let steps = 0; steps < 30; steps++) {
      const path = await prepared(folders);
      const { files, failed } = failingAt(steps, 'EIO');
      const error = await folderStore(path, files)
        .writeAll(CHANGE)
        .then(
          () => null,
          (e: Error) => e,
        );
      if (!failed()) break;
      const label = isOneOf(await contents(folderStore(path)));
      seen.add(label);
      assert.ok(error, `step ${steps} failed unnoticed`);
      assert.match(
        error.message,
        /^cannot write 4 files to .* \([\d,]+ bytes\): the disk reports an error\. /,
      );
      assert.ok(!error.message.includes('\n'));
      const promise = label === 'BEFORE' ? /What was there before is intact$/ : /The new files are complete/;
      assert.match(error.message, promise);
      if (label === 'BEFORE') assert.deepEqual((await fs.readdir(path)).sort(), Object.keys(BEFORE).sort());
    }
    assert.deepEqual([...seen], ['BEFORE', 'AFTER']);
  });

  test('a single write that fails says which of the two files is there', async () => {
    for (let steps = 0; steps < 4; steps++) {
      const path = await prepared(folders);
      const write = folderStore(path, failingAt(steps, 'EIO').files).write('model', utf8('new model'));
      await assert.rejects(
        write,
        steps < 3 ? /What was there before is intact$/ : /The new files are complete/,
      );
      assert.equal(await textOf(folderStore(path), 'model'), steps < 3 ? 'old model' : 'new model');
      assert.deepEqual((await fs.readdir(path)).sort(), Object.keys(BEFORE).sort());
    }
  });

  test('temporary files of others that live are left alone; a leftover of this process is not, for its writes take turns', async () => {
    const path = await prepared(folders);
    const theirs = [
      `.inkhorn.${process.ppid}.0.0123456789ab`,
      `.inkhorn.${process.pid}.7.0123456789ab`,
      '.inkhorn.notes',
    ];
    const ours = `.inkhorn.${process.pid}.0.0123456789ab`;
    for (const name of [...theirs, ours]) await fs.writeFile(join(path, name), 'being written');
    await folderStore(path).write('later', utf8('x'));
    const there = await fs.readdir(path);
    assert.deepEqual(there.filter((name) => name.startsWith('.')).sort(), theirs.sort());
  });

  test('really killed (SIGKILL) while it writes', async () => {
    const path = newPath();
    const store = folderStore(path);
    let newest = 0;
    for (let round = 0; round < 6; round++) {
      const child = startWriter(path, newest + 1);
      while (!((await store.exists('c')) && Number((await textOf(store, 'c')).slice(0, 8)) > newest))
        await wait(2);
      await wait(7 * round);
      const exit = new Promise((done) => child.once('exit', done));
      child.kill('SIGKILL');
      await exit;
      const versions = new Set(Object.values(await contents(store)).map((content) => content.slice(0, 8)));
      assert.equal(versions.size, 1, `files of versions ${[...versions]} together`);
      const version = Number([...versions][0]);
      assert.ok(version > newest);
      newest = version;
    }
    await store.write('later', utf8('x'));
    assert.deepEqual((await fs.readdir(path)).sort(), ['a', 'b', 'c', 'later']);
  });
});

describe('a folder store on a bad day', () => {
  test('writes at the same time in one process take turns', async () => {
    const path = newPath();
    const all = Array.from({ length: 20 }, (_, i) => folderStore(path).write(`f${i % 4}`, utf8(`${i}`)));
    await Promise.all(all);
    assert.deepEqual(await contents(folderStore(path)), { f0: '16', f1: '17', f2: '18', f3: '19' });
  });

  test('a missing folder and a missing file are told apart', async () => {
    const path = newPath();
    await assert.rejects(
      folderStore(path).read('a'),
      new RegExp(`cannot read ${path}/a: there is no folder ${path}$`),
    );
    await fs.mkdir(path);
    await assert.rejects(folderStore(path).read('a'), /\/a: there is no such file$/);
  });

  test('a file where the folder should be', async () => {
    const path = newPath();
    await fs.writeFile(path, 'I am a file');
    const store = folderStore(path);
    await assert.rejects(store.write('a', utf8('x')), /\/a \(1 byte\): a file is where a folder should be/);
    await assert.rejects(store.folder('last').write('a', utf8('x')), /a file is where a folder should be/);
    await assert.rejects(store.list(), /a file is where a folder should be/);
    assert.equal(await fs.readFile(path, 'utf8'), 'I am a file');
  });

  test('a folder where a file should be, found before anything is written', async () => {
    const path = newPath();
    await fs.mkdir(join(path, 'b'), { recursive: true });
    const store = folderStore(path);
    const both = new Map([
      ['a', utf8('x')],
      ['b', utf8('y')],
    ]);
    await assert.rejects(store.writeAll(both), /\/b is a folder, and a file goes there: remove it.*intact/);
    await assert.rejects(store.write('b', utf8('x')), /it is a folder, not a file/);
    await assert.rejects(store.read('b'), /it is a folder, not a file/);
    assert.deepEqual(await fs.readdir(path), ['b']);
  });

  test('a journal that is damaged or leads elsewhere is refused', async () => {
    for (const journal of ['{', '{"put":[["a","../b"]],"drop":[]}', '{"put":[],"drop":["../b"]}', 'null']) {
      const path = newPath();
      await fs.mkdir(path);
      await fs.writeFile(join(path, '.inkhorn.commit'), journal);
      await assert.rejects(folderStore(path).read('a'), /\.inkhorn\.commit is damaged: remove it/);
      await assert.rejects(
        folderStore(path).write('a', utf8('x')),
        /\.inkhorn\.commit is damaged: remove it/,
      );
    }
  });

  test('no permission (injected)', async () => {
    const path = newPath();
    const { files } = failingAt(0, 'EACCES');
    await assert.rejects(
      folderStore(path, files).write('a', utf8('x')),
      /^Error: cannot write .*\/a \(1 byte\): permission denied\. What was there before is intact$/,
    );
  });

  test('a full disk (real, a small tmpfs)', async (t) => {
    const path = newPath();
    await fs.mkdir(path);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' });
    } catch {
      return t.skip('a tmpfs cannot be mounted here: needs root and mount');
    }
    try {
      const store = folderStore(path);
      await store.writeAll(new Map([['model', new Uint8Array(50_000).fill(1)]]));
      const big = new Map([
        ['config', utf8('new')],
        ['model', new Uint8Array(250_000).fill(2)],
      ]);
      await assert.rejects(
        store.writeAll(big),
        /^Error: cannot write 2 files to .* \(250,003 bytes\): no space left on the disk \([\d,]+ bytes free\)\. What was there before is intact$/,
      );
      await assert.rejects(store.write('model', new Uint8Array(250_000)), /\(250,000 bytes\): no space left/);
      assert.deepEqual(await fs.readdir(path), ['model']);
      assert.deepEqual(new Uint8Array(await store.read('model')), new Uint8Array(50_000).fill(1));
      await store.write('small', utf8('fits'));
    } finally {
      execFileSync('umount', [path]);
    }
  });
});

test('the system is told as what it is: links that lead nowhere or in circles, names too long, too many open files', async () => {
  const path = newPath();
  await fs.mkdir(path);
  await fs.symlink('gone.json', join(path, 'a.json'));
  await fs.symlink('loop', join(path, 'loop'));
  const store = folderStore(path);
  await assert.rejects(store.read('a.json'), /a\.json: it is a link to gone\.json, where nothing is$/);
  await assert.rejects(store.read('loop'), /loop: its symbolic links go round in circles$/);
  const link = newPath();
  await fs.symlink('nowhere', link);
  await assert.rejects(folderStore(link).read('b'), /is a link to nowhere, where nothing is$/);
  await assert.rejects(
    folderStore(link).write('b', utf8('x')),
    /: it is a link to nowhere, where nothing is\. What was/,
  );
  const failing = (code: string): FileSteps => ({
    ...nodeFiles,
    read: () => Promise.reject(Object.assign(new Error(`${code}: x`), { code })),
  });
  for (const [code, words] of Object.entries({
    EMFILE: /ulimit -n/,
    ENFILE: /on this machine/,
    EIO: /disk reports/,
  }))
    await assert.rejects(folderStore(path, failing(code)).read('x'), words);
  await fs.writeFile(join(path, 'b'), 'x');
  const unreadable = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
  // /proc/self/mem.
  assert.match(reason(unreadable), /input\/output error: the disk fails, or it is no ordinary file/);
  assert.equal((await store.read('b')).constructor, Uint8Array, 'not a Buffer, whose slice is a view');
});

test('a disk without inodes (real, a small tmpfs)', async (t) => {
  const path = newPath();
  await fs.mkdir(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=4', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return t.skip('cannot mount a tmpfs here');
  }
  try {
    const store = folderStore(path);
    const write = async (): Promise<void> => {
      for (let i = 0; i < 8; i++) await store.write(`f${i}`, utf8('x'));
    };
    await assert.rejects(write(), /no inode is left on the disk: it holds as many files as it can/);
  } finally {
    execFileSync('umount', [path]);
  }
});

describe('url store', () => {
  test('other addresses, redirects without end, connections that are cut, servers that do not know HEAD', async () => {
    assert.throws(
      () => urlStore('file:///models/a'),
      /is a folder of this machine, not on the web: use folderStore/,
    );
    assert.throws(() => urlStore('ftp://example.org'), /ftp: is not read, only http: and https: are/);
    await assert.rejects(urlStore('models/a').read('x'), /it is no whole address: begin it with https/);
    const server = createServer((request, response) => {
      if (request.url === '/round') response.writeHead(302, { location: '/round' }).end();
      else if (request.url === '/moved') response.writeHead(301, { location: '/there' }).end();
      else if (request.url === '/there') response.end('moved');
      else if (request.method === 'HEAD') response.writeHead(405).end();
      else if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 100 }).write('half');
        setImmediate(() => response.destroy());
      } else response.writeHead(request.url === '/secret' ? 403 : 200).end('x');
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const store = urlStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      await assert.rejects(store.read('round'), /cannot be reached: it redirects without end$/);
      assert.equal(await textOf(store, 'moved'), 'moved');
      await assert.rejects(store.read('cut'), /cut: the connection was cut before the whole file had come$/);
      await assert.rejects(store.read('secret'), /answered 403 Forbidden/);
      assert.equal(await store.exists('plain'), true);
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  });

  test('reads parts of a file where the server gives parts, else the whole of it once', async () => {
    const asked: string[] = [];
    const file = utf8('0123456789');
    const server = createServer((request, response) => {
      const { range } = request.headers;
      asked.push(`${request.method} ${range ?? ''}`.trim());
      if (request.url === '/ranges') response.setHeader('accept-ranges', 'bytes');
      const [, from, to] = range?.match(/bytes=(\d+)-(\d+)/) ?? [];
      const bytes = from === undefined ? file : file.subarray(Number(from), Number(to) + 1);
      response.writeHead(from === undefined ? 200 : 206, { 'content-length': bytes.length });
      response.end(request.method === 'HEAD' ? undefined : bytes);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const store = urlStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      for (const [name, requests] of [
        ['ranges', ['HEAD', 'GET bytes=2-4', 'GET bytes=0-9']],
        ['whole', ['HEAD', 'GET']],
      ] as const) {
        asked.length = 0;
        const open = await openFile(store, name);
        assert.equal(open.size, 10);
        assert.equal(text(await open.read(2, 5)), '234');
        assert.equal(text(await open.read(0, 10)), '0123456789');
        assert.equal(text(await open.read(3, 3)), '');
        await open.close();
        assert.deepEqual(asked, requests);
      }
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  });

  test('reads from a server that does not say how much comes, also compressed, and within the limit', async () => {
    const text = 'words, words, words. '.repeat(5000);
    const server = createServer((request, response) => {
      if (request.url === '/packed')
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));
      else if (request.url === '/endless') {
        const more = (): void => void (response.write('x'.repeat(1e5)) ? setImmediate(more) : 0);
        response.on('drain', more);
        more();
      } else {
        response.write(text.slice(0, 700)); // a length is not sent with parts
        if (request.url === '/cut') setTimeout(() => response.destroy(), 20);
        else setTimeout(() => response.end(text.slice(700)), 20);
      }
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const store = urlStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const more = /it has more than the 1,000 bytes that are read at most$/;
    try {
      assert.equal(await textOf(store, 'parts'), text);
      assert.equal(await textOf(store, 'packed'), text);
      assert.equal((await store.read('parts', text.length)).length, text.length);
      await assert.rejects(store.read('parts', 1000), more);
      await assert.rejects(store.read('packed', 1000), more);
      await assert.rejects(store.read('endless', 1000), more);
      await assert.rejects(store.read('cut'), /cut: the connection was cut before the whole file had come$/);
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  });

  test('reads, asks for existence, says what the server said, and refuses the rest', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/m/config.json') response.end('{}');
      else if (request.url === '/m/sub/a%20b') response.end('spaced');
      else response.writeHead(request.url === '/m/broken' ? 500 : 404).end();
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`;
    try {
      const store = urlStore(`${base}/`);
      assert.equal(store.location, base);
      assert.equal(await textOf(store, 'config.json'), '{}');
      assert.equal(await textOf(store.folder('sub'), 'a b'), 'spaced');
      assert.equal(await store.exists('config.json'), true);
      assert.equal(await store.exists('none'), false);
      await assert.rejects(store.exists('broken'), /answered 500/);
      await assert.rejects(store.read('config.json', 1), /config\.json: it has 2 bytes: at most 1 are read$/);
      await assert.rejects(store.read('none'), /\/none: the server answered 404 Not Found/);
      await assert.rejects(store.read('../x'), /is no file name/);
      await assert.rejects(store.list(), /cannot be listed/);
      await assert.rejects(store.write('a', utf8('x')), /cannot be written to/);
      await assert.rejects(store.writeAll(new Map()), /cannot be written to/);
      await assert.rejects(store.remove('a'), /cannot be written to/);
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
    await assert.rejects(urlStore(base).read('config.json'), /cannot be reached/);
  });
});

// ---- doubles ---------------------------------------------------------------------------------------------

/** The changing operation number `at` fails with `code`; later ones work. */
function failingAt(at: number, code: string): { files: FileSteps; failed: () => boolean } {
  let done = 0;
  const files = intercepted(nodeFiles, async (step) => {
    if (CHANGING.includes(step) && done++ === at)
      throw Object.assign(new Error(`${code}: injected`), { code });
  });
  return { files, failed: () => done > at };
}

/** A process that writes one version after another of three files together, until it is killed. */
function startWriter(path: string, version: number): ChildProcess {
  const module = new URL('../../src/io/node-store.js', import.meta.url).href;
  const program = `
    import { folderStore } from ${JSON.stringify(module)};
    const store = folderStore(${JSON.stringify(path)});
    for (let v = ${version}; ; v++) {
      const bytes = new TextEncoder().encode(String(v).padStart(8, '0').repeat(5000));
      await store.writeAll(new Map([['a', bytes], ['b', bytes], ['c', bytes]]));
    }`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
}
