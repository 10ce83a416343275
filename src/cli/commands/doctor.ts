// `inkhorn doctor`: what works here, what does not, and what to do about it.

import { arch, availableParallelism, cpus, freemem, release, totalmem, type } from 'node:os';
import { findAddon } from '../../backend/native/addon-file.ts';
import type { BackendReport } from '../../backend/registry.ts';
import { formatAmount, formatBytes } from '../../base/format.ts';
import { cacheFolder, listCorpora } from '../../corpora/index.ts';
import { reportBackends } from '../../platform/node-engines.ts';
import { picturesIfThere } from '../../png/charts.ts';
import { defineCommand } from '../command.ts';
import { packageVersion } from '../version.ts';

export const doctor = defineCommand({
  examples: [
    ['doctor', 'for people'],
    ['doctor --json', 'to paste into a report'],
  ],
  flags: {},
  async run({ output }): Promise<void> {
    const engines = await reportBackends();
    const inBf16 = await reportBackends({ precision: 'bf16' });
    const corpora = await listCorpora();
    let noPictures: string | null = null;
    await picturesIfThere((reason) => {
      noPictures = reason;
    });
    const machine = {
      inkhorn: packageVersion(),
      node: process.version,
      system: `${type()} ${release()} ${arch()}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memory: { total: totalmem(), free: freemem() },
      cache: cacheFolder(),
    };
    const preferred = ({ available, lastResort }: BackendReport): boolean =>
      available && lastResort === undefined;
    const addon = engines.some(({ name, available }) => name === 'native' && available) ? whereAddon() : null;
    const chosen = engines.find(preferred)?.name ?? null;
    output.data({
      ...machine,
      engines,
      addon,
      bf16: inBf16.filter(({ available }) => available).map(({ detail }) => detail),
      chosen,
      pictures: { available: noPictures === null, detail: noPictures },
      corpora: corpora.map(({ name, ready, path }) => ({ name, ready, path })),
    });
    const { total, free } = machine.memory;
    output.facts([
      ['inkhorn', machine.inkhorn],
      ['Node', machine.node],
      ['system', machine.system],
      ['processor', `${machine.processor}, ${formatAmount(machine.cores, 'core')} to use`],
      ['memory', `${formatBytes(total)}, ${formatBytes(free)} free`],
      ['cache', machine.cache],
      ['texts', corpora.map(({ name, ready }) => `${name} ${ready ? 'here' : 'to be fetched'}`).join(', ')],
    ]);
    output.print(`\n${output.colors.bold('Engines, best first')}`);
    for (const { name, available, detail, lastResort } of engines) {
      const mark = available ? output.colors.green('works') : output.colors.yellow('not here');
      const remark = lastResort === undefined ? '' : ', which auto passes over';
      output.print(`${name.padEnd(10)} ${mark}  ${detail}${remark}`);
    }
    if (addon) output.print(`\nnative is ${addon.file} (${addon.origin}).`);
    output.print(`\n${noPictures ?? 'Pictures of reports and looks inside: drawn, as SVG and PNG.'}`);
    const best = inBf16.find(preferred);
    if (best) output.print(`\n--precision bf16 computes with ${best.detail}.`);
    output.print(`\n--backend auto takes ${chosen ?? 'none'}.${advice(chosen)}`);
  },
});

/** The C++ addon and its origin; null where there is none, which its engine's line explains. */
function whereAddon(): { file: string; origin: string } | null {
  try {
    const { file, origin } = findAddon();
    return { file, origin };
  } catch {
    return null;
  }
}

function advice(chosen: string | null): string {
  if (chosen === 'wasm')
    return ' It needs no compiler; the C++ engine is two to four times as fast. The line above says how to get it.';
  return chosen === 'reference'
    ? ' It is plain TypeScript, made to be read: right, and slow. The lines above say how to get a fast one.'
    : '';
}
