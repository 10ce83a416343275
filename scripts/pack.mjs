// Makes the packages that npm publishes, as tarballs: the main one, one with the addon for each platform, and
// one with the libraries that draw pictures. The main one names the others, in its packed copy only: npm
// refuses a lockfile that lacks packages which are not published yet (docs/releasing.md).
//   node scripts/pack.mjs [--binaries build/prebuilt] [--own] [--out build/packages]
// --binaries: a folder with a folder for each platform, such as linux-x64-gnu/inkhorn.node.
// --own: of the platforms' packages only one, with the addon that was built here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { platformPackage } from '../dist/src/backend/native/addon-file.js';
import { ADDON_FILE } from '../dist/src/backend/native/toolchain.js';
import { innerTypes } from './inner-types.mjs';
import { bundlePictures, LIBRARIES } from './pictures.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    binaries: { type: 'string', default: join(root, 'build/prebuilt') },
    own: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'build/packages') },
  },
});
const out = resolve(options.out);
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const work = realpathSync(mkdtempSync(join(tmpdir(), 'inkhorn-pack-')));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

const studio = join(root, 'dist/studio/index.html');
if (!existsSync(studio)) stop(`there is no ${studio}: run \`npm run build\``);
const addons = options.own ? ownAddon() : addonsIn(options.binaries);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const names = addons.map(packPlatform);
packMain([packPictures(), ...names]);

function ownAddon() {
  if (!existsSync(ADDON_FILE)) stop(`there is no ${ADDON_FILE}: run \`npm run build\``);
  return [{ platform: platformPackage().replace('@inkhorn/native-', ''), file: ADDON_FILE }];
}

function addonsIn(folder) {
  const platforms = existsSync(folder) ? readdirSync(folder).sort() : [];
  const found = platforms
    .map((platform) => ({ platform, file: join(folder, platform, 'inkhorn.node') }))
    .filter(({ file }) => existsSync(file));
  if (found.length > 0) return found;
  stop(`${folder} has no PLATFORM/inkhorn.node: name a folder with --binaries, or use --own`);
}

/** Packs the addon of one platform. Returns the package's name. */
function packPlatform({ platform, file }) {
  const [os, cpu, libc] = platform.split('-');
  const name = `@inkhorn/native-${platform}`;
  const folder = join(work, platform);
  mkdirSync(folder);
  const about = `The native engine of Inkhorn for ${platform}. It is of no use alone: install inkhorn.`;
  const addon = 'inkhorn.node';
  writeJson(join(folder, 'package.json'), {
    ...{ ...common(name, about), license: manifest.license },
    ...{ os: [os], cpu: [cpu], ...(libc && { libc: [libc === 'gnu' ? 'glibc' : 'musl'] }) },
    ...{ main: addon, files: [addon], preferUnplugged: true },
    // Checked before it is loaded: a damaged file may end the process.
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
  });
  writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${about}\n`);
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  cpSync(file, join(folder, addon));
  pack(folder);
  return name;
}

/** Packs the libraries that draw pictures. Returns the package's name. */
function packPictures() {
  const name = '@inkhorn/pictures';
  const folder = join(work, 'pictures');
  mkdirSync(folder);
  const about = 'What Inkhorn draws pictures with, in one file. It is of no use alone: install inkhorn.';
  writeJson(join(folder, 'package.json'), { ...common(name, about), ...bundlePictures(folder) });
  writeFileSync(join(folder, 'README.md'), `# ${name}\n\n${about}\n`);
  pack(folder);
  return name;
}

/** What the manifests of all packages say. */
function common(name, description) {
  const { version, homepage, bugs, repository, engines } = manifest;
  return { name, version, description, homepage, bugs, repository, engines };
}

/**
 * Packs the main package, with the exact versions of the others, and without the libraries of which one is
 * made.
 */
function packMain(others) {
  const [plain] = npmPack(root, work);
  execFileSync('tar', ['-xzf', join(work, plain.filename), '-C', work]);
  const folder = join(work, 'package');
  const optionalDependencies = Object.fromEntries(others.map((name) => [name, manifest.version]));
  writeJson(join(folder, 'package.json'), { ...manifest, optionalDependencies });
  writeFileSync(join(folder, LIBRARIES), "export * from '@inkhorn/pictures';\n");
  for (const name of innerTypes(folder)) rmSync(join(folder, name));
  pack(folder);
}

function pack(folder) {
  const [{ name, filename, size, unpackedSize }] = npmPack(folder, out);
  const mega = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
  console.log(`${basename(filename)}: ${name}, ${mega(size)}, unpacked ${mega(unpackedSize)}`);
}

function npmPack(folder, to) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', to, folder];
  return JSON.parse(execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

function stop(message) {
  console.error(`pack: ${message}`);
  process.exit(1);
}
