// Figures and reports as files in a store: a folder on disk, one of a page, or memory.
import { jsonBytes } from '../base/json.ts';
import type { Charts } from '../figures/charts.ts';
import type { Figure } from '../figures/figure.ts';
import { lossFigure } from '../figures/loss.ts';
import type { Store } from '../io/store.ts';
import { FIGURES_FOLDER, isOldPicture, REPORT_FILES } from '../runs/layout.ts';
import type { RunSummary } from '../runs/summary.ts';
import { renderCard } from './card.ts';
import type { CardMeasures } from './card-measures.ts';
import { allFigures, drawRun } from './drawn.ts';
import { runPage } from './page/run-page.ts';
import { renderReport } from './report.ts';

/** What pictures are drawn with, and what makes PNGs of them. */
export interface Pictures extends Charts {
  /**
   * Renders an SVG document to PNG at `zoom` pixels per unit, 2 unless said. Absent where there is no
   * rasteriser, as in a page: then pictures are SVG only.
   */
  readonly toPng?: (svg: string, zoom?: number) => Uint8Array;
}

const [PAGE, MARKDOWN] = REPORT_FILES;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * Writes `name.png` (where `toPng` is given), `name.svg` and `name.json` of each figure into `store`. Returns
 * the names of the files.
 */
export async function writeFigures(
  store: Store,
  figures: readonly Figure[],
  { toPng }: Pick<Pictures, 'toPng'> = {},
): Promise<string[]> {
  const names: string[] = [];
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    await store.write(name, bytes);
    names.push(name);
  };
  for (const { name, svg, data } of figures) {
    if (toPng) await write(`${name}.png`, toPng(svg));
    await write(`${name}.svg`, utf8(svg));
    await write(`${name}.json`, jsonBytes(data, 1));
  }
  return names;
}

/**
 * Writes `report.html` and `report.md` of a run (`readRun`) into `store`, and its pictures into `figures/`
 * there; without `pictures` the reports consist of words and tables. Pictures of a report that it replaces
 * are removed where that had them beside it. Returns the names of all files, the two reports first.
 */
export async function writeReport(
  store: Store,
  run: RunSummary,
  pictures: Pictures | null = null,
): Promise<string[]> {
  const drawn = drawRun(run, pictures);
  const replaced = pictures ? await oldPictures(store) : [];
  const drawings = pictures
    ? await writeFigures(store.folder(FIGURES_FOLDER), allFigures(drawn), pictures)
    : [];
  await store.write(MARKDOWN, utf8(renderReport(run, drawn, pictures?.toPng ? 'png' : 'svg')));
  await store.write(PAGE, utf8(runPage(run, pictures, drawn)));
  for (const name of replaced) await store.remove(name);
  return [PAGE, MARKDOWN, ...drawings.map((name) => `${FIGURES_FOLDER}/${name}`)];
}

/** The name of a model card, by which Hugging Face and GitHub find it. */
export const CARD = 'README.md';

/**
 * Writes the model card of a run (`readRun`) with what `measureCard` found into `store`, usually the folder
 * of its model, and the picture of its loss. Returns the names of the files, the card first.
 */
export async function writeCard(
  store: Store,
  run: RunSummary,
  measures: CardMeasures,
  pictures: Pictures | null = null,
): Promise<string[]> {
  const { activation } = run.config;
  const figure = pictures && lossFigure(run.events, { activation, charts: pictures });
  const files = new Map<string, Uint8Array>();
  const picture = figure ? `${figure.name}.${pictures.toPng ? 'png' : 'svg'}` : null;
  if (figure && picture) files.set(picture, pictures.toPng?.(figure.svg) ?? utf8(figure.svg));
  files.set(CARD, utf8(renderCard(run, measures, picture)));
  await store.writeAll(files);
  return [...files.keys()].reverse();
}

/**
 * Pictures beside the report that is about to be replaced, where versions before 0.1.0 wrote them. Only those
 * that this report shows: a file that merely has such a name may be somebody's own.
 */
async function oldPictures(store: Store): Promise<string[]> {
  if (!(await store.exists(MARKDOWN))) return [];
  const report = new TextDecoder().decode(await store.read(MARKDOWN));
  const shown = Array.from(report.matchAll(/\]\(([^)/]+)\.png\)/g), ([, name]) => name);
  const files = shown.flatMap((name) => ['png', 'svg', 'json'].map((ending) => `${name}.${ending}`));
  const there = new Set(await store.list());
  return [...new Set(files)].filter((file) => isOldPicture(file) && there.has(file));
}
