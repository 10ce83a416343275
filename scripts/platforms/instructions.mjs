// Instructions of a training step of the seed (1 x 256 tokens, one thread) on an emulated ARM processor, with
// each instruction set: the least of two steps, JavaScript included. Takes minutes; needs qemu-user and a C
// compiler.
//   node scripts/platforms/instructions.mjs ADDON [--layers 5] [--sequences 1] [--isa neon --isa portable]
import { execFileSync, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../trials/support/trial.mjs';
import { emulated } from './programs.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '5' },
    sequences: { type: 'string', default: '1' },
    isa: { type: 'string', multiple: true, default: ['neon', 'portable'] },
  },
});
const [addon] = positionals;
if (addon === undefined) throw new Error('expected the file of an addon for linux-arm64-gnu');

const plugin = join(root, 'build/platforms/instructions.so');
execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', plugin, join(root, 'scripts/platforms/instructions.c')]);
const [qemu, ...before] = emulated['linux-arm64-gnu'].open().command;
const steps = join(root, 'scripts/platforms/steps.mjs');
for (const isa of options.isa) {
  const { status, stderr } = spawnSync(
    qemu,
    ['-plugin', plugin, ...before, steps, options.layers, options.sequences],
    { env: { ...process.env, INKHORN_ADDON: resolve(addon), INKHORN_ISA: isa }, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const counts = [...stderr.matchAll(/^(\d+) instructions$/gm)].map(([, count]) => Number(count));
  const taken = counts.slice(1).map((count, i) => count - counts[i]);
  console.log(`${isa}: ${(Math.min(...taken) / 1e6).toFixed(0)} million instructions`);
}
