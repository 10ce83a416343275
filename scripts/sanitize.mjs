// Runs the native engine's tests once with the address and undefined-behaviour sanitizers: builds the addon a second time, in
// build/sanitized, and loads it below them. Says why, and succeeds, where the compiler or the system has none. Takes two minutes.
//   node scripts/sanitize.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const build = join(root, 'build', 'sanitized');
const TESTS = ['conformance/native', 'unit/native', 'parity/parity'];

if (process.platform !== 'linux') skip(`only tried on Linux, this is ${process.platform}`);
const compiler = process.env.CXX ?? 'c++';
// Node is not built with them, so that their library has to be there before it starts; and the C++ library, whose
// functions the sanitizers wrap.
const libraries = ['libasan.so', 'libstdc++.so'].map(libraryOf);
tryCompiler();

execFileSync(process.execPath, [join(root, 'scripts', 'build-native.mjs'), '--sanitize'], {
  stdio: 'inherit',
});
const { built, reason } = JSON.parse(readFileSync(join(build, 'native.json'), 'utf8'));
if (!built) fail(`the addon did not build with the sanitizers: ${reason}`);

const env = {
  ...process.env,
  INKHORN_ADDON: join(build, 'Release', 'inkhorn.node'),
  LD_PRELOAD: libraries.join(' '),
  // Node does not free everything at its end. A test asks for more memory than there can be.
  ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
};
for (const name of TESTS) {
  // Not by `node --test`, which hides what the process of a test says at its end.
  const args = ['--test-reporter=dot', join(root, 'dist', 'test', `${name}.test.js`)];
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    timeout: 300_000,
    env,
  });
  if (status !== 0) fail(`test/${name} failed: ${signal ?? `status ${status}`}`);
}
console.log('sanitizers: address and undefined behaviour, nothing found');

/** Where the compiler has a library; skips when it has it not. */
function libraryOf(name) {
  let path = '';
  try {
    path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  } catch {
    skip(`there is no C++ compiler ${compiler}`);
  }
  if (!isAbsolute(path) || !existsSync(path)) skip(`${compiler} has no ${name}`);
  return realpathSync(path);
}

/** Skips when a program with the sanitizers does not compile or run here. */
function tryCompiler() {
  const folder = mkdtempSync(join(tmpdir(), 'inkhorn-sanitize-'));
  const [source, program] = [join(folder, 'try.cpp'), join(folder, 'try')];
  writeFileSync(source, 'int main() { return 0; }\n');
  const compiled = spawnSync(compiler, ['-fsanitize=address,undefined', source, '-o', program]);
  const ran = compiled.status === 0 && spawnSync(program).status === 0;
  rmSync(folder, { recursive: true });
  if (compiled.status !== 0) skip(`${compiler} does not link -fsanitize=address,undefined`);
  if (!ran) skip('a program with them does not run here');
}

function skip(reason) {
  console.log(`sanitizers: skipped: ${reason}`);
  process.exit(0);
}

function fail(reason) {
  console.error(`sanitizers: ${reason}`);
  process.exit(1);
}
