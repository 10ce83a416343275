// `inkhorn report`: the reports of a run from its folder, and several runs side by side.
import { readRun } from '../../report/read-run.ts';
import { writeReport } from '../../report/report.ts';
import { type Context, defineCommand } from '../command.ts';
import { asked, misuse } from '../errors.ts';
import type { Flags } from '../flags.ts';
import { outFolderFlag } from '../outputs.ts';

const flags = { out: { ...outFolderFlag, initial: 'the folder of the run' } } satisfies Flags;

export const report = defineCommand({
  name: 'report',
  about: 'the report of a run, as a page and as Markdown; several runs side by side',
  examples: [['report runs/first', 'runs/first/report.html, as it is now']],
  args: [['<run...>', 'folders of runs']],
  flags,
  async run({ args, flags: given, output }: Context<typeof flags>): Promise<void> {
    const [folder] = args;
    if (folder === undefined) throw misuse('no run');
    const run = await asked(() => readRun(folder));
    const files = await writeReport(given.out ?? folder, run);
    output.print(files[0]);
  },
});
