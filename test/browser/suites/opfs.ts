// The store in a browser's own file system, in a page.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { opfsFiles, opfsStore } from '../../../src/io/browser-opfs-store.ts';
import { type AtomicKind, atomicStoreTests, storeTests, utf8 } from '../../support/store-contract.ts';
import { randomChanges } from '../../support/store-fuzz.ts';

let next = 0;
const kind: AtomicKind = {
  newPath: () => `tests/${next++}`,
  open: opfsStore,
  files: opfsFiles,
  entries: async (path) => (await opfsFiles.entries(path)).map(({ name }) => name).sort(),
};

describe('OPFS store', () => {
  storeTests(() => opfsStore(kind.newPath()));
});

describe('OPFS store, stopped at any step', () => atomicStoreTests(kind));

test('random changes of an OPFS store, killed at random steps', () => randomChanges(kind, 12));

describe('OPFS store on a bad day', () => {
  test('paths that lead elsewhere are refused', () => {
    for (const path of ['../x', 'a/../b', '.hidden', 'a\\b'])
      assert.throws(() => opfsStore(path), /is no file name/);
    assert.equal(opfsStore('/runs//first/').location, 'runs/first');
    assert.equal(opfsStore('').location, 'the storage of this site');
  });

  test('a missing folder and a missing file are told apart', async () => {
    const path = kind.newPath();
    await assert.rejects(
      opfsStore(path).read('a'),
      new RegExp(`cannot read ${path}/a: there is no folder ${path}$`),
    );
    await opfsStore(path).write('b', utf8('x'));
    await assert.rejects(opfsStore(path).read('a'), /\/a: there is no such file$/);
  });

  test('a folder where a file should be, found before anything is written', async () => {
    const store = opfsStore(kind.newPath());
    await store.folder('b').write('x', utf8('x'));
    assert.deepEqual(await store.folders?.(), ['b']);
    const both = new Map([
      ['a', utf8('x')],
      ['b', utf8('y')],
    ]);
    await assert.rejects(store.writeAll(both), /\/b is a folder, and a file goes there: remove it.*intact/);
    await assert.rejects(store.write('b', utf8('x')), /it is a folder, not a file/);
    assert.deepEqual(await store.list(), []);
  });

  test('writes at the same time take turns', async () => {
    const path = kind.newPath();
    await Promise.all(Array.from({ length: 20 }, (_, i) => opfsStore(path).write(`f${i % 4}`, utf8(`${i}`))));
    const last = await Promise.all([0, 1, 2, 3].map((i) => opfsStore(path).read(`f${i}`)));
    assert.deepEqual(
      last.map((bytes) => new TextDecoder().decode(bytes)),
      ['16', '17', '18', '19'],
    );
  });

  test('a file of many pieces, a part of a larger array, is written whole', async () => {
    const store = opfsStore(kind.newPath());
    const bytes = Uint8Array.from({ length: 9_000_001 }, (_, i) => i * 31 + (i >> 8));
    await store.write('large', bytes.subarray(1));
    const read = await store.read('large');
    assert.equal(read.length, 9_000_000);
    assert.ok(read.every((byte, i) => byte === bytes[i + 1]));
  });
});
