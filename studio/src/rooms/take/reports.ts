// The report of a run and its figures, drawn in the page. Loaded when somebody wants them: they bring a
// drawing library.
import * as plot from '@observablehq/plot';
import { memoryStore } from 'inkhorn';
import { download, opfsStore } from 'inkhorn/browser';
import {
  allFigures,
  drawRun,
  type RunSummary,
  readLook,
  readRun,
  runModel,
  runPage,
  saveLook,
} from 'inkhorn/report';
import { library } from '../../engine.ts';
import { withModel } from '../../kept/models.ts';
import { fileNameOf } from '../../kept/names.ts';
import { nameOfText, readText } from '../../kept/texts.ts';
import { handOver } from './packing.ts';

const charts = { plot, document };

/** Everything about a run, with a look inside its best model, which is made if it is missing. */
async function read(run: string): Promise<RunSummary> {
  const store = opfsStore(`runs/${run}`);
  const summary = await readRun(store);
  const best = await runModel(store);
  if (!best || best.step === null || (await readLook(store))?.step === best.step) return summary;
  const name = await nameOfText(summary.data);
  if (name === null) return summary; // its text is not here: without a look
  const bytes = await readText(name);
  const { step } = best;
  const worker = await library();
  const { trainFraction, validate } = summary.data;
  const look = await withModel(`runs/${run}`, async (model) => {
    const split = { trainFraction, validate };
    const { data } = await worker.tokenize(bytes, { tokenizer: model.tokenizer, ...split });
    return data.val.length < 2 ? null : worker.lookInside(model, data.val.slice(0, FEW_TOKENS), step);
  });
  if (!look) return summary;
  await saveLook(store, look);
  return readRun(store);
}

/** A look reads the beginning of the validation part. */
const FEW_TOKENS = 1024;

/** Downloads `report.html`: one file, which needs no network. */
export async function downloadReport(run: string): Promise<void> {
  const page = runPage(await read(run), charts);
  handOver(`${fileNameOf(run)}-report.html`, new Blob([page], { type: 'text/html' }));
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
