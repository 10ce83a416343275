// The house stands: a folder of src/ imports only from itself and from those above it in the list of the
// README, no file imports itself by way of others, and nobody but those who choose an engine knows one.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const src = join(root, 'src');

/** `import ... from`, `export ... from`, `import '...'`, and `import('...')` of values and of types. */
const IMPORT = /\b(?:from|import)\s*\(?\s*(['"])(\.[^'"]+)\1/g;
/** One whose path is computed: nobody can tell where it goes. */
const COMPUTED_IMPORT = /\bimport\s*\((?!\s*['"])[^)]*/;

/** Files of src/, and what each imports of it, types included. */
const files = new Map(
  readdirSync(src, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => [file, importsOf(file, readFileSync(join(src, file), 'utf8'))]),
);

/** The list of the README: entries of src/ from the ground up, and the engines below `backend/`. */
const { floors, engines } = readList(readFileSync(join(root, 'README.md'), 'utf8'));

describe('the house', () => {
  test('is listed in the README, whole and in order', () => {
    const entries = new Set([...files.keys()].map((file) => entryOf(file)));
    assert.deepEqual([...floors].sort(), [...entries].sort());
    const inBackend = [...files.keys()].flatMap((file) => file.match(/^backend\/[^/]+\//) ?? []);
    assert.deepEqual([...engines].sort(), [...new Set(inBackend)].sort());
  });

  test('a folder imports only from those above it', () => {
    const wrong = arrows().filter(
      ([file, imported]) => floors.indexOf(entryOf(imported)) > floors.indexOf(entryOf(file)),
    );
    assert.deepEqual(wrong, []);
  });

  test('no file imports itself by way of others', () => {
    assert.deepEqual(circles(files), []);
  });

  test('an engine is known to itself and to those who choose one', () => {
    const choosers = ['platform/', 'cli/'];
    const wrong = arrows().filter(([file, imported]) => {
      const engine = engines.find((folder) => imported.startsWith(folder));
      return engine !== undefined && ![engine, ...choosers].some((place) => file.startsWith(place));
    });
    assert.deepEqual(wrong, []);
  });

  test('the command line loads no command and no engine before one is named', () => {
    const loaded = [...loadedBy('cli/main.ts')];
    const early = loaded.filter((file) => /^cli\/commands\/(?!index)/.test(file));
    assert.deepEqual(early, []);
    assert.deepEqual(
      engines.filter((folder) => [...loadedBy('platform/node-engines.ts')].some((f) => f.startsWith(folder))),
      [],
    );
    assert.ok(loaded.length < 60, `${loaded.length} files for \`inkhorn --version\``);
  });

  test('every import says where it goes', () => {
    for (const file of files.keys())
      assert.deepEqual(readFileSync(join(src, file), 'utf8').match(COMPUTED_IMPORT), null, file);
  });
});

test('the scripts import what is there', async () => {
  const scripts = readdirSync(join(root, 'scripts'), { recursive: true }).map(String);
  for (const script of scripts.filter((file) => file.endsWith('.mjs'))) {
    const text = readFileSync(join(root, 'scripts', script), 'utf8');
    for (const [, names, path] of text.matchAll(/^import \{([^}]*)\} from '(\.[^']+)';/gm)) {
      const module = await import(pathToFileURL(join(root, 'scripts', dirname(script), path)).href);
      for (const name of names.split(',').map((part) => part.trim().split(' as ')[0]))
        assert.ok(name === '' || name in module, `${script}: ${name} of ${path}`);
    }
  }
});

describe('what the house is tested with', () => {
  test('sees every form of an import', () => {
    const text = `
      import { a } from './a.ts';
      import {
        b,
      } from "../b.ts";
      import '../../c.ts';
      export * from './d/e.ts';
      const f = await import('../f.ts');
      type G = import('./g.ts').G;
      import { readFileSync } from 'node:fs';`;
    const seen = importsOf('x/y/z.ts', text);
    assert.deepEqual(seen, ['x/y/a.ts', 'x/b.ts', 'c.ts', 'x/y/d/e.ts', 'x/f.ts', 'x/y/g.ts']);
    assert.match('await import(path)', COMPUTED_IMPORT);
  });

  test('finds circles, and what hangs on them only', () => {
    const graph = new Map([
      ['main', ['a', 'leaf']] as const,
      ['a', ['b']] as const,
      ['b', ['c', 'leaf']] as const,
      ['c', ['a']] as const,
      ['leaf', []] as const,
    ]);
    assert.deepEqual(circles(graph), ['a imports b', 'b imports c', 'c imports a']);
  });
});

/** Paths from src/ of what `text`, the file `file`, imports of it. */
function importsOf(file: string, text: string): string[] {
  return Array.from(text.matchAll(IMPORT), ([, , path]) => relative(src, join(src, dirname(file), path)));
}

/** What starts with `file`: itself, and the values that it imports, without those of `import('...')`. */
function loadedBy(file: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(src, file), 'utf8');
  const early = text.replaceAll(/\bimport\([^)]*\)|^(?:import|export) type [^;]*;/gm, '');
  for (const imported of importsOf(file, early)) loadedBy(imported, seen);
  return seen;
}

function arrows(): [file: string, imported: string][] {
  return [...files].flatMap(([file, imports]) =>
    imports.map((imported): [string, string] => [file, imported]),
  );
}

/** The folder of src/ that a file is in, or the file itself where it is in none. */
function entryOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/') + 1) : file;
}

function readList(readme: string): { floors: string[]; engines: string[] } {
  const [, list] = readme.match(/^```\nsrc\/\n(.*?)^\S/ms) ?? [];
  assert.ok(list, 'the README has no list of src/');
  const lines = list.split('\n');
  const named = (indent: RegExp): string[] => lines.flatMap((line) => line.match(indent)?.[1] ?? []);
  return { floors: named(/^ {2}(\S+)/), engines: named(/^ {4}(\S+)/).map((name) => `backend/${name}`) };
}

/**
 * The imports of circles: what is left once files that import nothing, or that nothing imports, are gone,
 * again and again.
 */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const left = new Map(graph);
  for (let before = Number.NaN; left.size !== before; ) {
    before = left.size;
    const imported = new Set([...left.values()].flat());
    for (const [file, imports] of left)
      if (!imported.has(file) || !imports.some((other) => left.has(other))) left.delete(file);
  }
  return [...left].flatMap(([file, imports]) =>
    imports.filter((other) => left.has(other)).map((other) => `${file} imports ${other}`),
  );
}
