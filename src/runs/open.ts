// A run on disk: which of its checkpoints stands for its model, and what happened in it. Each document is
// read once.
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import { bestSoFar, hasCheckpoint, readRecord, type SavedRecord } from './checkpoint.ts';
import { type History, isFurther, readHistoryFile } from './history.ts';
import { BEST, EVALUATION_FILE, HISTORY_FILE, LAST } from './layout.ts';
import { type RunRecord, readRunRecord } from './record.ts';

/** The checkpoint of a run that stands for its model. */
export interface RunModel {
  store: Store;
  /** Optimizer steps behind it; null where nothing says so. */
  step: number | null;
  /** Of the best checkpoint, which need not be `store`; null where there is none or nothing says so. */
  bestStep: number | null;
  /**
   * Steps of the newest checkpoint, if it was trained further than this one, or than any evaluation; else
   * null.
   */
  unevaluated: number | null;
}

/** A run on disk. Everything is read when it is first asked for, and once. */
export interface OpenRun {
  store: Store;
  /** `run.json`; null where there is none. */
  record(): Promise<RunRecord | null>;
  /** `training.json` of the newest checkpoint; null where there is none. Rejects where it is damaged. */
  newest(): Promise<SavedRecord | null>;
  /** See `readHistory`. */
  history(): Promise<History>;
  /** See `runModel`. */
  model(): Promise<RunModel | null>;
}

/** Opens the run in `store`; reads nothing yet. */
export function openRun(store: Store): OpenRun {
  const last = store.folder(LAST);
  const record = once(() => readRunRecord(store));
  const newest = once(async () => ((await hasCheckpoint(last)) ? readRecord(last) : null));
  const history = once(async () => furthest(store, await readHistoryFile(store), await newest()));
  // A damaged last/ is no reason to refuse best/: `--resume` says what is wrong with it.
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
  const step = (await evaluatedStep(best)) ?? newest?.progress.best?.step ?? null;
  const seen = newest?.history.findLast((event) => event.type === 'eval')?.step;
  const unevaluated = reached !== null && reached > (step ?? 0) && seen !== reached ? reached : null;
  if (unevaluated !== null && step === 0)
    return { store: last, step: unevaluated, bestStep: step, unevaluated };
  return { store: best, step, bestStep: step, unevaluated };
}

/** The step of a best checkpoint, which those of the first versions do not say. */
async function evaluatedStep(best: Store): Promise<number | null> {
  if (!(await best.exists(EVALUATION_FILE))) return null;
  return (await readJsonFile(best, EVALUATION_FILE, bestSoFar)).step;
}

function furthest(store: Store, written: History | null, newest: SavedRecord | null): History {
  const found: History[] = written ? [written] : [];
  if (newest) {
    const { settings, data, probeTaps, engines, history } = newest;
    found.push({ settings, data, probeTaps, engines, events: history });
  }
  if (found.length === 0) {
    throw new Error(
      `${store.location}: no ${HISTORY_FILE}: give the folder of a run, the --out of \`inkhorn train\`; what happened is kept there only`,
    );
  }
  return found.reduce((a, b) => (isFurther(b, a) ? b : a));
}

/**
 * The best checkpoint of the run in `store`; the last one where there is no other, and where the best is the
 * untrained model of step 0 only because nothing was evaluated since. Null where there is no run.
 */
export function runModel(store: Store): Promise<RunModel | null> {
  return openRun(store).model();
}

/**
 * Where the model is in `store`: the store itself if it is a model folder, else the checkpoint of a run; see
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
 * What happened in the run in `store`, up to its last checkpoint while it goes on. Throws when the folder
 * holds no history, saying what would.
 */
export function readHistory(store: Store): Promise<History> {
  return openRun(store).history();
}
