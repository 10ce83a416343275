// The engine of a command: `--backend` and `--threads`, and remarks about the choice.
import type { Backend } from '../backend/contract.ts';
import { engineFields } from '../backend/registry.ts';
import { backendNames, useBackend } from '../platform/node-engines.ts';
import { choice, flagOf, type Values } from './flags.ts';
import type { Output } from './output.ts';

export const engineFlags = {
  backend: choice({ about: 'engine to compute with', initial: 'auto' }, ['auto', ...backendNames()]),
  threads: flagOf(engineFields, 'threads', { initial: "the machine's cores" }),
  precision: flagOf(engineFields, 'precision'),
};

/**
 * Makes the engine the current one. Nothing falls back silently: the engines that `auto` tried in vain are
 * noted, with the reason. An engine that was named and does not work here is a failure.
 */
export async function chooseEngine(flags: Values<typeof engineFlags>, output: Output): Promise<Backend> {
  const { backend: name = 'auto', threads, precision } = flags;
  const { backend, passedOver } = await useBackend(name, { threads, precision });
  for (const other of passedOver) output.note(`engine ${other.name} is not used: ${other.detail}`);
  output.note(`engine: ${backend.description}`);
  return backend;
}

/** Uses the engine for the time that `work` takes. */
export async function withEngine<T>(
  flags: Values<typeof engineFlags>,
  output: Output,
  work: (backend: Backend) => Promise<T>,
): Promise<T> {
  const backend = await chooseEngine(flags, output);
  try {
    return await work(backend);
  } finally {
    backend.dispose();
  }
}
