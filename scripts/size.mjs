// What Inkhorn weighs. Fails above a limit. Needs a build (`npm run build`).
// In a page: bytes as servers send them, bundled and minified by esbuild, compressed by gzip.
// Installed by npm: what it writes for `npm install --omit=optional inkhorn`, in blocks of a disk.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { innerTypes } from './inner-types.mjs';

/** Bytes of the whole core with both builds of the WASM engine, gzipped. */
const PAGE_LIMIT = 400_000;
/** Bytes of the unpacked package, as npm counts them. */
const PACKAGE_LIMIT = 12e6;
/** Bytes on disk, and packages. */
const DISK_LIMIT = 20e6;
const PACKAGES_LIMIT = 40;

const root = join(import.meta.dirname, '..');
const src = join(root, 'dist/src');
const bundles = [
  ['the core, everything that `inkhorn` exports', 'platform/browser.js', true],
  ['the stores of a page, `inkhorn/browser`', 'platform/browser-files.js', false],
  ['the worker of `openWorker`, which has the core again', 'platform/browser-worker-script.js', false],
  ['a thread of the WASM engine', 'platform/browser-wasm-worker.js', true],
];
const engines = [
  ['the WASM engine, relaxed SIMD', 'backend/wasm/relaxed.wasm', true],
  ['the WASM engine, SIMD128: a page loads one of the two', 'backend/wasm/simd128.wasm', true],
];

const rows = [];
for (const [what, file, counts] of bundles) {
  const { outputFiles } = await build({
    entryPoints: [join(src, file)],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  rows.push({ what, bytes: outputFiles[0].contents, counts });
}
for (const [what, file, counts] of engines) rows.push({ what, bytes: readFileSync(join(src, file)), counts });

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);
let total = 0;
console.log('  minified   gzipped');
for (const { what, bytes, counts } of rows) {
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  if (counts) total += gzipped;
  console.log(`${kilobytes(bytes.length)}${kilobytes(gzipped)}  ${what}${counts ? '' : ' (not in the sum)'}`);
}
console.log(`${''.padStart(10)}${kilobytes(total)}  core + WASM, of at most ${PAGE_LIMIT / 1000} kB`);
limit('core + WASM, bytes gzipped', total, PAGE_LIMIT);

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`.padStart(10);
const [{ files: all }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
);
const inner = new Set(innerTypes(realpathSync(root)));
const files = all.filter(({ path }) => !inner.has(path));
const unpackedSize = files.reduce((sum, { size }) => sum + size, 0);
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const needed = Object.entries(packages)
  .filter(([path, { dev, optional, devOptional, peer, link }]) => {
    return path.startsWith('node_modules/') && !(dev || optional || devOptional || peer || link);
  })
  .map(([path]) => join(root, path));
const own = onDisk(files.map(({ size }) => size));
const others = onDisk(needed.flatMap(sizesIn));
console.log('\n  unpacked   on disk');
console.log(`${megabytes(unpackedSize)}${megabytes(own)}  the package, ${files.length} files`);
console.log(`${''.padStart(10)}${megabytes(others)}  the ${needed.length} packages that it needs`);
console.log(
  `${''.padStart(10)}${megabytes(own + others)}  all that npm installs, of at most ${DISK_LIMIT / 1e6} MB`,
);
limit('the unpacked package, bytes', unpackedSize, PACKAGE_LIMIT);
limit('on disk, bytes', own + others, DISK_LIMIT);
limit('packages', needed.length + 1, PACKAGES_LIMIT);

function onDisk(sizes) {
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 4096) * 4096, 0);
}

/** The sizes of all files of a package, without the packages within it. */
function sizesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sizesIn(path);
    return statSync(path).size;
  });
}

function limit(what, value, most) {
  if (value <= most) return;
  console.error(`${what}: ${value}, and the limit is ${most}`);
  process.exitCode = 1;
}
