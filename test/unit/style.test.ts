// The style of the sources, as far as a program can check it. The rest is in CONTRIBUTING.md.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const FOLDERS = ['src', 'native', 'test', 'bench', 'scripts', 'studio/src'];
const SOURCES = /\.(?:tsx?|mjs|cpp|h|py)$/;

/** The formatters wrap code and leave comments as they are. */
const WIDEST = 110;

/** A line that begins as a comment or inside one; `#` is one in Python, a directive in C++. */
const COMMENT = /^\s*(?:\/\/|\/\*|\*[ /]|\*$)/;
const PYTHON_COMMENT = /^\s*#/;

/** A comment after code, once strings are taken out; `//` in an address is in one. */
const AFTER_CODE = /\S\s*(?:\/\/|\/\*)/;
const PYTHON_AFTER_CODE = /\S\s*#/;
const STRINGS = /(['"`])(?:\\.|(?!\1).)*\1/g;

describe('comments', () => {
  test(`have lines of at most ${WIDEST} columns`, () => {
    assert.deepEqual(FOLDERS.flatMap(sourcesIn).flatMap(tooWide), []);
  });

  test('are told from code, and measured in characters', () => {
    const wide = 'é'.repeat(WIDEST);
    assert.deepEqual(wideComments('a.ts', `// ${wide}`), [1]);
    assert.deepEqual(wideComments('a.ts', `/**\n * ${wide}\n */`), [2]);
    assert.deepEqual(wideComments('a.ts', `const a = '${wide}';`), []);
    assert.deepEqual(wideComments('a.ts', `// ${wide.slice(3)}`), []);
    assert.deepEqual(wideComments('a.py', `    # ${wide}`), [1]);
    assert.deepEqual(wideComments('a.h', `#define A ${wide}`), []);
    assert.deepEqual(wideComments('a.ts', `a(b); // ${wide}`), [1]);
    assert.deepEqual(wideComments('a.ts', `a('it is // here', "${wide}");`), []);
    assert.deepEqual(wideComments('a.h', `int a;  /* ${wide} */`), [1]);
    assert.deepEqual(wideComments('a.py', `a = '#'  # ${wide}`), [1]);
    assert.deepEqual(wideComments('a.py', `a = '# ${wide}'`), []);
  });
});

describe('what to read next', () => {
  test('is there', () => {
    const missing = FOLDERS.flatMap(sourcesIn).flatMap((file) =>
      readNext(readFileSync(join(root, file), 'utf8'))
        .filter(
          (path) => ![dirname(file), '.', 'src', 'native'].some((from) => existsSync(join(root, from, path))),
        )
        .map((path) => `${file}: ${path}`),
    );
    assert.deepEqual(missing, []);
  });

  test('is found in opening comments', () => {
    const text = '// Sums. Read next:\n// mean.ts,\n// ../median.h (of few).\nconst a = 1;';
    assert.deepEqual(readNext(text), ['mean.ts', '../median.h']);
  });
});

/** The files that the opening comment of `text` names as those to read next. */
function readNext(text: string): string[] {
  const [opening] = text.match(/^(?:\/\/.*\n)*/) ?? [''];
  const [, named = ''] = opening.replaceAll(/\n\/\/ ?/g, ' ').match(/Read next: +(.*)/) ?? [];
  return named.match(/[\w./-]+\.(?:ts|mjs|cpp|h|md)\b/g) ?? [];
}

/** Paths from the root of the source files in `folder`. */
function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => SOURCES.test(file));
}

/** `file:line` of each comment line that is too wide. */
function tooWide(file: string): string[] {
  return wideComments(file, readFileSync(join(root, file), 'utf8')).map((line) => `${file}:${line}`);
}

/** Numbers of the comment lines of `text` that are too wide. */
function wideComments(file: string, text: string): number[] {
  const [whole, after] = file.endsWith('.py') ? [PYTHON_COMMENT, PYTHON_AFTER_CODE] : [COMMENT, AFTER_CODE];
  const hasComment = (line: string): boolean =>
    whole.test(line) || after.test(line.replaceAll(STRINGS, "''"));
  return text
    .split('\n')
    .flatMap((line, index) => ([...line].length > WIDEST && hasComment(line) ? [index + 1] : []));
}
