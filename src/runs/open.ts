// A run on disk: the checkpoint that stands for its model, and its events. Each document is read once.
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import { bestSoFar, hasCheckpoint, readRecord, type SavedRecord } from './checkpoint.ts';
import { type History, isFurther, readHistoryFile } from './history.ts';
import { BEST, EVALUATION_FILE, HISTORY_FILE, LAST } from './layout.ts';
import { type RunRecord, readRunRecord } from './record.ts';

/** The checkpoint of a run that stands for its model. */
export interface RunModel {
  store: Store;
  /** Number of optimizer steps before it; null if unknown. */
  step: number | null;
  /** Step of the best checkpoint, which need not be `store`; null if there is none or it is unknown. */
  bestStep: number | null;
  /**
   * Step of the newest checkpoint, if it was trained further than this one or than any evaluation; else null.
   */
  unevaluated: number | null;
}

/** A run on disk. Everything is read once, when it is first asked for. */
export interface OpenRun {
  store: Store;
  /** `run.json`; null if it does not exist. */
  record(): Promise<RunRecord | null>;
  /** `training.json` of the newest checkpoint; null if it does not exist. Rejects if it is damaged. */
  newest(): Promise<SavedRecord | null>;
  /** See `readHistory`. */
  history(): Promise<History>;
  /** See `runModel`. */
  model(): Promise<RunModel | null>;
}

/** Opens the run in `store`. Reads nothing yet. */
export function openRun(store: Store): OpenRun {
  const last = store.folder(LAST);
  const record = once(() => readRunRecord(store));
  const newest = once(async () => ((await hasCheckpoint(last)) ? readRecord(last) : null));
  const history = once(async () => furthest(store, await readHistoryFile(store), await newest()));
  // A damaged last/ does not prevent using best/; `--resume` reports the damage.
  const model = once(async () => chooseModel(store, await newest().catch(() => null)));
  return { store, record, newest, history, model };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= read();
    return result;
  };
}

async function chooseModel(store: Store, newest: SavedRecord | null): Promise<RunModel | null> {
  const [best, last] = [store.folder(BEST), store.folder(LAST)];
  const reached = newest?.progress.step ?? null;
  const only = { store: last, step: reached, bestStep: null, unevaluated: null };
  if (!(await best.exists('config.json'))) return (await last.exists('config.json')) ? only : null;
  const step = (await stepOfBest(best)) ?? newest?.progress.best?.step ?? null;
  const seen = newest?.history.findLast((event) => event.type === 'eval')?.step;
  const unevaluated = reached !== null && reached > (step ?? 0) && seen !== reached ? reached : null;
  if (unevaluated !== null && step === 0)
    return { store: last, step: unevaluated, bestStep: step, unevaluated };
  return { store: best, step, bestStep: step, unevaluated };
}

/** The step of a best checkpoint; those of the first versions do not record it. */
async function stepOfBest(best: Store): Promise<number | null> {
  if (!(await best.exists(EVALUATION_FILE))) return null;
  return (await readJsonFile(best, EVALUATION_FILE, bestSoFar)).step;
}

function furthest(store: Store, written: History | null, newest: SavedRecord | null): History {
  const found: History[] = written ? [written] : [];
  if (newest) {
    const { settings, data, teachers, probeTaps, engines, history } = newest;
    found.push({ settings, data, teachers, probeTaps, engines, events: history });
  }
  if (found.length === 0) {
    throw new Error(
      `${store.location}: no ${HISTORY_FILE}: give the folder of a run; what happened is kept there only`,
    );
  }
  return found.reduce((a, b) => (isFurther(b, a) ? b : a));
}

/**
 * The best checkpoint of the run in `store`. The last one if there is no other, or if the best is the
 * untrained model of step 0 because nothing was evaluated later. Null if there is no run.
 */
export function runModel(store: Store): Promise<RunModel | null> {
  return openRun(store).model();
}

/**
 * The store of the model in `store`: itself if it is a model folder, else the checkpoint of a run; see
 * `runModel`.
 */
export async function modelStore(store: Store, run: OpenRun = openRun(store)): Promise<Store> {
  if (await store.exists('config.json')) return store;
  const chosen = await run.model();
  if (chosen) return chosen.store;
  throw new Error(
    `${store.location}: neither a model folder (no config.json) nor a run (no ${BEST}/ or ${LAST}/)`,
  );
}

/**
 * The events of the run in `store`; while it runs, up to its last checkpoint. Throws when the folder has no
 * history, and says how to get one.
 */
export function readHistory(store: Store): Promise<History> {
  return openRun(store).history();
}
