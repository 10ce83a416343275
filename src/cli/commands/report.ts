// `inkhorn report`: writes the reports of a run again, from its folder; or compares several runs.

import { join, resolve } from 'node:path';
import { formatCount, formatDuration, formatShort } from '../../base/format.ts';
import { folderStore } from '../../io/node-store.ts';
import { picturesIfThere } from '../../png/charts.ts';
import type { RunComparison } from '../../runs/compare.ts';
import { readFindings } from '../../runs/findings.ts';
import { type OpenRun, openRun } from '../../runs/open.ts';
import { readRun } from '../../runs/read.ts';
import type { RunSummary } from '../../runs/summary.ts';
import { writeModelCard } from '../card.ts';
import { type Context, defineCommand } from '../command.ts';
import { asked, misuse } from '../errors.ts';
import { type Flags, toggle } from '../flags.ts';
import { measuredFlags } from '../measured-text.ts';
import { namedRun } from '../models.ts';
import { claimOutFolder, forceFlag, outFolderFlag, writeOutFile } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { withProgress } from '../progress.ts';
import { refreshLook } from '../run-look.ts';

const flags = {
  out: {
    ...outFolderFlag,
    about: 'folder for the report; without it: of one run its own, of several runs none',
  },
  card: toggle({
    about:
      'a model card instead, README.md in the folder of the model: data, recipe, curve, quality, speed, samples',
  }),
  data: { ...measuredFlags.data, about: `--card: ${measuredFlags.data.about}` },
  force: forceFlag,
} satisfies Flags;

export const report = defineCommand({
  examples: [
    ['report runs/first', 'writes runs/first/report.html and report.md, also while the run goes on'],
    ['inspect -m runs/first -t "O Romeo" --out runs/first/inspect', 'the next report shows this text inside'],
    ['report runs/a runs/b runs/c', 'the best losses, and what differs in the settings'],
    ['report runs/a runs/b --out runs/compared', 'the same as a page, with the curves over each other'],
    ['report runs/first --card', 'runs/first/best/README.md, to publish with the model'],
  ],
  flags,
  async run({ args, flags: given, output }: Context<typeof flags>): Promise<void> {
    if (args.length === 0)
      throw misuse('no run is named: give the folder of a run, the --out of `inkhorn train`');
    if (given.card) return card(args, given, output);
    if (given.data !== undefined) throw misuse('--data has no effect without --card');
    if (given.force && given.out === undefined) throw misuse('--force has no effect without --out');
    if (given.out !== undefined) await claimOutFolder(given.out, given.force);
    const named = await Promise.all(args.map(namedRun));
    const opened = named.map((folder) => openRun(folderStore(nameable(folder))));
    const onNote = opened.length > 1 ? undefined : output.note; // a comparison shows no findings
    const runs: RunSummary[] = [];
    for (const run of opened) runs.push(await asked(() => readRun(run.store, { run, onNote })));
    if (runs.length > 1) return compareAll(runs, given.out, output);
    await reportOne(await renewed(opened[0], runs[0], output), given.out ?? runs[0].folder, output);
  },
});

/** `--card`, of one run. */
async function card(
  args: readonly string[],
  given: Context<typeof flags>['flags'],
  output: Output,
): Promise<void> {
  if (args.length > 1) throw misuse(`--card is of one run, not of ${args.length}: name one`);
  await writeModelCard(openRun(folderStore(nameable(await namedRun(args[0])))), given, output);
}

/** A folder with a name that titles can use: `.` and `..` have none. */
function nameable(folder: string): string {
  return /(^|[/\\])\.{1,2}[/\\]?$/.test(folder) ? resolve(folder) : folder;
}

/** The run, after making the findings about its present model if they were missing. */
async function renewed(run: OpenRun, summary: RunSummary, output: Output): Promise<RunSummary> {
  if (!(await refreshLook(run, summary, output))) return summary;
  const step = (await run.model())?.step ?? null;
  const { activation } = summary.config;
  return { ...summary, findings: (await readFindings(run.store, { step, activation })).findings };
}

async function reportOne(run: RunSummary, out: string, output: Output): Promise<void> {
  const { writeReport } = await import('../../report/write.ts');
  const { compareRuns } = await import('../../runs/compare.ts');
  const names = await withProgress('drawing the report', '', async () =>
    writeReport(folderStore(out), run, await picturesIfThere(output.note)),
  );
  const files = names.map((name) => join(out, name));
  output.data({ ...compareRuns([run]).runs[0], files });
  output.print(files.slice(0, 2).join('\n'));
}

async function compareAll(
  runs: readonly RunSummary[],
  out: string | undefined,
  output: Output,
): Promise<void> {
  const { compareRuns } = await import('../../runs/compare.ts');
  const comparison = compareRuns(runs);
  const files: string[] = [];
  if (out !== undefined) {
    const { comparisonPage } = await import('../../report/page/comparison-page.ts');
    files.push(join(out, 'report.html'));
    await writeOutFile(
      files[0],
      new TextEncoder().encode(comparisonPage(runs, await picturesIfThere(output.note))),
    );
  }
  output.data({ ...comparison, files });
  showComparison(comparison, output);
  if (out === undefined) output.note('no page: --out DIR writes one, with the curves');
  else output.print(files[0]);
}

function showComparison({ runs, differences, measure }: RunComparison, output: Output): void {
  output.table(
    ['run', 'parameters', 'best val', 'bits/byte', 'at step', 'steps', 'time', 'tok/s'],
    runs.map(({ label, parameters, best, steps, seconds, tokensPerSecond }) => [
      label,
      formatShort(parameters),
      best?.valLoss.toFixed(4) ?? '',
      best?.bitsPerByte.toFixed(3) ?? '',
      best ? formatCount(best.step) : '',
      formatCount(steps),
      formatDuration(seconds),
      tokensPerSecond === null ? '' : formatShort(tokensPerSecond),
    ]),
  );
  for (const { label, steps, evaluated } of runs)
    if (evaluated !== null && evaluated < steps)
      output.print(`${label}: what it learnt after step ${formatCount(evaluated)} is not evaluated yet.`);
  if (measure === 'bits/byte') output.print('Different texts or tokens: only bits/byte can be compared.');
  output.print();
  if (differences.length === 0) output.print('No setting differs.');
  else {
    output.table(
      ['what differs', ...runs.map(({ label }) => label)],
      differences.map(({ name, values }) => [name, ...values]),
    );
  }
}
