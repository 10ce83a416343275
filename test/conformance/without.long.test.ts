// The paths of processors that lack what this one has: the native engine's conformance once more, in
// processes from which features are hidden (INKHORN_WITHOUT, native/cpu.h). One process each.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/backend/native/index.ts';

/** Features to hide, and the families of tests that then take another path. */
const HIDDEN: readonly [features: string, families: string][] = [
  ['avxvnni,avx512vnni', 'native .*[iI]nt[48]'],
  ['amx', 'native .* in bf16'],
  ['avx512bf16', 'native .* in bf16'],
];

const skip = ((): string | false => {
  try {
    loadAddon();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
})();

describe('conformance of the native engine on lesser processors', { skip }, () => {
  for (const [features, families] of HIDDEN) {
    for (const file of ['engines.test.js', 'engines.long.test.js']) {
      test(`without ${features}: ${file}`, () => {
        const path = fileURLToPath(new URL(file, import.meta.url));
        const { NODE_TEST_CONTEXT: _, ...env } = process.env; // it would report to this test
        const { stdout, status } = spawnSync(
          process.execPath,
          ['--test', '--test-reporter=tap', `--test-name-pattern=${families}`, path],
          { env: { ...env, INKHORN_WITHOUT: features }, encoding: 'utf8', maxBuffer: 2 ** 28 },
        );
        assert.equal(status, 0, stdout.match(/^ *not ok .*/m)?.[0] ?? stdout.slice(-1000));
        const passed = Number(stdout.match(/^# pass (\d+)/m)?.[1]);
        if (file === 'engines.test.js') assert.ok(passed > 50, `${passed} tests passed`);
      });
    }
  }
});
