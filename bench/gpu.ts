// Everything that is to be known about a GPU, in about eight minutes: the products of the layers, a step of
// `seed` with 64 x 256 tokens and one of `shakespeare` with 16 x 256, generation in float32 and INT8. Runs
// the programs beside this one, and goes on where one of them fails.
//   npm run bench -- gpu [--backend webgpu] [--turns 9]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'webgpu' },
    turns: { type: 'string', default: '9' },
  },
});

const programs = [
  ['matmul', '--rows', '16384', '--seconds', '1'],
  ['train', '--preset', 'seed', '--batch', '64', '--turns', values.turns],
  ['train', '--preset', 'shakespeare', '--batch', '16', '--turns', values.turns],
  ['generate', '--only', 'decode', '--turns', values.turns],
];
let failed = 0;
for (const [name, ...args] of programs) {
  const given = [...args, '--backend', values.backend];
  console.log(`\n# npm run bench -- ${[name, ...given].join(' ')}`);
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [program, ...given], { stdio: 'inherit' });
  if (status !== 0) failed++;
}
process.exit(failed > 0 ? 1 : 0);
