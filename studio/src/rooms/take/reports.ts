// The report of a run and its figures, drawn in the page. Loaded when somebody wants them: they bring a drawing
// library.
import * as plot from '@observablehq/plot';
import { memoryStore } from 'inkhorn';
import { download, opfsStore } from 'inkhorn/browser';
import { allFigures, drawRun, type RunSummary, readRun, runPage } from 'inkhorn/report';
import { downloadFile, fileNameOf } from './packing.ts';

const charts = { plot, document };

function read(run: string): Promise<RunSummary> {
  return readRun(opfsStore(`runs/${run}`));
}

/** Downloads `report.html`: one file, which needs no network. */
export async function downloadReport(run: string): Promise<void> {
  downloadFile(`${fileNameOf(run)}-report.html`, 'text/html', runPage(await read(run), charts));
}

/** Downloads the pictures as one .zip of SVG files, each with its numbers as JSON. */
export async function downloadFigures(run: string): Promise<void> {
  const name = `${fileNameOf(run)}-figures`;
  const store = memoryStore(name);
  const utf8 = new TextEncoder();
  const figures = allFigures(drawRun(await read(run), charts));
  if (figures.length === 0) throw new Error(`${run} has no figures yet: it has not been evaluated`);
  for (const { name, svg, data } of figures) {
    await store.write(`${name}.svg`, utf8.encode(svg));
    await store.write(`${name}.json`, utf8.encode(`${JSON.stringify(data)}\n`));
  }
  await download(store, name);
}
