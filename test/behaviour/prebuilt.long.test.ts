// What is installed beside the main package, as scripts/pack.mjs makes it: the engine for this platform and
// what pictures need; and a project without them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** Where esbuild says which module comes next. */
const NAME_IN_COMMENT = /^\/\/ .*node_modules\/((?:@[^/]+\/)?[^/]+)/gm;

interface Doctor {
  chosen: string;
  addon: { origin: string } | null;
  engines: { name: string; available: boolean; detail: string }[];
  pictures: { available: boolean; detail: string | null };
}

describe('a package of the native engine', { skip }, () => {
  const name = platformPackage();
  let project: PackedProject;
  let addon: string;
  let version: string;
  before(() => {
    project = packedProject(['@observablehq', 'dejavu-fonts-ttf', 'linkedom']);
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
    unpack(/^inkhorn-pictures/, 'node_modules/@inkhorn/pictures');
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
    assert.deepEqual(main.optionalDependencies, { '@inkhorn/pictures': version, [name]: version });
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
    assert.equal(tsc('--skipLibCheck false'), '');
    const read = tsc('--listFilesOnly').match(/inkhorn\/dist\/src\/.*/g) ?? [];
    const there = readdirSync(join(main, 'dist/src'), { recursive: true, encoding: 'utf8' });
    assert.equal(there.filter((file) => file.endsWith('.d.ts')).length, read.length);
  });

  test('comes with a package that draws the pictures', () => {
    writeFileSync(
      join(project.folder, 'text.txt'),
      'to be or not to be, that is the question.\n'.repeat(100),
    );
    const size = '--n-layer 1 --n-embd 8 --n-head 1 --block-size 8 --batch-size 2 --vocab-size 257';
    const run = project.sh(
      `npx inkhorn train --data text.txt --out run ${size} --steps 4 --eval-every 2 --probe-every 2`,
    );
    assert.equal(run.status, 0, run.stderr);
    assert.match(readFileSync(join(project.folder, 'run/report.html'), 'utf8'), /<figure class="chart/);
    const png = readFileSync(join(project.folder, 'run/figures/loss.png'));
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    const pictures = join(project.folder, 'node_modules/@inkhorn/pictures');
    const { dependencies } = JSON.parse(readFileSync(join(pictures, 'package.json'), 'utf8'));
    const { optionalDependencies: libraries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.deepEqual(dependencies, { '@resvg/resvg-js': libraries['@resvg/resvg-js'] });
    const licences = readFileSync(join(pictures, 'LICENSES'), 'utf8');
    const bundled = new Set(
      Array.from(
        readFileSync(join(pictures, 'index.js'), 'utf8').matchAll(NAME_IN_COMMENT),
        ([, name]) => name,
      ),
    );
    for (const one of [...bundled, 'dejavu-fonts-ttf'])
      assert.match(
        licences,
        new RegExp(`^${one} \\d+\\.\\d+\\.\\d+\n\n.*(icen[cs]e|opyright|onts are)`, 'm'),
      );
    assert.ok(bundled.size > 20 && bundled.has('d3-geo') && bundled.has('linkedom'), [...bundled].join(' '));
    const moved = join(project.folder, 'pictures');
    renameSync(pictures, moved);
    try {
      const { status, stderr } = project.sh('npx inkhorn inspect lens -t "To be" --out look');
      assert.equal(status, 1);
      const line = `no pictures: @inkhorn/pictures is not installed; \`npm install --save-optional @inkhorn/pictures@${version}\` brings`;
      assert.ok(stderr.includes(line), stderr);
      assert.ok(doctor().pictures.detail?.startsWith(line));
    } finally {
      renameSync(moved, pictures);
    }
  });

  test('of another version is named in one line, and the next engine taken', () => {
    const file = join(addon, '../package.json');
    const right = readFileSync(file, 'utf8');
    writeFileSync(file, right.replace(`"version": "${version}"`, '"version": "0.0.9"'));
    try {
      const report = doctor();
      const line = `${name} is of version 0.0.9, and inkhorn of ${version}: run \`npm install --save-optional --force ${name}@${version}\``;
      assert.deepEqual([report.chosen, native(report).detail], ['wasm', line]);
    } finally {
      writeFileSync(file, right);
    }
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
