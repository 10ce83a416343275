// The addons of prebuild.mjs on the platforms that this machine has or imitates: they load with their
// fastest instruction set, compute as the reference does, and train as PyTorch does. With qemu that takes
// an hour; with --only, cases whose names match, without trainings, in minutes.
//   node scripts/platforms/emulated.mjs [PLATFORM ...] [--only 'shift|rope']
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { end, folder, root, start, trial } from '../trials/support/trial.mjs';
import { emulated, nodeOf } from './programs.mjs';

const PATIENCE_MS = 3_600_000; // emulated processors are slow
const { positionals: chosen, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' } },
});
const { only } = values;
const wanted = (platform) => chosen.length === 0 || chosen.includes(platform);

if (wanted('linux-x64-gnu'))
  for (const range of ['20', '22', '24', '*']) await tests('linux-x64-gnu', nodeOf(range));
for (const [platform, { lacks, open }] of Object.entries(emulated)) {
  if (!wanted(platform)) continue;
  if (lacks === null) await tests(platform, open());
  else await trial(platform, () => {}, lacks);
}
end();

/** Runs what shows that the addon works on this platform. */
async function tests(platform, runtime) {
  const addon = join(root, 'build/prebuilt', platform, 'inkhorn.node');
  assert.ok(existsSync(addon), `there is no ${addon}: run \`node scripts/prebuild.mjs ${platform}\``);
  const run = (...args) => output(runtime, addon, ...args);
  const where = `${platform}, ${runtime.name}`;
  await trial(`${where}: takes its fastest instruction set`, async () => {
    const said = await run('scripts/platforms/engine.mjs');
    assert.match(said, fastest(platform));
    return said.trim();
  });
  await trial(`${where}: ends after a worker that had it`, async () => {
    assert.match(await run('scripts/platforms/worker.mjs'), fastest(platform));
  });
  await trial(`${where}: agrees with the reference`, () =>
    testFile(run, 'dist/test/conformance/engines.test.js'),
  );
  if (only === undefined)
    await trial(`${where}: trains ten steps as PyTorch`, () =>
      testFile(run, 'dist/test/parity/parity.test.js'),
    );
}

/** What the fastest instruction set of this processor is called in the addon of a platform. */
function fastest(platform) {
  if (platform.includes('arm64')) return /NEON/;
  const [, flags] = readFileSync('/proc/cpuinfo', 'utf8').match(/^flags\s*:(.*)$/m);
  if (!/\bavx2\b/.test(flags)) return /portable/;
  return /\bavx512vl\b/.test(flags) ? /AVX-512/ : /AVX2/;
}

/** Runs a file of tests. All must pass, and some must be there. */
async function testFile(run, file) {
  const names = only === undefined ? [] : [`--test-name-pattern=${only}`];
  const said = await run('--test-reporter=tap', ...names, file);
  const count = (what) => Number(said.match(new RegExp(`^# ${what} (\\d+)`, 'm'))?.[1]);
  assert.ok(count('pass') > 0 && count('fail') === 0, said.slice(-1000));
  return `${count('pass')} passed, ${count('skipped')} skipped`;
}

/**
 * Runs a compiled file. Returns what it wrote, which goes through a file: Node under wine cannot write to
 * pipes. `args`: options of Node, the file, its arguments.
 */
async function output({ command, path, env }, addon, ...args) {
  const [program, ...before] = command;
  const absolute = args.map((arg) => (/^(dist|scripts)/.test(arg) ? path(join(root, arg)) : arg));
  const name = join(folder, 'output');
  const to = openSync(name, 'w');
  const { code, signal } = await start(program, [...before, ...absolute], {
    env: { ...env, INKHORN_ADDON: path(addon) },
    stdio: ['ignore', to, to],
    patience: PATIENCE_MS,
  }).ended;
  closeSync(to);
  const said = readFileSync(name, 'utf8');
  assert.equal(signal ?? code, 0, said.match(/^ *not ok .*$/m)?.[0] ?? said.slice(-2000));
  return said;
}
