// What a page loads of Inkhorn, in bytes as servers send them: bundled and minified by esbuild, compressed by
// gzip. Fails above the limit. Needs a build (`npm run build`).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bytes, gzipped, of the whole core with both builds of the WASM engine. */
const LIMIT = 400_000;

const src = join(import.meta.dirname, '../dist/src');
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
console.log(`${''.padStart(10)}${kilobytes(total)}  core + WASM, of at most ${LIMIT / 1000} kB`);
if (total > LIMIT) {
  console.error(`core + WASM have ${total} bytes gzipped: the limit is ${LIMIT}`);
  process.exit(1);
}
