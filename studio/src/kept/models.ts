// Models by their names in the address: `shakespeare` (of the site), `runs/whale` (the best of a run),
// `runs/whale/int8`, `models/gift`, and `live`, the one that is being trained.
import { type LibraryWorker, modelStore, type Store, urlStore, type WorkerModel } from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { library } from '../engine.ts';
import { training } from '../training.ts';

export const SHIPPED = 'shakespeare';
export const LIVE = 'live';

/** Models in the worker, most recently used last. */
const open = new Map<string, Promise<WorkerModel>>();
/** More would fill the memory of a tab with weights. */
const MOST_OPEN = 4;

/** Opens a model. The same name gives the same model until `forget`. */
export async function openModel(name: string): Promise<WorkerModel> {
  if (name === LIVE) {
    const model = training.value?.model;
    if (!model) throw new Error('nothing is being trained now: choose another model');
    return model;
  }
  const known = open.get(name) ?? load(name);
  open.delete(name);
  open.set(name, known);
  known.catch(() => open.delete(name));
  for (const oldest of open.keys()) {
    if (open.size <= MOST_OPEN) break;
    forget(oldest);
  }
  return known;
}

/** Drops models whose names begin with `name`: their files have changed, or are gone. */
export function forget(name: string): void {
  for (const [other, model] of open) {
    if (other !== name && !other.startsWith(`${name}/`)) continue;
    open.delete(other);
    void model.then((it) => it.dispose()).catch(() => undefined);
  }
}

async function load(name: string): Promise<WorkerModel> {
  const worker: LibraryWorker = await library();
  return worker.load(await modelStore(storeOf(name)));
}

/** The folder of a model, or of the run that it is the best of. */
export function storeOf(name: string): Store {
  if (name === SHIPPED) return urlStore(new URL('./models/shakespeare', document.baseURI).href);
  return opfsStore(name);
}

/** What people call it: `whale, INT8`. */
export function titleOf(name: string): string {
  if (name === SHIPPED) return 'Shakespeare, as bundled';
  if (name === LIVE) return `${training.value?.name ?? 'the run'}, as it trains`;
  const [, folder, copy] = name.split('/');
  const copies: Readonly<Record<string, string>> = { last: ', last step', int8: ', INT8', int4: ', INT4' };
  return `${folder}${copy === undefined ? '' : (copies[copy] ?? `, ${copy}`)}`;
}
