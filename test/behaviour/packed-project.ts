// A project that has the published package: the tarball, unpacked, and beside it everything that is installed
// here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

export interface PackedProject {
  folder: string;
  /** The tarball as it would be published. */
  tarball: string;
  /** Runs a command line in the project, as a person would. */
  sh(line: string): { status: number | null; stdout: string; stderr: string };
  remove(): void;
}

/** Makes the project. The packages in `without` are not installed in it. */
export function packedProject(without: readonly string[] = []): PackedProject {
  const folder = mkdtempSync(join(tmpdir(), 'inkhorn-project-'));
  const sh: PackedProject['sh'] = (line) => {
    // A PATH without the programs of the tests' own npm, and no network.
    const path = (process.env.PATH ?? '').split(':').filter((part) => !part.endsWith('node_modules/.bin'));
    const env = { ...process.env, PATH: path.join(':'), npm_config_offline: 'true', NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: folder, encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const packed = sh(`npm pack --json --ignore-scripts --pack-destination '${folder}' '${root}'`);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  mkdirSync(join(folder, 'node_modules/inkhorn'), { recursive: true });
  mkdirSync(join(folder, 'node_modules/.bin'));
  assert.equal(sh(`tar -xzf ${filename} --strip-components 1 -C node_modules/inkhorn`).status, 0);
  symlinkSync('../inkhorn/dist/src/cli/main.js', join(folder, 'node_modules/.bin/inkhorn'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "a-project", "private": true, "type": "module" }');
  const installed = readdirSync(join(root, 'node_modules')).filter((name) => !name.startsWith('.'));
  for (const name of installed)
    if (!without.includes(name))
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  return { folder, tarball: join(folder, filename), sh, remove: () => rmSync(folder, { recursive: true }) };
}
