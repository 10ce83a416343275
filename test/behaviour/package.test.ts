// The package as its users get it: the modules behind its entry points, and their types. package.long.test.ts
// asks programs that judge packages.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256Of } from '../../src/corpora/fetch.ts';
import { type PackedProject, packedProject, root } from './packed-project.ts';

const bin = (name: string): string => join(root, 'node_modules', name);
const [, example] = readFileSync(join(root, 'README.md'), 'utf8').match(/```ts\n([\s\S]*?)```/) ?? [];
const strict = { target: 'es2022', strict: true, exactOptionalPropertyTypes: true, noEmit: true };

let project: PackedProject;
before(() => {
  project = packedProject();
});
after(() => project.remove());

/** Compiles `code` in the project with these options. Returns what the compiler printed. */
function compile(code: string, compilerOptions: Record<string, unknown>): string {
  writeFileSync(join(project.folder, 'example.ts'), code);
  writeFileSync(
    join(project.folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...strict, ...compilerOptions }, files: ['example.ts'] }),
  );
  return project.sh(`node '${bin('typescript/bin/tsc')}' -p tsconfig.json`).stdout;
}

describe('the package', { skip: process.platform === 'win32' }, () => {
  const code = `declare const text: string;\n${example}`;

  test("compiles the README's example, in Node and under a bundler", () => {
    assert.equal(compile(code, { module: 'nodenext', types: ['node'] }), '');
    const bundler = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] };
    assert.equal(compile(code, bundler), '');
    assert.match(compile(code.replace('steps: 20', 'steps: "20"'), bundler), /TS2322/); // it does check types
  });

  test('has folders and corpora behind inkhorn/node', () => {
    const files = `import { folderStore, loadCorpus } from 'inkhorn/node';
      import { load, type Store } from 'inkhorn';
      const store: Store = folderStore('models/shakespeare');
      export const loaded = [await load(store), (await loadCorpus('moby-dick')).text()] as const;`;
    assert.equal(compile(files, { module: 'nodenext', types: ['node'] }), '');
  });

  test('has the stores of a page behind inkhorn/browser', () => {
    const files = `import { download, droppedStore, opfsStore } from 'inkhorn/browser';
      import { load, save } from 'inkhorn';
      document.ondrop = async ({ dataTransfer }) => {
        if (dataTransfer) await save(opfsStore('models/mine'), await load(await droppedStore(dataTransfer)));
        await download(opfsStore('models/mine'));
      };`;
    const bundler = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] };
    assert.equal(compile(files, bundler), '');
  });

  test('has the reports of runs behind inkhorn/report, and what a page says of a run before it starts', () => {
    const files = `import { drawRun, readRun, runPage, saveLook, type Charts } from 'inkhorn/report';
      import { makeConfig, makeSettings, modelCost, openRun, openWorker, presets, recipes, runModel, totalCost } from 'inkhorn';
      import { opfsStore } from 'inkhorn/browser';
      declare const charts: Charts;
      const config = makeConfig(presets.tiny, 500);
      const worker = await openWorker();
      export const before: number[] = [
        totalCost(modelCost(config)).parameters,
        await worker.trainingBytes(config, makeSettings(recipes.tiny, { steps: 100 })),
      ];
      const store = opfsStore('runs/first');
      const { step } = (await runModel(store)) ?? { step: null };
      const model = await worker.load((await openRun(store).model())?.store ?? store);
      await saveLook(store, await worker.lookInside(model, new Int32Array(9), step ?? 0));
      export const page: string = runPage(await readRun(store), charts, drawRun(await readRun(store), null));`;
    const page = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] };
    assert.equal(compile(files, page), '');
  });

  test('draws with the Observable Plot of a page', () => {
    const files = `import * as plot from '@observablehq/plot';
      import { lossFigure, type Charts } from 'inkhorn/figures';
      const charts: Charts = { plot, document };
      export const figures = [
        lossFigure([], { charts }),
        lossFigure([], { charts: { plot: await import('@observablehq/plot'), document } }),
      ];`;
    // The declarations of Observable Plot have errors of their own.
    const page = { lib: ['es2022', 'dom'], types: [], skipLibCheck: true };
    const bundler = { module: 'esnext', moduleResolution: 'bundler', ...page };
    assert.equal(compile(files, bundler), '');
    assert.match(compile(files.replace('{ plot, d', '{ plot: {}, d'), bundler), /TS2740|TS2739/);
  });

  test('is as light in a page and on a disk as it is said to be', () => {
    const size = join(root, 'scripts/size.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [size], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /core \+ WASM, of at most 400 kB\n/);
    assert.match(stdout, /all that npm installs, of at most 20 MB\n/);
  });

  test('has no file twice, no sources, and no map of them', () => {
    const folder = join(project.folder, 'node_modules/inkhorn');
    const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    const odd = /(?<!\.d)\.ts$|\.(?:js|ts|css|wasm)\.map$/;
    assert.deepEqual(
      paths.filter((path) => odd.test(path) || isMapped(path)),
      [],
    );
    const large = paths.map((path) => readFileSync(path)).filter(({ length }) => length > 10_000);
    assert.equal(new Set(large.map(sha256Of)).size, large.length);
  });

  test('has what the command line does with a run: resume, health, report, pictures', () => {
    const files = `import { inspectHealth, resumeInFolder, load, type RunHealth } from 'inkhorn';
      import { healthFigures, healthTables, type Figure } from 'inkhorn/figures';
      import { bundledModel, folderStore } from 'inkhorn/node';
      import { loadPictures } from 'inkhorn/pictures';
      import { readRun, writeFigures, writeReport } from 'inkhorn/report';
      const store = folderStore('runs/first');
      for await (const e of resumeInFolder({ store, text: 'abc', steps: 20 })) console.log(e.step);
      const health: RunHealth = await inspectHealth(store);
      const pictures = await loadPictures();
      const figures: Figure[] = healthFigures(health, pictures);
      export const said = [healthTables(health)[0].title, await load(bundledModel())] as const;
      export const files: string[] = [
        ...(await writeFigures(store.folder('look'), figures, pictures)),
        ...(await writeReport(store, await readRun(store), pictures)),
      ];`;
    assert.equal(compile(files, { module: 'nodenext', types: ['node'] }), '');
  });

  test('has one door for Node and pages: the same names, nothing of Node behind them', async () => {
    const [inNode, inPage] = await Promise.all([
      import('../../src/platform/node.ts'),
      import('../../src/platform/browser.ts'),
    ]);
    assert.deepEqual(Object.keys(inNode).sort(), Object.keys(inPage).sort());
    const behind = importedBy(join(root, 'dist/src/platform/node.js'));
    assert.deepEqual(
      [...behind].filter((name) => !name.startsWith(root)),
      [],
    );
    assert.ok(behind.size > 80, `${behind.size} modules were found`);
  });
});

describe('without the libraries for pictures (npm install --omit=optional)', {
  skip: process.platform === 'win32',
}, () => {
  let bare: PackedProject;
  before(() => {
    bare = packedProject(['@observablehq', '@resvg', 'dejavu-fonts-ttf', 'linkedom']);
  });
  after(() => bare.remove());

  const LINE =
    /no pictures: @\S+ is not installed; `npm install --save-optional @observablehq\/plot@0\S+ \S+ \S+ \S+` brings/;

  test('a look inside works, and pictures that were asked for are refused in one line', () => {
    const look = bare.sh('npx inkhorn inspect lens -t "To be" --backend reference');
    assert.equal(look.status, 0, look.stderr);
    const drawn = bare.sh('npx inkhorn inspect lens -t "To be" --backend reference --out look');
    assert.equal(drawn.status, 1);
    assert.match(drawn.stderr, LINE);
  });

  test('a training is reported in words and tables', () => {
    writeFileSync(join(bare.folder, 'text.txt'), 'to be or not to be, that is the question.\n'.repeat(100));
    const size = '--n-layer 1 --n-embd 8 --n-head 1 --block-size 8 --batch-size 2 --vocab-size 257';
    const run = bare.sh(
      `npx inkhorn train --data text.txt --out run ${size} --steps 4 --eval-every 2 --probe-every 2 --backend reference`,
    );
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout + run.stderr, LINE);
    const page = readFileSync(join(bare.folder, 'run/report.html'), 'utf8');
    assert.match(page, /<h2 id="loss">/);
    assert.doesNotMatch(page, /<figure class="chart/);
    assert.match(readFileSync(join(bare.folder, 'run/report.md'), 'utf8'), /validation/i);
    assert.ok(!existsSync(join(bare.folder, 'run/figures')));
  });
});

/** Whether a module names a map of its source. */
function isMapped(path: string): boolean {
  return path.endsWith('.js') && readFileSync(path, 'utf8').includes('//# sourceMappingURL');
}

const IMPORT = /^(?:import|export)\b(?:[^'"=;]*\bfrom)? '([^']+)';/gm;

/** Everything that a module imports when it is loaded: paths of files, names of packages. */
function importedBy(file: string, seen: Set<string> = new Set()): Set<string> {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const path = name.startsWith('.') ? join(dirname(file), name) : name;
    if (seen.has(path)) continue;
    seen.add(path);
    if (path !== name) importedBy(path, seen);
  }
  return seen;
}
