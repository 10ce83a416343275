// What npm publishes (pack.mjs) in an empty project: from the tarballs and from a registry on this machine,
// by several versions of npm. There Node, Deno and Bun train, generate, quantise and report, with the same
// bits as the engine that was compiled here, by another compiler.
// Needs build/prebuilt (prebuild.mjs); fetches these programs from the public registries.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformPackage } from '../../dist/src/backend/native/addon-file.js';
import { ADDON_FILE } from '../../dist/src/backend/native/toolchain.js';
import { end, folder, root, start, trial, writeText } from '../trials/support/trial.mjs';
import { fromNpm, nodeOf, otherRuntimes } from './programs.mjs';
import { openRegistry } from './registry.mjs';

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const CLI = 'node_modules/inkhorn/dist/src/cli/main.js';
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const own = platformPackage();
const packages = join(folder, 'packages');
const text = writeText('text.txt', 20_000);
const nodes = ['20', '22', '24', '*'].map(nodeOf);
const newest = nodes.at(-1);

await trial('packs the main package, one for each platform and one for pictures', async () => {
  await run(root, [process.execPath, 'scripts/pack.mjs', '--out', packages]);
  return tarballs().join(', ');
});

const project = emptyProject('tarballs');
await trial('installs the tarballs of this platform', async () => {
  const wanted = tarballs().filter(
    (file) => /^inkhorn-(\d|pictures-)/.test(file) || file.startsWith(`${own.slice(1).replace('/', '-')}-`),
  );
  await run(project, ['npm', 'install', ...QUIET, ...wanted.map((file) => join(packages, file))]);
});
let weights; // their hash, once they were trained
if (existsSync(ADDON_FILE)) {
  const source = inkhorn([process.execPath, join(root, 'dist/src/cli/main.js')]);
  await trial('the engine that was compiled here trains', () => train(source));
}
for (const runtime of [...nodes, ...otherRuntimes()])
  await trial(`${runtime.name}: trains, generates, quantises, reports`, () => use(runtime));

const registry = await openRegistry(newest.command[0], join(folder, 'registry'));
await trial('publishes to a registry, the main package last', async () => {
  const isMain = (file) => /^inkhorn-\d/.test(file);
  for (const file of tarballs().sort((a, b) => isMain(a) - isMain(b)))
    await run(packages, ['npm', ...registry.publish, `./${file}`]);
});
for (const range of ['10', '11', 'latest']) {
  const npm = npmOf(range);
  await trial(`npm ${npm.version}: install, ci, ci --omit=optional`, () => installs(npm));
  await trial(`npm ${npm.version}: installs the package of each platform there`, () =>
    installsForOthers(npm),
  );
}
registry.close();
end();

/** Each promise once, by the command line. The weights must have the same bits in every program. */
async function use({ command }) {
  const ink = inkhorn([...command, CLI]);
  rmSync(join(project, 'runs'), { recursive: true, force: true });
  const { chosen, addon } = await doctor(project, command);
  assert.deepEqual([chosen, addon.origin], ['native', `${own} ${version}`]);
  await train(ink);
  assert.match(await ink('generate', '--prompt', 'ROMEO:', '--tokens', '20', '--seed', '1'), /ROMEO:/);
  await ink('quantize', '--model', 'runs/first', '--out', 'runs/first/int8', '--bits', '8');
  await ink('report', 'runs/first', '--out', 'page');
  assert.match(readFileSync(join(project, 'page/report.html'), 'utf8'), /<figure class="chart/);
  assert.ok(existsSync(join(project, 'page/figures/loss.png')));
  rmSync(join(project, 'page'), { recursive: true });
}

/** Trains by `ink`, a command line. The weights must have the same bits each time. */
async function train(ink) {
  const model = '--preset tiny --n-layer 1 --n-embd 32 --n-head 2 --block-size 32 --vocab-size 280';
  const run = '--out runs/first --batch-size 4 --steps 20';
  await ink('train', '--data', text, ...`${model} ${run}`.split(' '));
  const bytes = readFileSync(join(project, 'runs/first/last/model.safetensors'));
  const hash = createHash('sha256').update(bytes).digest('hex');
  weights ??= hash;
  assert.equal(hash, weights, 'its weights are others than those of the first program');
}

/** A command line in the project. */
function inkhorn(command) {
  return async (...args) => {
    const { out, err } = await run(project, [...command, ...args]);
    return out + err;
  };
}

/** Installs from the registry, then from the lockfile that this made, then without optional packages. */
async function installs(npm) {
  const project = emptyProject(`npm-${npm.version}`);
  await npm.run(project, 'install', 'inkhorn');
  assert.equal((await doctor(project)).chosen, 'native');
  await npm.run(project, 'ci');
  assert.equal((await doctor(project)).chosen, 'native');
  // The lockfile of npm 10 has no libc, so it installs the addons for both.
  const sameSystem = (name) => own.startsWith(name.replace(/-(gnu|musl)$/, ''));
  assert.ok(platformsIn(project).includes(own) && platformsIn(project).every(sameSystem));
  await npm.run(project, 'ci', '--omit=optional');
  const { chosen, engines } = await doctor(project);
  assert.equal(chosen, 'wasm');
  assert.match(engines.find(({ name }) => name === 'native').detail, /npm left out optional packages/);
}

/** Installs as on each system that there is a package for. Each gets its own package and no other. */
async function installsForOthers(npm) {
  const platforms = tarballs().flatMap((file) => file.match(/^inkhorn-native-(.*?)-\d+\./)?.[1] ?? []);
  for (const platform of platforms) {
    const [os, cpu, libc] = platform.split('-');
    const libcFlag = libc === undefined ? [] : [`--libc=${libc === 'gnu' ? 'glibc' : libc}`];
    const project = emptyProject(`npm-${npm.version}-${platform}`);
    await npm.run(
      project,
      'install',
      '--ignore-scripts',
      `--os=${os}`,
      `--cpu=${cpu}`,
      ...libcFlag,
      'inkhorn',
    );
    assert.deepEqual(platformsIn(project), [`@inkhorn/native-${platform}`]);
  }
  return platforms.join(', ');
}

/** A version of npm. It runs with the newest Node and asks the registry here. */
function npmOf(range) {
  const at = fromNpm(`npm@${range}`);
  const flags = [...QUIET, '--registry', registry.url, '--cache', join(folder, 'cache')];
  const npm = [...newest.command, join(at, 'bin/npm-cli.js')];
  const { version } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
  return { version, run: (project, ...args) => run(project, [...npm, ...args, ...flags]) };
}

async function doctor(project, command = [process.execPath]) {
  return JSON.parse((await run(project, [...command, CLI, 'doctor', '--json'])).out);
}

/** The packages with an engine that are installed in a project. */
function platformsIn(project) {
  const scope = join(project, 'node_modules/@inkhorn');
  const names = existsSync(scope) ? readdirSync(scope) : [];
  return names.filter((name) => name.startsWith('native-')).map((name) => `@inkhorn/${name}`);
}

function tarballs() {
  return readdirSync(packages).sort();
}

function emptyProject(name) {
  const at = join(folder, name);
  mkdirSync(at);
  writeFileSync(join(at, 'package.json'), '{ "name": "a-project", "private": true, "type": "module" }\n');
  return at;
}

/** Runs a program. Throws if it fails, or takes more than ten minutes. */
async function run(cwd, [program, ...args]) {
  const { code, signal, out, err } = await start(program, args, { cwd }).ended;
  assert.equal(signal ?? code, 0, `${program} ${args.join(' ')}: ${(err || out).slice(-2000)}`);
  return { out, err };
}
