// Which engines this machine offers, which one is in use, and why the others are not.
import type { Backend, BackendOptions } from './contract.ts';
import { createReference } from './reference/index.ts';

/** An engine that may or may not work here. `create` throws an Error whose message is the reason, with the fix. */
export interface BackendFactory {
  name: string;
  create(options: BackendOptions): Promise<Backend>;
}

/** What was tried, in order: `ok`, or the reason why not. */
export interface BackendReport {
  name: string;
  available: boolean;
  detail: string;
}

/** Best first. Platforms put theirs in front (`platform/node.ts` adds `native`). */
const factories: BackendFactory[] = [
  { name: 'reference', create: async (options): Promise<Backend> => createReference(options) },
];

let current: Backend | null = null;

/** Adds an engine in front of those known so far. */
export function registerBackend(factory: BackendFactory): void {
  factories.unshift(factory);
}

/** The names that `useBackend` takes, best first. */
export function backendNames(): string[] {
  return factories.map((f) => f.name);
}

/** What `useBackend` decided. */
export interface ChosenBackend {
  backend: Backend;
  /** One line for each engine that was passed over, with the reason. */
  passedOver: BackendReport[];
}

/**
 * Makes an engine without making it the current one. `auto` takes the first that works and reports why those before
 * it did not. Throws when the named one does not exist or does not work here.
 */
export async function createBackend(name = 'auto', options: BackendOptions = {}): Promise<ChosenBackend> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 256)) {
    throw new Error(`threads ${threads} is not a whole number from 1 to 256`);
  }
  if (name !== 'auto') {
    const factory = factories.find((f) => f.name === name);
    if (!factory) {
      throw new Error(`unknown backend '${name}': use auto, ${backendNames().join(' or ')}`);
    }
    return { backend: await factory.create(options), passedOver: [] };
  }
  const passedOver: BackendReport[] = [];
  for (const factory of factories) {
    try {
      return { backend: await factory.create(options), passedOver };
    } catch (error) {
      passedOver.push({ name: factory.name, available: false, detail: (error as Error).message });
    }
  }
  throw new Error(`no engine works here: ${passedOver.map((p) => `${p.name}: ${p.detail}`).join('; ')}`);
}

/** Makes an engine the current one: models made from now on live on it. */
export async function useBackend(name = 'auto', options: BackendOptions = {}): Promise<ChosenBackend> {
  const chosen = await createBackend(name, options);
  current = chosen.backend;
  return chosen;
}

/** The engine in use. Throws when none has been chosen: nothing is picked silently. */
export function currentBackend(): Backend {
  if (!current) throw new Error("no engine chosen yet: call `await useBackend('auto')` first");
  return current;
}

/** Tries every engine, for `inkhorn doctor`. */
export async function reportBackends(options: BackendOptions = {}): Promise<BackendReport[]> {
  const reports: BackendReport[] = [];
  for (const factory of factories) {
    try {
      const backend = await factory.create(options);
      reports.push({ name: factory.name, available: true, detail: backend.description });
      backend.dispose();
    } catch (error) {
      reports.push({ name: factory.name, available: false, detail: (error as Error).message });
    }
  }
  return reports;
}
