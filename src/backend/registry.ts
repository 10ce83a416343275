// Chooses an engine among those of a platform, and says why others were not chosen. The platforms' engines
// are listed in platform/node-engines.ts and platform/browser-engines.ts.
import { checkValue, choice, complete, integer, type Table } from '../base/fields.ts';
import { string } from '../base/schema.ts';
import type { Backend, BackendFactory, BackendOptions } from './contract.ts';
import { setCurrentBackend } from './current.ts';

/** Options for creating an engine. */
export const engineFields: Table<BackendOptions> = {
  threads: integer({ about: 'compute threads; the results do not depend on it', min: 1, max: 256 }),
  precision: choice(['f32', 'bf16'], {
    about: 'what matrix products and attention compute in; sums and weights are float32',
    default: 'f32',
  }),
};

/** The engines tried, in order: `ok`, or the reason why not. */
export interface BackendReport {
  name: string;
  available: boolean;
  detail: string;
  /** Why `auto` passes it over although it works. */
  lastResort?: string;
}

/** The result of `useBackend`. */
export interface ChosenBackend {
  backend: Backend;
  /** One line for each engine that was tried before, with the reason why it was not taken. */
  passedOver: BackendReport[];
}

/** The engines of a platform. */
export interface Engines {
  /** The names that `useBackend` takes, best first. */
  backendNames(): string[];
  /** Adds an engine before all others. */
  registerBackend(factory: BackendFactory): void;
  /**
   * Creates an engine without making it the current one. `auto` takes the first that works and is no last
   * resort, and reports why not those before it. Throws when the named engine does not exist or does not work
   * here.
   */
  createBackend(name?: string, options?: BackendOptions): Promise<ChosenBackend>;
  /** Makes an engine the current one: models created from now on use it. */
  useBackend(name?: string, options?: BackendOptions): Promise<ChosenBackend>;
  /** Tries every engine, for `inkhorn doctor`. */
  reportBackends(options?: BackendOptions): Promise<BackendReport[]>;
}

/** A registry of the engines `offered`, best first. */
export function enginesOf(offered: readonly BackendFactory[]): Engines {
  const factories = [...offered];
  const backendNames = (): string[] => factories.map(({ name }) => name);
  const createBackend = async (name = 'auto', options: BackendOptions = {}): Promise<ChosenBackend> => {
    const use = `use ${['auto', ...backendNames().slice(0, -1)].join(', ')} or ${backendNames().at(-1)}`;
    checkValue({ schema: string, hint: use }, name, 'backend');
    complete(engineFields, options, 'an engine');
    if (name === 'auto') return firstThatWorks(factories, options);
    const factory = factories.find((f) => f.name === name);
    if (!factory) throw new Error(`unknown backend '${name}': ${use}`);
    return { backend: await factory.create(options), passedOver: [] };
  };
  return {
    backendNames,
    registerBackend: (factory) => void factories.unshift(factory),
    createBackend,
    async useBackend(name, options) {
      const chosen = await createBackend(name, options);
      setCurrentBackend(chosen.backend);
      return chosen;
    },
    async reportBackends(options = {}) {
      const reports: BackendReport[] = [];
      for (const factory of factories) {
        const { backend, report } = await tried(factory, options);
        backend?.dispose();
        reports.push(report);
      }
      return reports;
    },
  };
}

async function firstThatWorks(
  factories: readonly BackendFactory[],
  options: BackendOptions,
): Promise<ChosenBackend> {
  const passedOver: BackendReport[] = [];
  for (const factory of factories) {
    const { backend, report } = await tried(factory, options);
    const { lastResort } = report;
    if (backend && lastResort === undefined) return { backend, passedOver };
    backend?.dispose();
    passedOver.push(lastResort === undefined ? report : { ...report, detail: lastResort });
  }
  throw new Error(`no engine works here: ${passedOver.map((p) => `${p.name}: ${p.detail}`).join('; ')}`);
}

/** The engine; null where it does not work, and the report says why. */
async function tried(
  { name, create }: BackendFactory,
  options: BackendOptions,
): Promise<{ backend: Backend | null; report: BackendReport }> {
  try {
    const backend = await create(options);
    const { description: detail, lastResort } = backend;
    const remark = lastResort === undefined ? {} : { lastResort };
    return { backend, report: { name, available: true, detail, ...remark } };
  } catch (error) {
    return { backend: null, report: { name, available: false, detail: (error as Error).message } };
  }
}
