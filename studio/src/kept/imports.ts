// Models and runs that somebody drops on the page: tried first, then kept in the browser.
import { modelStore, type Store } from 'inkhorn';
import { droppedStore, opfsStore } from 'inkhorn/browser';
import { inTurn } from '../engine.ts';
import { changed, discard, freeName, persist } from './files.ts';

/** The largest file of a model that is read: a tab has no memory for the weights of a larger one. */
const MOST_BYTES = 2 ** 30;

/**
 * Keeps the model or the run in what was dropped, once the engine has loaded it, and returns its name in the
 * address. Call it in the event's own turn. Throws one line if there is no model in it; nothing is kept then.
 */
export async function importModel(dropped: DataTransfer | Iterable<File>): Promise<string> {
  const source = limited(await droppedStore(dropped));
  const shelf = (await source.exists('config.json')) ? 'models' : 'runs'; // a run can go on in the page
  const model = await inTurn(async (worker) => worker.load(await modelStore(source)));
  model.dispose();
  const wanted = source.location.replace(/\.zip$/i, '').replace(/^dropped files$/, 'imported');
  const name = await freeName(shelf, wanted);
  try {
    await copyAll(source, opfsStore(`${shelf}/${name}`));
  } catch (error) {
    await discard(shelf, name).catch(() => undefined);
    throw error;
  }
  void persist();
  changed(shelf);
  return `${shelf}/${name}`;
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
