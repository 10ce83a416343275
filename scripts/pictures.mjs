// The libraries that draw pictures as one module with its fonts, for the package @inkhorn/pictures: they are
// fifty packages of two thousand files, and npm takes its time for each. Only the rasteriser stays a package
// of its own, since it has one for each platform.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { FONTS, fontFolder } from '../dist/src/png/libraries.js';

const root = join(import.meta.dirname, '..');

/** The module for which the package stands, in the main package. */
export const LIBRARIES = 'dist/src/png/libraries.js';

const RASTERISER = '@resvg/resvg-js';
const LICENCES = 'LICENSES';

/** Writes the package's files into `folder`. Returns what its manifest says of them. */
export function bundlePictures(folder) {
  const { outputs } = buildSync({
    stdin: { contents: entry(), resolveDir: root },
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    absWorkingDir: root,
    metafile: true,
    banner: { js: `// Other people's work: ${LICENCES} says whose.` },
    logLevel: 'warning',
  }).metafile;
  const [{ inputs }] = Object.values(outputs);
  const sources = Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0);
  mkdirSync(join(folder, 'fonts'));
  for (const font of FONTS) copyFileSync(join(fontFolder(), font), join(folder, 'fonts', font));
  const packages = new Set([...sources.flatMap(packageOf), 'node_modules/dejavu-fonts-ttf']);
  const licences = [...packages].sort().map(licenceOf);
  writeFileSync(join(folder, LICENCES), licences.join(`\n${'-'.repeat(80)}\n\n`));
  const { optionalDependencies } = manifestIn(root);
  return {
    type: 'module',
    license: `SEE LICENSE IN ${LICENCES}`,
    exports: './index.js',
    files: ['index.js', 'fonts', LICENCES],
    dependencies: { [RASTERISER]: optionalDependencies[RASTERISER] },
    // The rasteriser reads the fonts itself, and knows no archives.
    preferUnplugged: true,
  };
}

/** The libraries, with the fonts beside them. */
function entry() {
  return `export * from './${LIBRARIES}';
    import { fileURLToPath } from 'node:url';
    export const fontFolder = () => fileURLToPath(new URL('fonts', import.meta.url));`;
}

/** The folder of the package that a module is from; none for a module of ours. */
function packageOf(path) {
  return path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? [];
}

/** Name and version of the package in a folder, with its licence as it has it. */
function licenceOf(path) {
  const folder = join(root, path);
  const { name, version, license, author } = manifestIn(folder);
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (file === undefined && license !== 'ISC') throw new Error(`${path} has no text of its licence`);
  const text = file === undefined ? isc(author) : readFileSync(join(folder, file), 'utf8');
  return `${name} ${version}\n\n${text.trim()}\n`;
}

/** For packages that name this licence only. */
function isc(author) {
  return `ISC License

Copyright (c) ${author}

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING
ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL,
DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR
PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION
WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`;
}

function manifestIn(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
