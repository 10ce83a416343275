// Builds the WASM engine, src/backend/wasm/*.wasm, from native/: the same kernels, once with the relaxed SIMD
// instructions and once without. The files are part of the repository; whoever changes native/ runs this.
//
//   node scripts/build-wasm.mjs            builds both
//   node scripts/build-wasm.mjs --check    compares with the files that are there; fails where a byte differs
//
// Needs clang 19, lld 19 and their headers for WebAssembly; where they are missing it says so and does
// nothing. Debian: apt-get install clang-19 lld-19 libc++-19-dev-wasm32 wasi-libc
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
// 4 GiB less one page, so that an address one past the end is still a number of 32 bits.
const MOST_PAGES = 65535;
const PACKAGES = 'apt-get install clang-19 lld-19 libc++-19-dev-wasm32 wasi-libc';

const BUILDS = { simd128: [], relaxed: ['-mrelaxed-simd'] };
const COMPILE = [
  '--target=wasm32-wasi',
  '-std=gnu++20',
  '-stdlib=libc++',
  '-O3',
  '-DINKHORN_ISA=wasm',
  '-msimd128',
  '-matomics',
  '-mbulk-memory',
  '-mnontrapping-fptoint',
  '-msign-ext',
  '-mmutable-globals',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=off',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
];
const LINK = [
  '--no-entry',
  '--import-memory',
  '--shared-memory',
  `--max-memory=${MOST_PAGES * 65536}`,
  '--export=__stack_pointer',
  '--stack-first',
  '-z',
  'stack-size=262144',
  '--strip-all',
  '--gc-sections',
];

const missing = [
  ['clang-19', runs('clang-19')],
  ['lld-19', runs('wasm-ld-19')],
  ['libc++-19-dev-wasm32', existsSync('/usr/lib/llvm-19/include/wasm32-wasi/c++/v1/tuple')],
  ['wasi-libc', existsSync('/usr/lib/wasm32-wasi/libc.a')],
].filter(([, found]) => !found);
if (missing.length > 0) {
  const names = missing.map(([name]) => name).join(', ');
  console.log(`The WASM engine was not ${check ? 'checked' : 'built'}: no ${names} (Debian: ${PACKAGES}).`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'inkhorn-wasm-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const sources = [
  ...readdirSync(join(root, 'native/kernels')).map((file) => join('native/kernels', file)),
  ...readdirSync(join(root, 'native/wasm')).map((file) => join('native/wasm', file)),
  'native/entries.cpp',
  'native/team.cpp',
]
  .filter((file) => file.endsWith('.cpp'))
  .sort();

let differ = 0;
for (const [build, flags] of Object.entries(BUILDS)) {
  const bytes = await make(build, flags);
  const file = join(root, 'src/backend/wasm', `${build}.wasm`);
  const size = `${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`;
  if (!check) {
    writeFileSync(file, bytes);
    console.log(`${build}.wasm: ${size}`);
  } else if (existsSync(file) && readFileSync(file).equals(bytes)) {
    console.log(`${build}.wasm: as built from native/, ${size}`);
  } else {
    differ++;
    console.error(
      `${build}.wasm is not what native/ gives: run \`node scripts/build-wasm.mjs\` and commit it`,
    );
  }
}
process.exit(differ > 0 ? 1 : 0);

/** The bytes of one build. */
async function make(build, flags) {
  const objects = join(folder, build);
  mkdirSync(objects);
  const names = sources.map((source) => join(objects, `${source.replaceAll('/', '-')}.o`));
  // A few at a time, by xargs-like turns of spawnSync in the shell: make is not needed for twenty files.
  const lines = sources.map(
    (source, i) => `clang-19 ${[...COMPILE, ...flags, '-c', source, '-o', names[i]].join(' ')}`,
  );
  const input = `${lines.join('\n')}\n`;
  run('xargs', ['-P', String(availableParallelism()), '-I', '{}', 'sh', '-c', '{}'], { input });
  const target = join(objects, `${build}.wasm`);
  run('wasm-ld-19', [...LINK, ...names, '/usr/lib/wasm32-wasi/libc.a', '-o', target]);
  return readFileSync(target);
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['pipe', 'inherit', 'inherit'],
    ...options,
  });
  if (status === 0) return;
  console.error(`${command} failed${error ? `: ${error.message}` : ''}`);
  process.exit(1);
}

function runs(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}
