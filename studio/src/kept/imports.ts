// Models and runs that somebody drops on the page: tried first, then kept in the browser.
import { modelStore, readHistory, readRunRecord, type Store } from 'inkhorn';
import { droppedStore, opfsStore } from 'inkhorn/browser';
import { library } from '../engine.ts';
import { changed, discard, freeName, persist } from './files.ts';
import { titleOf } from './models.ts';
import { fileNameOf, renamedLine } from './names.ts';
import { isTextOf, keepText, nameOfText, TEXT_FILE } from './texts.ts';

/** The largest file of a model that is read: a tab has no memory for the weights of a larger one. */
const MOST_BYTES = 2 ** 30;

/**
 * Keeps the model or the run in what was dropped, once the engine has loaded it. Returns its name in the
 * address, and a line that says what it is called. Call it in the event's own turn. Throws one line if there
 * is no model in it; nothing is kept then.
 */
export async function importModel(
  dropped: DataTransfer | Iterable<File>,
): Promise<{ model: string; line: string }> {
  const archive = archiveNameOf(dropped);
  const source = limited(await droppedStore(dropped));
  const shelf = (await source.exists('config.json')) ? 'models' : 'runs'; // a run can go on in the page
  const worker = await library();
  const model = await worker.load(await modelStore(source));
  model.dispose();
  const wanted = await nameFor(source, archive);
  const name = await freeName(shelf, wanted);
  try {
    const store = opfsStore(`${shelf}/${name}`);
    await copyAll(source, store);
    if (shelf === 'runs') await unpackText(store);
  } catch (error) {
    await discard(shelf, name).catch(() => undefined);
    throw error;
  }
  void persist();
  changed(shelf);
  const kept = `${shelf}/${name}`;
  const renamed = renamedLine(wanted, name);
  return {
    model: kept,
    line: [`${titleOf(kept)} is kept in this browser`, renamed].filter(Boolean).join('; '),
  };
}

/** The name of a .zip that was dropped alone, without its ending; null where it is none. */
function archiveNameOf(dropped: DataTransfer | Iterable<File>): string | null {
  const [file, ...others] = 'items' in dropped ? dropped.files : dropped;
  return others.length === 0 && /\.zip$/i.test(file?.name ?? '') ? file.name.slice(0, -'.zip'.length) : null;
}

/**
 * What it is to be called: as its .zip, which somebody may have renamed; else as its folder. A run whose name
 * was one that no file should have gets that name back.
 */
async function nameFor(source: Store, archive: string | null): Promise<string> {
  const name = archive ?? source.location.replace(/^dropped files$/, 'imported');
  const own = await nameOfRun(source).catch(() => null);
  return own !== null && fileNameOf(own) === name ? own : name;
}

/** The name that a run of a page has in its record (`a tale on tale.txt`); null where it has none. */
async function nameOfRun(source: Store): Promise<string | null> {
  const title = (await readRunRecord(source))?.title;
  if (title === undefined) return null;
  const end = ` on ${(await readHistory(source)).data.name}`;
  return title.endsWith(end) ? title.slice(0, -end.length) : null;
}

/** Keeps the text that came with a run, for it to go on, unless it is here already. */
async function unpackText(run: Store): Promise<void> {
  if (!(await run.exists(TEXT_FILE))) return;
  const { data } = await readHistory(run);
  const bytes = await run.read(TEXT_FILE);
  if (!(await isTextOf(data, bytes))) return; // somebody's own file, which stays where it is
  if ((await nameOfText(data)) === null) await keepText(data.name, bytes);
  await run.remove(TEXT_FILE);
}

function limited(store: Store): Store {
  return {
    ...store,
    read: (name, atMost = MOST_BYTES) => store.read(name, Math.min(atMost, MOST_BYTES)),
    folder: (name) => limited(store.folder(name)),
  };
}

async function copyAll(from: Store, to: Store): Promise<void> {
  for (const name of await from.list()) await to.write(name, await from.read(name));
  for (const name of (await from.folders?.()) ?? []) await copyAll(from.folder(name), to.folder(name));
}
