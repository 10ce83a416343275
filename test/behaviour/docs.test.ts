// The chapters in docs/ are run as they stand. `INKHORN_UPDATE_DOCS=1 npm test -- docs` writes the outputs
// into them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Block, blocksOf, moduleOf, runModule, runShell } from './docs-blocks.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const docs = join(root, 'docs');
const main = join(root, 'dist/src/cli/main.js');
const update = process.env.INKHORN_UPDATE_DOCS !== undefined;

// README.md comes first: it trains the model that the commands of the chapters inspect.
const chapters = ['README.md', ...readdirSync(docs).filter((name) => /^\d\d-.*\.md$/.test(name))];
const sources = new Map(chapters.map((name) => [name, readFileSync(join(docs, name), 'utf8')]));

describe('the documentation', () => {
  // Inside the package, which can import itself by its own name there.
  const compiled = mkdtempSync(join(root, 'dist/docs-'));
  const folder = mkdtempSync(join(tmpdir(), 'inkhorn-docs-'));

  before(() => compile(compiled));
  after(() => {
    for (const path of [compiled, folder]) rmSync(path, { recursive: true });
  });

  for (const [name, source] of sources) {
    const blocks = blocksOf(source);
    test(`${name}: the examples print what is beneath them`, () => {
      const examples = blocks.filter(({ language }) => language === 'ts');
      const printed = examples.length > 0 ? runModule(join(compiled, `js/${name}.js`), folder) : [];
      const outputs = new Map(examples.map((block, i) => [block, printed[i]]));
      for (const block of blocks)
        if (block.language === 'sh') outputs.set(block, runShell(block.code, main, folder));
      if (update) writeFileSync(join(docs, name), withOutputs(source, outputs));
      else
        for (const [{ code, output }, actual] of outputs)
          if (output !== null) assert.equal(actual, output, `printed by\n${code}`);
    });
    test(`${name}: the files it points to are there`, () => {
      for (const [, target] of source.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
        assert.ok(existsSync(join(docs, target)), target);
    });
  }
});

/** Checks the types of all examples and compiles them to JavaScript. */
function compile(folder: string): void {
  for (const [name, source] of sources) {
    const examples = blocksOf(source).filter(({ language }) => language === 'ts');
    if (examples.length > 0) writeFileSync(join(folder, `${name}.ts`), moduleOf(examples));
  }
  const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}

const compilerOptions = {
  rootDir: '.',
  outDir: 'js',
  composite: false,
  incremental: false,
  isolatedDeclarations: false,
  declaration: false,
  types: ['node'],
};

/** The chapter with the outputs of its examples replaced. */
function withOutputs(source: string, outputs: ReadonlyMap<Block, string>): string {
  let updated = source;
  const last = [...outputs].filter(([{ output }]) => output !== null).sort(([a], [b]) => b.from - a.from);
  for (const [{ from, to }, printed] of last) updated = updated.slice(0, from) + printed + updated.slice(to);
  return updated;
}
