// What every store promises, as tests that run wherever there is one: in Node, and in pages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileSteps } from '../../src/io/atomic-store.ts';
import type { Content, Parts, Store } from '../../src/io/store.ts';
import { haltingAfter } from './file-steps.ts';

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const textOf = async (store: Store, name: string): Promise<string> => text(await store.read(name));

/** Everything visible to a reader, as text. */
export async function contents(store: Store): Promise<Record<string, string>> {
  const entries = (await store.list()).map(async (name) => [name, await textOf(store, name)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Tests of a store that can be written, each on an empty one. */
export function storeTests(open: () => Store): void {
  test('reads back what was written, replaced and removed', async () => {
    const store = open();
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.exists('a.txt'), false);
    await assert.rejects(store.read('a.txt'), /a\.txt/);
    await store.write('b.txt', utf8('bees'));
    await assert.rejects(store.read('b.txt', 3), /cannot read .*b\.txt: it has 4 bytes: at most 3 are read$/);
    assert.equal((await store.read('b.txt', 4)).length, 4);
    await store.write('b.txt', utf8('bee'));
    await store.write('a.txt', utf8('one'));
    await store.write('a.txt', utf8(''));
    assert.deepEqual(await contents(store), { 'a.txt': '', 'b.txt': 'bee' });
    assert.equal(await store.exists('a.txt'), true);
    await store.remove('a.txt');
    await store.remove('a.txt');
    assert.deepEqual(await store.list(), ['b.txt']);
  });

  test('writes several files together, drops those given as null, and leaves the others alone', async () => {
    const store = open();
    await store.write('notes.txt', utf8('mine'));
    await store.write('training.json', utf8('stale'));
    await store.writeAll(
      new Map<string, Uint8Array | null>([
        ['model', utf8('m')],
        ['config', utf8('c')],
        ['training.json', null],
        ['never-there', null],
      ]),
    );
    assert.deepEqual(await contents(store), { config: 'c', model: 'm', 'notes.txt': 'mine' });
  });

  test('writes what comes in parts; when a part fails, nothing', async () => {
    const store = open();
    const content = (...texts: string[]): Parts => ({
      length: texts.join('').length,
      async *parts() {
        for (const one of texts) {
          if (one === '') throw new Error('no more');
          yield utf8(one);
        }
      },
    });
    const long = 'x'.repeat(3e6);
    await store.writeAll(
      new Map<string, Content>([
        ['a', content('on', 'e', long)],
        ['b', utf8('two')],
      ]),
    );
    assert.deepEqual(await contents(store), { a: `one${long}`, b: 'two' });
    const failing = new Map<string, Content>([
      ['b', utf8('new')],
      ['a', content('on', '')],
    ]);
    await assert.rejects(store.writeAll(failing), /no more/);
    assert.deepEqual(await contents(store), { a: `one${long}`, b: 'two' });
  });

  test('keeps folders apart', async () => {
    const store = open();
    await store.folder('last').write('a', utf8('last'));
    await store.folder('best').write('a', utf8('best'));
    assert.equal(await textOf(store.folder('last'), 'a'), 'last');
    assert.deepEqual(await store.list(), []);
    assert.match(store.folder('best').location, /best$/);
  });

  test('refuses names that lead elsewhere', async () => {
    const store = open();
    for (const name of ['', '.', '..', '.hidden', 'a/b', 'a\\b', '/etc', 'c:', 'x'.repeat(201), 'nul\0']) {
      await assert.rejects(store.write(name, utf8('x')), /is no file name/);
      await assert.rejects(store.writeAll(new Map([[name, utf8('x')]])), /is no file name/);
      assert.throws(() => store.folder(name), /is no file name/);
    }
  });

  test('one writer at a time locks it', async () => {
    const store = open();
    const lock = await store.lock?.('a test');
    if (!lock) return assert.fail('it has no lock');
    await assert.rejects(async () => store.lock?.('another'), /is in use.*a test/);
    assert.equal(await store.exists('a'), false); // reading is allowed
    lock.release();
    lock.release(); // does nothing
    const again = await store.lock?.('another');
    again?.release();
  });
}

/** A kind of store on a file system. */
export interface AtomicKind {
  newPath(): string;
  open(path: string, files?: FileSteps): Store;
  /** The real operations. */
  files: FileSteps;
  /** The names of everything in a folder, sorted. */
  entries(path: string): Promise<string[]>;
  /** Makes what a writer left in the folder look as after its end. */
  orphan?(path: string): Promise<void>;
}

/** Four files, of which a change replaces two and removes one, and adds another. */
export const BEFORE = { model: 'old model', training: 'old training', stale: 'old', bystander: 'same' };
export const AFTER = { model: 'new model', training: 'new training', added: 'new', bystander: 'same' };
export const CHANGE = new Map<string, Uint8Array | null>([
  ['model', utf8(AFTER.model)],
  ['training', utf8(AFTER.training)],
  ['added', utf8(AFTER.added)],
  ['stale', null],
]);

/** The path of a folder with the files of BEFORE. */
export async function prepared({ newPath, open }: Pick<AtomicKind, 'newPath' | 'open'>): Promise<string> {
  const path = newPath();
  const store = open(path);
  for (const [name, content] of Object.entries(BEFORE)) await store.write(name, utf8(content));
  return path;
}

/** Which of the two states it is. Fails for a mixture. */
export function isOneOf(seen: Record<string, string>): string {
  for (const [label, whole] of Object.entries({ BEFORE, AFTER })) {
    if (JSON.stringify(Object.entries(seen).sort()) === JSON.stringify(Object.entries(whole).sort()))
      return label;
  }
  return assert.fail(`a mixture: ${JSON.stringify(seen)}`);
}

/** Tests of what is there when a writer was killed. */
export function atomicStoreTests(kind: AtomicKind): void {
  const halting = (steps: number, half?: boolean): ReturnType<typeof haltingAfter> =>
    haltingAfter(kind.files, steps, half);

  for (const half of [false, true]) {
    test(`killed ${half ? 'in the middle of' : 'before'} step n: all old or all new, and the next write cleans up`, async () => {
      const outcomes: string[] = [];
      for (let steps = 0; ; steps++) {
        const path = await prepared(kind);
        const { files, halted } = halting(steps, half);
        await kind
          .open(path, files)
          .writeAll(CHANGE)
          .catch(() => undefined);
        await kind.orphan?.(path);
        outcomes.push(isOneOf(await contents(kind.open(path))));
        await kind.open(path).write('later', utf8('x'));
        const { later, ...rest } = await contents(kind.open(path));
        assert.equal(later, 'x');
        assert.equal(isOneOf(rest), outcomes[steps]);
        assert.deepEqual(await kind.entries(path), ['later', ...Object.keys(rest)].sort());
        if (!halted()) break;
      }
      // The old contents before the commit, the new ones after it.
      const commit = outcomes.indexOf('AFTER');
      assert.ok(commit > 4, `committed at step ${commit}`);
      assert.ok(outcomes.slice(commit).every((label) => label === 'AFTER'));
      assert.equal(outcomes.length, 15, 'fourteen steps, and the run that was not killed');
    });
  }

  test('a recovery that is killed itself is recovered from', async () => {
    for (let first = 0; first < 24; first++) {
      const path = await prepared(kind);
      await kind
        .open(path, halting(first).files)
        .writeAll(CHANGE)
        .catch(() => undefined);
      const label = isOneOf(await contents(kind.open(path)));
      for (let second = 0; second < 8; second++) {
        await kind
          .open(path, halting(second).files)
          .remove('never-there')
          .catch(() => undefined);
        assert.equal(isOneOf(await contents(kind.open(path))), label);
      }
    }
  });

  test('a single write killed at step n leaves the old file or the new', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const path = await prepared(kind);
      await kind
        .open(path, halting(steps, true).files)
        .write('model', utf8('new model'))
        .catch(() => undefined);
      assert.match(text(await kind.open(path).read('model')), /^(old|new) model$/);
    }
  });
}
