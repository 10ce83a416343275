// Builds the native engine (build/Release/inkhorn.node) with whatever C++ compiler there is. Does nothing when the
// sources have not changed since, and leaves the rest of Inkhorn usable when there is no compiler. Downloads nothing.
// `--sanitize`: the build of sanitize.mjs, in build/sanitized.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sanitize = process.argv.includes('--sanitize');
const build = join(root, 'build', sanitize ? 'sanitized' : '.');
const addon = join(build, 'Release', 'inkhorn.node');
// What the last build ended with, for the next one and for the error message of `createNative`.
const recordFile = join(build, 'native.json');
const require = createRequire(join(root, 'package.json'));

const fingerprint = fingerprintOfSources();
const last = readRecord();
if (last.fingerprint === fingerprint && last.built && existsSync(addon)) process.exit(0);
// A build folder made elsewhere (a moved or copied repository) or by another Node: CMake would refuse it.
if (last.place !== undefined && last.place !== place()) rmSync(build, { recursive: true, force: true });

const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(runs);
if (!compiler) {
  const fix =
    'install g++ or clang (Debian: apt-get install g++; macOS: xcode-select --install) and run `npm run build`';
  skip('no C++ compiler was found', fix);
} else {
  compile();
}

function compile() {
  const cmakeJs = resolve('cmake-js/package.json');
  if (!cmakeJs) return skip('cmake-js is not installed', 'run `npm install` in the repository of Inkhorn');
  console.log(`Building the native engine with ${compiler} (half a minute, once) ...`);
  const started = Date.now();
  const args = [
    'build',
    '--log-level',
    'error',
    '--directory',
    root,
    '--out',
    build,
    '--parallel',
    `${availableParallelism()}`,
    ...(sanitize ? ['--CDINKHORN_SANITIZE=ON'] : []),
  ];
  const result = spawnSync(process.execPath, [join(dirname(cmakeJs), 'bin', 'cmake-js'), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CXX: compiler, PATH: systemFirst(process.env.PATH ?? '') },
  });
  if (result.status === 0 && existsSync(addon)) {
    record({ built: true });
    console.log(`Built the native engine in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
    return;
  }
  console.error(`${result.stdout}\n${result.stderr}`);
  console.error('The native engine did not compile (see above); Inkhorn works without it, slower.');
  record({ built: false, reason: 'its compilation failed', fix: 'run `npm run build` to see the errors' });
  // Where the project itself is checked, a broken build must not pass.
  if (process.env.CI) process.exitCode = 1;
}

function skip(reason, fix) {
  console.log(
    `The native engine was not built: ${reason}. Inkhorn works without it, slower. To have it, ${fix}.`,
  );
  record({ built: false, reason, fix });
}

function record(outcome) {
  mkdirSync(build, { recursive: true });
  writeFileSync(recordFile, `${JSON.stringify({ fingerprint, place: place(), ...outcome }, null, 2)}\n`);
  if (!outcome.built) rmSync(addon, { force: true });
}

/** What the last run noted; nothing where it was killed while it wrote. */
function readRecord() {
  try {
    return JSON.parse(readFileSync(recordFile, 'utf8')) ?? {};
  } catch {
    return {};
  }
}

/** The path with npm's programs last: its CMake and Ninja are for machines that have none of their own. */
function systemFirst(path) {
  const folders = path.split(delimiter).filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  return [...folders, join(root, 'node_modules', '.bin')].join(delimiter);
}

/** A hash of everything that the addon is made of. */
function fingerprintOfSources() {
  const hash = createHash('sha256').update(place());
  const sources = readdirSync(join(root, 'native'), { recursive: true }).filter((file) =>
    /\.(h|cpp)$/.test(file),
  );
  for (const file of [...sources.sort().map((file) => join('native', file)), 'CMakeLists.txt']) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function place() {
  return `${root} ${process.platform} ${process.arch}`;
}

function runs(command) {
  if (!command) return false;
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function resolve(name) {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}
