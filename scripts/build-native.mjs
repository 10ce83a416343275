// Builds the native engine (build/Release/inkhorn.node) with the C++ compiler that it finds. Does nothing if
// the sources have not changed. Without a compiler it leaves the rest of Inkhorn usable. Downloads nothing.
// Runs after the TypeScript compiler. Forked by another program (src/cli/native-build.ts) it prints nothing,
// sends that program its progress, lets others go first, and ends with it. `--check`: only reports by its
// exit code whether there is nothing to build. `--all`: kernels for every processor of this kind, not only
// for this one. `--sanitize memory` or `threads`: the builds of sanitize.mjs, in build/sanitized.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, constants, cpus, getPriority, setPriority } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  findPackage,
  missingTools,
  nativeAdvice,
  npmPrograms,
} from '../dist/src/backend/native/toolchain.js';

/** Requests to end. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'];

const OTHERS = 'Inkhorn works without it: `npx inkhorn doctor` shows by which engine.';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const all = process.argv.includes('--all');
const sanitize = process.argv.includes('--sanitize') ? process.argv.at(-1) : null;
const build = join(root, 'build', sanitize === null ? '.' : join('sanitized', sanitize));
const addon = join(build, 'Release', 'inkhorn.node');
/** What the linker writes. It gets its name when it is whole: another process may look for it meanwhile. */
const linked = join(build, 'Release', 'linked.node');
// The result of the last build, for the next one and for the error message of `createNative`.
const recordFile = join(build, 'native.json');

const fingerprint = fingerprintOfSources();
const last = readRecord();
const forHere = last.all || (!all && last.processor === processor());
if (last.fingerprint === fingerprint && forHere && last.built && existsSync(addon)) process.exit(0);
if (process.argv.includes('--check')) process.exit(1);
// A build folder made elsewhere (a moved or copied repository) or by another Node is deleted: CMake would
// refuse it.
if (last.place !== undefined && last.place !== place()) rmSync(build, { recursive: true, force: true });

const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(runs);
const missing = missingTools();
if (!compiler) {
  skip(
    'no C++ compiler was found',
    'install g++ or clang (Debian: apt-get install g++; macOS: xcode-select --install)',
  );
} else if (missing.length > 0) {
  skip(
    `${missing.map((name) => name.replace(/@.*/, '')).join(', ')} ${missing.length > 1 ? 'are' : 'is'} not installed`,
  );
} else {
  await compile();
}
if (process.connected) process.disconnect();

async function compile() {
  say(`Building the native engine with ${compiler}: a minute or more, once.`);
  const args = [
    '--log-level',
    'error',
    '--directory',
    root,
    '--out',
    build,
    '--parallel',
    `${availableParallelism()}`,
    `--CDINKHORN_ALL_ISAS=${all ? 'ON' : 'OFF'}`,
    '--CDINKHORN_ADDON=linked',
    ...(sanitize === null ? [] : [`--CDINKHORN_SANITIZE=${sanitize}`]),
  ];
  const progress = createProgress();
  if (process.connected) {
    setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));
    process.send({ done: 0, total: 0 });
  }
  const program = join(findPackage('cmake-js'), 'bin', 'cmake-js');
  // Alone, `build` would keep the options with which an earlier version of this script configured the folder.
  let { status, output } = await run(program, ['configure', ...args], progress.line);
  if (status === 0) ({ status, output } = await run(program, ['build', ...args], progress.line));
  const seconds = progress.end();
  if (status === 0 && existsSync(linked)) {
    copyFileSync(linked, `${addon}.new`);
    renameSync(`${addon}.new`, addon);
    record({ built: true });
    say(`Built the native engine in ${seconds} s.`);
    return;
  }
  if (!process.connected) console.error(output);
  say(`The native engine did not compile (see above). ${OTHERS}`, console.error);
  record({ built: false, reason: 'its compilation failed (another try shows the errors)' });
  // In CI a broken build must fail.
  if (process.env.CI) process.exitCode = 1;
}

/** The program that asked may be gone. */
function ignore() {}

/** Prints a line, unless another program runs this. */
function say(line, print = console.log) {
  if (!process.connected) print(line);
}

/**
 * Runs a script of npm. `onLine` gets each line of its output. It and all that it starts are a group of
 * processes, which ends with this one.
 */
function run(script, args, onLine) {
  const group = process.platform !== 'win32';
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, CXX: compiler, PATH: systemFirst(process.env.PATH ?? '') },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
  });
  const stop = (signal = 'SIGTERM') => {
    stopStopping();
    try {
      // Ninja passes SIGTERM on to its compilers, which are in groups of their own.
      process.kill(group ? -child.pid : child.pid, 'SIGTERM');
    } catch {} // it has ended by itself
    process.kill(process.pid, signal);
  };
  const stopStopping = () => {
    for (const event of [...ENDINGS, 'disconnect']) process.removeListener(event, stop);
  };
  for (const signal of ENDINGS) process.on(signal, stop);
  if (process.connected) process.on('disconnect', stop);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      for (const line of text.split('\n')) onLine(line);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      stopStopping();
      resolve({ status, output });
    });
  });
}

/** Shows progress: on a terminal in one line that changes, elsewhere in a line every ten seconds. */
function createProgress() {
  const begun = Date.now();
  const terminal = process.stdout.isTTY && process.stdout.columns > 40 && process.env.TERM !== 'dumb';
  const seconds = () => Math.round((Date.now() - begun) / 1000);
  let done = 'preparing';
  const show = () => {
    const line = `  ${done}, ${seconds()} s`;
    process.stdout.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
  };
  const timer = process.connected ? undefined : setInterval(show, terminal ? 500 : 10_000);
  return {
    /** Takes a line of Ninja (`[12/72] Building ...`) or Make (`[ 12%] Building ...`). */
    line(text) {
      const [, count, total, share] = text.match(/^\[\s*(?:(\d+)\/(\d+)|(\d+)%)\]/) ?? [];
      if (total > 2) done = `${count} of ${total} steps`;
      else if (share !== undefined) done = `${share} %`;
      else return;
      if (process.connected)
        process.send({ done: Number(count ?? share), total: Number(total ?? 100) }, ignore);
    },
    /** Returns the seconds it took. */
    end() {
      clearInterval(timer);
      if (terminal) process.stdout.write('\r\u001b[K');
      return seconds();
    },
  };
}

function skip(reason, fix) {
  say(`The native engine was not built: ${reason}. ${OTHERS} To have it, ${nativeAdvice(fix)}.`);
  record({ built: false, reason, fix });
}

function record(outcome) {
  try {
    mkdirSync(build, { recursive: true });
    writeFileSync(
      recordFile,
      `${JSON.stringify({ fingerprint, place: place(), processor: processor(), all, ...outcome }, null, 2)}\n`,
    );
    if (!outcome.built) rmSync(addon, { force: true });
  } catch (error) {
    console.error(`${build} cannot be written to: ${error.message}`); // a package installed by another user
  }
}

/** The record of the last build; empty if it was killed while writing. */
function readRecord() {
  try {
    return JSON.parse(readFileSync(recordFile, 'utf8')) ?? {};
  } catch {
    return {};
  }
}

/** PATH with npm's programs last: its CMake and Ninja are for machines without their own. */
function systemFirst(path) {
  const folders = path.split(delimiter).filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  return [...folders, ...npmPrograms()].join(delimiter);
}

/** A hash of everything that the addon is built from. */
function fingerprintOfSources() {
  const hash = createHash('sha256').update(place());
  // What only the WASM engine is made of (build-wasm.mjs) is none of them.
  const sources = readdirSync(join(root, 'native'), { recursive: true }).filter((file) =>
    /^(?!wasm\/|simd\/wasm).*\.(h|cpp)$/.test(file),
  );
  for (const file of [...sources.sort().map((file) => join('native', file)), 'CMakeLists.txt']) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** The one for which the build has kernels, unless it has them all: its features where Linux lists them. */
function processor() {
  const model = cpus()[0]?.model ?? 'unknown';
  if (!existsSync('/proc/cpuinfo')) return model;
  const [, flags = ''] = readFileSync('/proc/cpuinfo', 'utf8').match(/^flags\s*:(.*)$/m) ?? [];
  return [model, ...flags.split(' ').filter((flag) => /^(avx|fma|f16c|bmi)/.test(flag))].join(' ');
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
