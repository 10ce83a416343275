// How the parts of a model learnt: the probes of a run, and its warnings. Shown by ../figures/run-health.ts.
import type { Activation } from '../backend/contract.ts';
import type { Store } from '../io/store.ts';
import { loadConfig } from '../model/folder.ts';
import type { ProbeEvent, WarningEvent } from '../train/events.ts';
import type { History } from './history.ts';
import { modelStore, openRun } from './open.ts';

/** What a run says of the parts of its model. */
export interface RunHealth {
  /** The activation function of the model. */
  activation: Activation;
  /** All probes, at least one: sparsity, dead units, gradients and updates, with their steps. */
  probes: ProbeEvent[];
  warnings: WarningEvent[];
}

/**
 * The health of the run in `store`; while it runs, up to its last checkpoint. Throws when the folder has no
 * run, or its run no probes.
 */
export async function inspectHealth(store: Store): Promise<RunHealth> {
  const run = openRun(store);
  const history = await run.history();
  const { activation } = await loadConfig(await modelStore(store, run));
  const health = healthOf(history, activation);
  if (health) return health;
  throw new Error(`${store.location}: the run has no probes: train with probeEvery 100`);
}

/** The health in a history; null where it has no probes. */
export function healthOf({ events }: History, activation: Activation): RunHealth | null {
  const probes = events.filter((event) => event.type === 'probe');
  const warnings = events.filter((event) => event.type === 'warning');
  return probes.length > 0 ? { activation, probes, warnings } : null;
}
