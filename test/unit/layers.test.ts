// The house stands: a folder of src/ imports only from itself and from those above it in this list.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const floors = [
  ...[
    'base',
    'options',
    'backend/contract',
    'backend/signatures',
    'backend/call',
    'backend/pool',
    'backend/lender',
    'tokenizer',
    'backend/reference',
    'platform/node-command',
    'backend/native',
    'backend/registry',
    'io',
  ],
  ...[
    'tensor',
    'nn',
    'model',
    'generate',
    'inspect',
    'train',
    'quantize',
    'index',
    'platform/node-lock',
    'platform/node-store',
    'corpora',
  ],
  ...['platform', 'report', 'cli'],
];

/** Kernels of the reference draw their numbers from tensor/random.ts, which stands on nothing. */
const exceptions = new Set(['tensor/random.ts']);

const root = fileURLToPath(new URL('../../../src/', import.meta.url));

test('a folder imports only from those above it', () => {
  const wrong: string[] = [];
  for (const file of readdirSync(root, { recursive: true }).map(String)) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const imported = relative(root, join(root, dirname(file), path));
      if (!exceptions.has(imported) && floorOf(imported) > floorOf(file))
        wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

function floorOf(file: string): number {
  const fits = floors.filter((floor) => file === `${floor}.ts` || file.startsWith(`${floor}/`));
  const floor = fits.sort((a, b) => b.length - a.length)[0];
  assert.ok(floor, `${file} is in no folder of the list`);
  return floors.indexOf(floor);
}
