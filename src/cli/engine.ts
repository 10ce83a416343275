// The engine of a command: `--backend` and `--threads`, and what is said about the choice.
import type { Backend } from '../backend/contract.ts';
import { backendNames, useBackend } from '../platform/node-engines.ts';
import { misuse } from './errors.ts';
import { choice, integer, text, type Values } from './flags.ts';
import type { Output } from './output.ts';

export const engineFlags = {
  backend: text({ about: 'engine to compute with', argument: '<auto|native|reference>', initial: 'auto' }),
  threads: integer(
    { about: 'compute threads; the results do not depend on it', initial: "the machine's cores" },
    1,
    256,
  ),
  precision: choice(
    { about: 'what matrix products and attention compute in; sums and weights are float32', initial: 'f32' },
    ['f32', 'bf16'],
  ),
};

/** Throws a misuse for an engine that does not exist. */
export function checkEngineName({ backend: name = 'auto' }: Values<typeof engineFlags>): void {
  const names = ['auto', ...backendNames()];
  if (!names.includes(name)) throw misuse(`--backend ${name} is not one of ${names.join(', ')}`);
}

/**
 * Makes the engine current. Nothing falls back silently: what `auto` passed over is noted, with the reason. A name that does
 * not exist is a misuse; an engine that does not work here is a failure.
 */
export async function chooseEngine(flags: Values<typeof engineFlags>, output: Output): Promise<Backend> {
  checkEngineName(flags);
  const { backend: name = 'auto', threads, precision } = flags;
  const { backend, passedOver } = await useBackend(name, { threads, precision });
  for (const other of passedOver) output.note(`engine ${other.name} is not used: ${other.detail}`);
  output.note(`engine: ${backend.description}`);
  return backend;
}

/** Chooses the engine for the time that `work` takes. */
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
