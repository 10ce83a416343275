// Builds the native engine for every platform on this machine: by CMakeLists.txt, with the clang, the C
// libraries and the linker of the Python package ziglang, in the version below. The same sources give the
// same bytes. What is unchanged is not compiled again: Ninja's objects are in build/cross.
//   node scripts/prebuild.mjs [PLATFORM ...] [--zig FILE] [--jobs 2] [--out build/prebuilt]
//   node scripts/prebuild.mjs linux-arm64-gnu --compiler aarch64-linux-gnu-g++ --out build/crossed
// Without a name: every platform. Makes OUT/PLATFORM/inkhorn.node, for pack.mjs. Runs after the TypeScript
// compiler, on Linux. --zig: a zig that is installed; without it, Python installs it in build/zig (400 MB).
// --compiler: a compiler for one platform instead of zig, with the libraries that it brings. For tests.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findPackage, npmPrograms } from '../dist/src/backend/native/toolchain.js';

const ZIG = '0.17.1';
const LARGEST = 2e6; // bytes
/** CMake's names for the system and the processor, and zig's target. glibc 2.28: Debian 10, RHEL 8. */
const PLATFORMS = {
  'linux-x64-gnu': ['Linux', 'x86_64', 'x86_64-linux-gnu.2.28'],
  'linux-x64-musl': ['Linux', 'x86_64', 'x86_64-linux-musl'],
  'linux-arm64-gnu': ['Linux', 'aarch64', 'aarch64-linux-gnu.2.28'],
  'linux-arm64-musl': ['Linux', 'aarch64', 'aarch64-linux-musl'],
  'win32-x64': ['Windows', 'x86_64', 'x86_64-windows-gnu'],
  'darwin-arm64': ['Darwin', 'arm64', 'aarch64-macos.11.0'],
  'darwin-x64': ['Darwin', 'x86_64', 'x86_64-macos.11.0'],
};

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    zig: { type: 'string' },
    compiler: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: join(root, 'build/prebuilt') },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(PLATFORMS);
for (const name of names)
  if (!Object.hasOwn(PLATFORMS, name)) stop(`${name}: expected some of ${Object.keys(PLATFORMS).join(', ')}`);
if (!/^[1-9]\d*$/.test(options.jobs)) stop(`--jobs ${options.jobs}: expected a whole number from 1 on`);

const { compiler } = options;
if (compiler !== undefined && names.length !== 1)
  stop(`--compiler ${compiler}: expected the name of one platform`);
const zig = compiler === undefined ? chosenZig() : undefined;
for (const [at, name] of names.entries()) build(name, `${at + 1} of ${names.length}`);

function build(name, place) {
  const begun = Date.now();
  console.log(`${name} (${place}):`);
  const folder = join(
    root,
    'build/cross',
    [name, ...(compiler === undefined ? [] : [basename(compiler)])].join('+'),
  );
  mkdirSync(folder, { recursive: true });
  const cache = join(folder, 'CMakeCache.txt');
  // CMake forgets our settings where another zig was used last time.
  const fresh =
    existsSync(cache) && !readFileSync(cache, 'utf8').includes(compiler ?? zig) ? ['--fresh'] : [];
  const quiet = ['-G', 'Ninja', '--log-level=WARNING'];
  run('cmake', [...fresh, '-S', root, '-B', folder, ...quiet, ...settings(name, folder)]);
  run('cmake', ['--build', folder, '--parallel', options.jobs]);
  const addon = join(options.out, name, 'inkhorn.node');
  mkdirSync(join(options.out, name), { recursive: true });
  copyFileSync(join(folder, 'inkhorn.node'), `${addon}.new`);
  renameSync(`${addon}.new`, addon);
  const bytes = readFileSync(addon);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const seconds = Math.round((Date.now() - begun) / 1000);
  console.log(`  ${addon}: ${bytes.length} bytes, sha256 ${sha256}, ${seconds} s`);
  if (bytes.includes(root)) stop(`${addon} holds the path ${root}: it has other bytes in another folder`);
  if (bytes.length > LARGEST) stop(`${name} has ${bytes.length} bytes: a package may bring ${LARGEST}`);
}

function settings(name, folder) {
  const [system, processor, target] = PLATFORMS[name];
  const headers = findPackage('node-api-headers');
  const values = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_SYSTEM_NAME: system,
    CMAKE_SYSTEM_PROCESSOR: processor,
    ...(compiler === undefined
      ? { CMAKE_CXX_COMPILER: `${zig};c++`, CMAKE_CXX_COMPILER_TARGET: target }
      : { CMAKE_CXX_COMPILER: compiler }),
    CMAKE_CXX_FLAGS: `"-ffile-prefix-map=${root}="`,
    CMAKE_MODULE_LINKER_FLAGS: '-s',
    // Without this name the library has that of its folder here in it. Node loads it by its path.
    CMAKE_SHARED_LINKER_FLAGS: '-s -Wl,-install_name,@rpath/inkhorn.node',
    // Trying whether the compiler works would compile the C++ library once more, for an executable.
    CMAKE_TRY_COMPILE_TARGET_TYPE: 'STATIC_LIBRARY',
    CMAKE_JS_INC: `${join(headers, 'include')};${findPackage('node-addon-api')}`,
    INKHORN_ALL_ISAS: 'ON',
    ...(system === 'Windows' && {
      CMAKE_JS_LIB: importLibrary(headers, folder),
      CMAKE_CXX_STANDARD_LIBRARIES: '',
    }),
  };
  return Object.entries(values).map(([key, value]) => `-D${key}=${value}`);
}

/** Makes the library by which an addon for Windows finds the functions of node.exe. */
function importLibrary(headers, folder) {
  // Both files begin with the same two lines, NAME and EXPORTS.
  const [first, second] = ['node_api.def', 'js_native_api.def'].map((file) =>
    readFileSync(join(headers, 'def', file), 'utf8').split('\n'),
  );
  const definition = join(folder, 'node.def');
  writeFileSync(definition, [...first, ...second.slice(2)].join('\n'));
  const library = join(folder, 'node.lib');
  run(zig, ['dlltool', '-d', definition, '-D', 'node.exe', '-m', 'i386:x86-64', '-l', library]);
  return library;
}

/** The zig of the options, or an installed one. */
function chosenZig() {
  const zig = options.zig === undefined ? installedZig() : resolve(options.zig);
  const version = read(zig, 'version');
  if (version !== ZIG) stop(`${zig} is zig ${version}: expected ${ZIG}, other versions make other bytes`);
  return zig;
}

/** Installs zig in a virtual environment of Python, if it is not there. Returns the path of the program. */
function installedZig() {
  const folder = join(root, 'build/zig');
  const python = join(folder, 'bin/python');
  if (!existsSync(python)) run('python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `ziglang==${ZIG}`]);
  return join(read(python, '-c', 'import ziglang; print(ziglang.__path__[0])'), 'zig');
}

/** Runs a program, with the CMake and the Ninja that npm installs: their versions are in the lockfile. */
function run(program, args) {
  const env = { ...process.env, PATH: [...npmPrograms(), process.env.PATH].join(delimiter) };
  try {
    execFileSync(program, args, { env, stdio: 'inherit' });
  } catch (error) {
    stop(
      error.status === null || error.status === undefined ? error.message : `${program} failed (see above)`,
    );
  }
}

function read(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8' }).trim();
}

function stop(message) {
  console.error(`prebuild: ${message}`);
  process.exit(1);
}
