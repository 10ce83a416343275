// A folder store against a memory store, through random changes, some of them killed.
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { folderStore, nodeFiles } from '../../src/io/node-store.ts';
import { randomChanges } from '../support/store-fuzz.ts';

let scratch = '';
let next = 0;
before(async () => {
  scratch = await fs.mkdtemp(join(tmpdir(), 'inkhorn-fuzz-'));
});
after(() => fs.rm(scratch, { recursive: true }));

test('random changes, killed at random steps', () =>
  randomChanges(
    {
      newPath: () => join(scratch, String(next++)),
      open: folderStore,
      files: nodeFiles,
      entries: async (path) => (await fs.readdir(path)).sort(),
    },
    60,
  ));
