// Models by their names in the address: `shakespeare` (of the site), `runs/whale` (the best of a run),
// `runs/whale/int8`, `models/gift`, and `live`, the one that is being trained,
// and `followed`, that of the run which the command line trains.
import { type LibraryWorker, modelStore, type Store, urlStore, type WorkerModel } from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { library, workersBefore } from '../engine.ts';
import { FOLLOWED_URL, followed, followedName } from '../followed.ts';
import { training } from '../training.ts';
import { fetchShipped, shippedStore } from './shipped.ts';

export const SHIPPED = 'shakespeare';
export const LIVE = 'live';
/** The best of the run that the server of this page follows. */
export const FOLLOWED = 'followed';

/** A model in the worker. */
interface Opened {
  model: Promise<WorkerModel>;
  /** Jobs that are done with it now. */
  users: number;
  /** Whether it goes when nobody uses it any more. */
  dropped: boolean;
}

/** Models in the worker by name and version, most recently used last. */
const open = new Map<string, Opened>();
/** More would fill the memory of a tab with weights. */
const MOST_OPEN = 4;

/**
 * Opens a model. The same name gives the same model until its files change, until `forget`, or until others
 * were opened: what takes long is done by `withModel`.
 */
export async function openModel(name: string): Promise<WorkerModel> {
  return name === LIVE ? liveModel() : take(name).model;
}

/** Does `work` with a model, which stays open meanwhile, whatever else is opened. */
export async function withModel<T>(name: string, work: (model: WorkerModel) => Promise<T>): Promise<T> {
  if (name === LIVE) return work(liveModel());
  const opened = take(name);
  opened.users++;
  try {
    return await work(await opened.model);
  } finally {
    opened.users--;
    free(opened);
  }
}

function liveModel(): WorkerModel {
  const { model, worker } = training.value ?? {};
  if (!model || worker !== workersBefore())
    throw new Error('nothing is being trained now: choose another model');
  return model;
}

function take(name: string): Opened {
  const key = `${name}@${workersBefore()}.${checkpointsOf(name)}`;
  const opened = open.get(key) ?? { model: load(name), users: 0, dropped: false };
  open.delete(key);
  open.set(key, opened);
  opened.model.catch(() => open.delete(key));
  for (const oldest of open.keys()) {
    if (open.size <= MOST_OPEN) break;
    close(oldest);
  }
  return opened;
}

/**
 * Number of checkpoints that the run of a model has written while this page looks: its files change with
 * each.
 */
export function checkpointsOf(name: string): number {
  const run = name === FOLLOWED && followed.value?.state === 'seen' ? followed.value.run : training.value;
  if (!run || (name !== FOLLOWED && !isPartOf(name, `runs/${run.name}`))) return 0;
  if (run.count.value === 0) return 0; // who asks in a signal is told when there are more
  return run.events.filter(({ type }) => type === 'checkpoint').length;
}

/** Drops a model, or those of a run: their files are gone. */
export function forget(name: string): void {
  for (const key of open.keys()) if (isPartOf(key.slice(0, key.lastIndexOf('@')), name)) close(key);
}

function isPartOf(name: string, whole: string): boolean {
  return name === whole || name.startsWith(`${whole}/`);
}

function close(key: string): void {
  const opened = open.get(key);
  open.delete(key);
  if (!opened) return;
  opened.dropped = true;
  free(opened);
}

function free({ model, users, dropped }: Opened): void {
  if (dropped && users === 0) void model.then((it) => it.dispose()).catch(() => undefined);
}

/** Loads a model for the caller alone, who may train it, and disposes of it. */
export async function load(name: string): Promise<WorkerModel> {
  if (name === SHIPPED) fetchShipped();
  const worker: LibraryWorker = await library();
  return worker.load(await modelStore(storeOf(name)));
}

/** The folder of a model, or of the run that it is the best of. Throws where the page follows no run. */
export function storeOf(name: string): Store {
  if (name === SHIPPED) return shippedStore;
  if (name === FOLLOWED && followedName === null)
    throw new Error('this page follows no run: inkhorn studio --run DIR does');
  if (name === FOLLOWED) return urlStore(FOLLOWED_URL);
  return opfsStore(name);
}

/** What people call it: `whale, INT8`. */
export function titleOf(name: string): string {
  if (name === SHIPPED) return 'Shakespeare, as bundled';
  if (name === LIVE) return `${training.value?.name ?? 'the run'}, as it trains`;
  if (name === FOLLOWED) return `${followedName ?? 'a run'}, its best so far`;
  const [, folder, copy] = name.split('/');
  if (folder === undefined) return name;
  const copies: Readonly<Record<string, string>> = { last: ', last step', int8: ', INT8', int4: ', INT4' };
  return `${folder}${copy === undefined ? '' : (copies[copy] ?? `, ${copy}`)}`;
}
