// The package as judged by programs made for that: publint, arethetypeswrong, API Extractor.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs a program of node_modules. */
function run(program: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', program), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    },
  );
  return { status, output: `${stdout}${stderr}` };
}

describe('the package', { skip: process.platform === 'win32' }, () => {
  let folder: string;
  let tarball: string;
  before(() => {
    // In the package, where API Extractor looks for its package.json.
    folder = mkdtempSync(join(root, 'dist/package-'));
    spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
    tarball = join(folder, readdirSync(folder)[0]);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('is clean for publint', () => {
    const { status, output } = run('publint/src/cli.js', tarball, '--strict');
    assert.equal(status, 0, output);
    assert.match(output, /All good/);
  });

  test('is clean for arethetypeswrong', () => {
    const { status, output } = run('@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only');
    assert.equal(status, 0, output);
  });

  test('names every type that its doors use, at one of them', () => {
    const doors = [
      'platform/browser',
      'platform/node-files',
      'platform/browser-files',
      'tokenizer/index',
      'figures/index',
      'report/index',
      'png/index',
    ];
    const entry = join(folder, 'doors.d.ts');
    writeFileSync(entry, doors.map((door) => `export * from '../src/${door}.js';\n`).join(''));
    assert.deepEqual(forgotten(entry), []);
  });

  test('a type that is not exported would be found', () => {
    const entry = join(root, 'dist/src/inspect/effect.d.ts');
    assert.ok(forgotten(entry).includes('Edit'));
  });

  /** Types that the declarations of `entry` use and do not export. */
  function forgotten(entry: string): string[] {
    const off = { default: { logLevel: 'none' } };
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      lib: ['es2023', 'dom'],
      skipLibCheck: true,
    };
    const config = {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig: { compilerOptions, files: [entry] } },
      ...Object.fromEntries(
        ['apiReport', 'docModel', 'dtsRollup', 'tsdocMetadata'].map((part) => [part, { enabled: false }]),
      ),
      messages: {
        compilerMessageReporting: off,
        tsdocMessageReporting: off,
        extractorMessageReporting: { ...off, 'ae-forgotten-export': { logLevel: 'warning' } },
      },
    };
    writeFileSync(join(folder, 'api-extractor.json'), JSON.stringify(config));
    const { output } = run(
      '@microsoft/api-extractor/bin/api-extractor',
      'run',
      '--local',
      '-c',
      join(folder, 'api-extractor.json'),
    );
    assert.match(output, /API Extractor completed/);
    return [...new Set(Array.from(output.matchAll(/symbol "(\w+)"/g), ([, name]) => name))].sort();
  }
});
