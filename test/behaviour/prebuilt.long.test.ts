// The engine as an installed package for this platform, as scripts/pack.mjs makes it; and without it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findAddon, platformPackage } from '../../src/backend/native/addon-file.ts';
import { createNative } from '../../src/backend/native/index.ts';
import { type PackedProject, packedProject, root } from './packed-project.ts';

const skip = await createNative({ threads: 1 }).then(
  (engine) => {
    engine.dispose();
    return findAddon().origin !== 'built here' && 'the native engine is not built here';
  },
  (error: Error) => error.message,
);

interface Doctor {
  chosen: string;
  addon: { origin: string } | null;
  engines: { name: string; available: boolean; detail: string }[];
}

describe('a package of the native engine', { skip }, () => {
  const name = platformPackage();
  let project: PackedProject;
  let addon: string;
  let version: string;
  before(() => {
    project = packedProject();
    const packages = join(project.folder, 'packages');
    execFileSync(process.execPath, [join(root, 'scripts/pack.mjs'), '--own', '--out', packages]);
    const unpack = (tarballs: RegExp, to: string): void => {
      const tarball = readdirSync(packages).find((file) => tarballs.test(file)) ?? '';
      rmSync(join(project.folder, to), { recursive: true, force: true });
      mkdirSync(join(project.folder, to), { recursive: true });
      execFileSync('tar', ['-xzf', join(packages, tarball), '--strip-components', '1', '-C', to], {
        cwd: project.folder,
      });
    };
    unpack(/^inkhorn-\d/, 'node_modules/inkhorn');
    unpack(/^inkhorn-native/, `node_modules/${name}`);
    addon = join(project.folder, 'node_modules', name, 'inkhorn.node');
    ({ version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  });
  after(() => project.remove());

  const doctor = (): Doctor => JSON.parse(project.sh('npx inkhorn doctor --json').stdout);
  const native = ({ engines }: Doctor): { available: boolean; detail: string } =>
    engines.filter((engine) => engine.name === 'native')[0];

  test('is taken, and said to be', () => {
    const { chosen, addon } = doctor();
    assert.deepEqual([chosen, addon?.origin], ['native', `${name} ${version}`]);
    const { stdout, stderr } = project.sh('npx inkhorn generate --prompt ROMEO: --tokens 20 --seed 1');
    assert.match(stdout, /^ROMEO:/);
    assert.match(stderr, /engine: native/);
  });

  test('has no scripts, and is for one platform', () => {
    const manifest = JSON.parse(readFileSync(join(addon, '../package.json'), 'utf8'));
    assert.equal(manifest.scripts, undefined);
    assert.deepEqual([manifest.os, manifest.cpu], [[process.platform], [process.arch]]);
    const main = JSON.parse(readFileSync(join(project.folder, 'node_modules/inkhorn/package.json'), 'utf8'));
    assert.equal(main.optionalDependencies[name], version);
  });

  test('comes with a main package that has the types of its doors, and no others', () => {
    const main = join(project.folder, 'node_modules/inkhorn');
    const { exports } = JSON.parse(readFileSync(join(main, 'package.json'), 'utf8'));
    const doors = Object.keys(exports).filter((door) => door !== './package.json');
    const uses = doors.map((door, i) => `export * as door${i} from '${join('inkhorn', door)}';\n`);
    writeFileSync(join(project.folder, 'doors.ts'), uses.join(''));
    const tsc = (...options: string[]): string => {
      const { stdout } = project.sh(
        `node '${join(root, 'node_modules/typescript/bin/tsc')}' --strict --noEmit --module nodenext --types node ${options.join(' ')} doors.ts`,
      );
      return stdout;
    };
    // Plot's own declarations name packages of types that few projects have.
    assert.doesNotMatch(tsc('--skipLibCheck false'), /inkhorn\/dist\/src\//);
    const read = tsc('--listFilesOnly').match(/inkhorn\/dist\/src\/.*/g) ?? [];
    const there = readdirSync(join(main, 'dist/src'), { recursive: true, encoding: 'utf8' });
    assert.equal(there.filter((file) => file.endsWith('.d.ts')).length, read.length);
  });

  test('that does not load is named in one line, and the next engine taken', () => {
    const whole = readFileSync(addon);
    const altered = Buffer.from(whole);
    altered[whole.length >> 1] ^= 1;
    // The system would end the process with a file whose end is missing.
    const damaged = [Buffer.from('no addon'), Buffer.alloc(0), whole.subarray(0, 300_000), altered];
    try {
      for (const bytes of damaged) {
        writeFileSync(addon, bytes);
        const report = doctor();
        const line = `inkhorn.node does not load: its ${bytes.length} bytes are damaged .*; run \`npm install --save-optional --force ${name}@${version}\`$`;
        assert.match(native(report).detail, new RegExp(line));
        assert.deepEqual([report.chosen, report.addon], ['wasm', null]);
      }
    } finally {
      writeFileSync(addon, whole);
    }
  });

  test('that is not installed is asked for in one line, and the next engine taken', () => {
    rmSync(join(addon, '..'), { recursive: true });
    const report = doctor();
    const line = new RegExp(`^${name} is not installed: .*; run \`npm install .*${name}@${version}\`$`);
    assert.match(native(report).detail, line);
    assert.equal(report.chosen, 'wasm');
  });
});
