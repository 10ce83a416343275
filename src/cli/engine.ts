// The engine of a command: `--backend` and `--threads`, and remarks about the choice. A command starts it
// before it reads texts.
import type { Backend } from '../backend/contract.ts';
import { type ChosenBackend, engineFields } from '../backend/registry.ts';
import { backendNames, useBackend } from '../platform/node-engines.ts';
import { choice, flagOf, type Values } from './flags.ts';
import type { Output } from './output.ts';

export const engineFlags = {
  backend: choice({ about: 'engine to compute with', initial: 'auto' }, ['auto', ...backendNames()]),
  threads: flagOf(engineFields, 'threads', { initial: "the machine's cores" }),
  precision: flagOf(engineFields, 'precision'),
};

/**
 * Starts the engine and makes it the current one, before anything that takes long: an engine that was named
 * and does not work here is a failure. `announceEngine` says what was started.
 */
export function startEngine(flags: Values<typeof engineFlags>): Promise<ChosenBackend> {
  const { backend: name = 'auto', threads, precision } = flags;
  return useBackend(name, { threads, precision });
}

/**
 * Nothing falls back silently: the engines that `auto` tried in vain are noted, with the reason, and the
 * engine that is used.
 */
export function announceEngine({ backend, passedOver }: ChosenBackend, output: Output): Backend {
  for (const other of passedOver) output.note(`engine ${other.name} is not used: ${other.detail}`);
  output.note(`engine: ${backend.description}`);
  return backend;
}

/** Starts the engine for the time that `work` takes. */
export async function withEngine<T>(
  flags: Values<typeof engineFlags>,
  work: (engine: ChosenBackend) => Promise<T>,
): Promise<T> {
  const engine = await startEngine(flags);
  try {
    return await work(engine);
  } finally {
    engine.backend.dispose();
  }
}
