// Figures and reports as files in a folder.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from '../figures/figure.ts';
import { makeFolder } from '../io/node-store.ts';
import { allFigures, drawRun } from '../report/drawn.ts';
import { runPage } from '../report/page/run-page.ts';
import { renderReport } from '../report/report.ts';
import { FIGURES_FOLDER, isOldPicture, REPORT_FILES } from '../runs/layout.ts';
import type { RunSummary } from '../runs/summary.ts';
import type { Pictures } from './charts.ts';

const [PAGE, MARKDOWN] = REPORT_FILES;

/**
 * Writes `name.png`, `name.svg` and `name.json` of each figure into `folder` (created if missing) and returns
 * the paths.
 */
export async function writeFigures(
  folder: string,
  figures: readonly Figure[],
  { toPng }: Pictures,
): Promise<string[]> {
  await makeFolder(folder);
  const paths: string[] = [];
  for (const { name, svg, data } of figures) {
    const [png, drawing, numbers] = ['png', 'svg', 'json'].map((ending) => join(folder, `${name}.${ending}`));
    await writeFile(png, toPng(svg));
    await writeFile(drawing, svg);
    await writeFile(numbers, `${JSON.stringify(data, null, 1)}\n`);
    paths.push(png, drawing, numbers);
  }
  return paths;
}

/**
 * Writes `report.html` and `report.md` of a run into `folder` (created if missing), and its pictures, if they
 * can be drawn, into `figures/` there. Pictures of a report that it replaces are removed where that had them
 * beside it. Returns all paths, the two reports first.
 */
export async function writeReport(
  folder: string,
  run: RunSummary,
  pictures: Pictures | null,
): Promise<string[]> {
  await makeFolder(folder);
  const drawn = drawRun(run, pictures);
  const replaced = pictures ? await oldPictures(folder) : [];
  const drawings = pictures
    ? await writeFigures(join(folder, FIGURES_FOLDER), allFigures(drawn), pictures)
    : [];
  const [page, markdown] = [PAGE, MARKDOWN].map((name) => join(folder, name));
  await writeFile(markdown, renderReport(run, drawn));
  await writeFile(page, runPage(run, pictures, drawn));
  for (const path of replaced) await rm(path);
  return [page, markdown, ...drawings];
}

/**
 * Pictures beside the report that is about to be replaced, where versions before 0.1.0 wrote them. Only those
 * that this report shows: a file that merely has such a name may be somebody's own.
 */
async function oldPictures(folder: string): Promise<string[]> {
  const report = await readFile(join(folder, MARKDOWN), 'utf8').catch(() => '');
  const shown = Array.from(report.matchAll(/\]\(([^)/]+)\.png\)/g), ([, name]) => name);
  const files = shown.flatMap((name) => ['png', 'svg', 'json'].map((ending) => `${name}.${ending}`));
  const there = new Set(await readdir(folder));
  return [...new Set(files)]
    .filter((file) => isOldPicture(file) && there.has(file))
    .map((file) => join(folder, file));
}
