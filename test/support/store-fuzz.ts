// A store on a file system against a memory store, through random changes, some of them killed: only the
// state before or after is ever visible.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { haltingAfter } from './file-steps.ts';
import type { AtomicKind } from './store-contract.ts';

const name = fc.constantFrom('a', 'b', 'c', 'd');
const bytes = fc.uint8Array({ maxLength: 8 });
const files = fc.array(fc.tuple(name, fc.option(bytes)), { maxLength: 4 }).map((entries) => new Map(entries));

/** Files to write in one go (null: remove), and the number of steps after which the writer is killed. */
const change = fc.record({ files, kill: fc.option(fc.nat(12)) });

async function contents(store: Store): Promise<Record<string, number[]>> {
  const names = await store.list();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, [...(await store.read(name))]])),
  );
}

/** Throws, with the shortest changes that show it, where a state is visible that never was. */
export async function randomChanges(kind: AtomicKind, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (changes) => {
      const path = kind.newPath();
      const model = memoryStore();
      for (const { files, kill } of changes) {
        const before = await contents(model);
        const steps = kill === null ? kind.files : haltingAfter(kind.files, kill).files;
        const done = await kind
          .open(path, steps)
          .writeAll(files)
          .then(
            () => true,
            () => false,
          );
        const seen = await contents(kind.open(path));
        await model.writeAll(files);
        const after = await contents(model);
        if (done) assert.deepEqual(seen, after);
        else if (JSON.stringify(seen) !== JSON.stringify(after)) {
          assert.deepEqual(seen, before);
          await model.writeAll(new Map([...files.keys()].map((name) => [name, null])));
          await model.writeAll(
            new Map(Object.entries(before).map(([name, b]) => [name, Uint8Array.from(b)])),
          );
        }
      }
      await kind.open(path).remove('none');
      assert.deepEqual(await kind.entries(path), await model.list());
    }),
    { numRuns },
  );
}
