// Figures and reports as files in a folder.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from '../figures/figure.ts';
import { makeFolder } from '../io/node-store.ts';
import { allFigures, drawRun } from '../report/drawn.ts';
import { runPage } from '../report/page/run-page.ts';
import { renderReport } from '../report/report.ts';
import { FIGURES_FOLDER, REPORT_FILES } from '../runs/layout.ts';
import type { RunSummary } from '../runs/summary.ts';
import { document } from './document.ts';
import { toPng } from './png.ts';

/** Writes `name.png`, `name.svg` and `name.json` of each figure into `folder` (made if missing) and returns the paths. */
export async function writeFigures(folder: string, figures: readonly Figure[]): Promise<string[]> {
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
 * Writes `report.html` and `report.md` of a run into `folder` (made if missing) and its pictures into `figures/` there; returns all
 * paths, those of the two reports first.
 */
export async function writeReport(folder: string, run: RunSummary): Promise<string[]> {
  await makeFolder(folder);
  const drawn = drawRun(run, { document });
  const pictures = await writeFigures(join(folder, FIGURES_FOLDER), allFigures(drawn));
  const [page, markdown] = REPORT_FILES.map((name) => join(folder, name));
  await writeFile(markdown, renderReport(run, drawn));
  await writeFile(page, runPage(run, { document }, drawn));
  return [page, markdown, ...pictures];
}
