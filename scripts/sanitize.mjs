// Runs the native engine with the compiler's sanitizers: builds the addon again in build/sanitized, and loads
// it with the sanitizer's library. If the compiler or system has no sanitizer, it says so and succeeds. Each
// takes about two minutes.
//   node scripts/sanitize.mjs            both
//   node scripts/sanitize.mjs memory     addresses and undefined behaviour, over the engine's tests
//   node scripts/sanitize.mjs threads    data races, over a short training and generation
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-sanitize-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const compiler = process.env.CXX ?? 'c++';

/** Thrown when a sanitizer cannot run here. */
class Missing extends Error {}

// Node itself is built without sanitizers, so their library must be loaded before Node starts.
const KINDS = {
  memory: {
    flag: '-fsanitize=address,undefined',
    // Also the C++ library, whose functions the sanitizers wrap.
    libraries: ['libasan.so', 'libstdc++.so'],
    // A test program that must compile and run.
    tried: { source: 'int main() { return 0; }', status: 0 },
    // Node does not free everything at exit. One test requests more memory than there can be.
    env: {
      ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
    check: runTests,
  },
  threads: {
    flag: '-fsanitize=thread',
    libraries: ['libtsan.so'],
    // A test program whose race must be found.
    tried: {
      source:
        '#include <thread>\nint x; int main() { std::thread t([] { x = 1; }); x = 2; t.join(); return 0; }',
      status: 66,
    },
    env: { TSAN_OPTIONS: `exitcode=0:log_path=${join(folder, 'races')}` },
    check: findRaces,
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in KINDS));
if (unknown !== undefined) fail(`there is no ${unknown}, only ${Object.keys(KINDS).join(' and ')}`);
for (const [name, kind] of Object.entries(KINDS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  try {
    if (process.platform !== 'linux') throw new Missing(`only tried on Linux, this is ${process.platform}`);
    const libraries = kind.libraries.map(libraryOf);
    tryCompiler(kind);
    const addon = build(name);
    kind.check({ ...process.env, ...kind.env, INKHORN_ADDON: addon, LD_PRELOAD: libraries.join(' ') });
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    console.log(`sanitizers: ${name}: skipped: ${error.message}`);
  }
}

/** The path of a library of the compiler. */
function libraryOf(name) {
  let path = '';
  try {
    path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  } catch {
    throw new Missing(`there is no C++ compiler ${compiler}`);
  }
  if (!isAbsolute(path) || !existsSync(path)) throw new Missing(`${compiler} has no ${name}`);
  return realpathSync(path);
}

/** Whether a program with the sanitizer compiles here and ends as it should. */
function tryCompiler({ flag, tried: { source, status } }) {
  const [file, program] = [join(folder, 'try.cpp'), join(folder, 'try')];
  writeFileSync(file, `${source}\n`);
  if (spawnSync(compiler, [flag, '-pthread', file, '-o', program]).status !== 0)
    throw new Missing(`${compiler} does not link ${flag}`);
  if (spawnSync(program).status !== status) throw new Missing(`a program with ${flag} does not work here`);
}

/** Builds the addon; returns its path. */
function build(name) {
  execFileSync(process.execPath, [join(root, 'scripts', 'build-native.mjs'), '--sanitize', name], {
    stdio: 'inherit',
  });
  const place = join(root, 'build', 'sanitized', name);
  const { built, reason } = JSON.parse(readFileSync(join(place, 'native.json'), 'utf8'));
  if (!built) fail(`${name}: the addon did not build: ${reason}`);
  return join(place, 'Release', 'inkhorn.node');
}

function runTests(env) {
  for (const name of ['conformance/engines', 'unit/native', 'parity/parity']) {
    // Not with `node --test`, which hides what a test process prints at its end.
    const args = ['--test-reporter=dot', join(root, 'dist', 'test', `${name}.test.js`)];
    const options = { cwd: root, stdio: 'inherit', timeout: 600_000, env };
    const { status, signal } = spawnSync(process.execPath, args, options);
    if (status !== 0) fail(`test/${name} failed: ${signal ?? `status ${status}`}`);
  }
  console.log('sanitizers: memory: addresses and undefined behaviour, nothing found');
}

/** A training with evaluations, looks inside and samples, and a generation, on three threads. */
function findRaces(env) {
  const [text, run] = [join(folder, 'text.txt'), join(folder, 'run')];
  writeFileSync(text, 'The quick brown fox jumps over the lazy dog.\n'.repeat(200));
  const model = '--preset tiny --vocab-size 280 --n-layer 2 --n-embd 64 --n-head 4 --block-size 32';
  const course =
    '--steps 6 --batch-size 8 --eval-every 3 --eval-batches 2 --eval-method sampled --probe-every 2 --sample-every 3 --sample-tokens 8';
  const engine = '--backend native --threads 3';
  inkhorn(`train --data ${text} --out ${run} ${model} ${course} ${engine}`, env);
  inkhorn(`generate --model ${run} --tokens 40 ${engine}`, env);
  const reports = readdirSync(folder)
    .filter((name) => name.startsWith('races.'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split(/^=+$/m))
    .filter((report) => report.includes('WARNING: ThreadSanitizer'));
  const ours = reports.filter((report) => report.includes('inkhorn.node'));
  if (ours.length > 0) fail(`threads: ${ours.length} reports name the engine:\n${ours.join('\n')}`);
  // Races inside Node itself, which is not built for this sanitizer.
  console.log(`sanitizers: threads: no data race in the engine (${reports.length} reports in Node itself)`);
}

function inkhorn(line, env) {
  const args = [join(root, 'dist', 'src', 'cli', 'main.js'), ...line.split(' ')];
  const { status, signal, stderr } = spawnSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    timeout: 600_000,
  });
  if (status !== 0) fail(`inkhorn ${line}: ${signal ?? `status ${status}`}\n${stderr}`);
}

function fail(reason) {
  console.error(`sanitizers: ${reason}`);
  process.exit(1);
}
