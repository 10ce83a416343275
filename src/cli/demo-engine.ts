// The engines of the demo. Where the C++ engine is not compiled yet, WebAssembly begins at once while it is
// compiled; each chapter takes the best one that is there.
import type { Backend } from '../backend/contract.ts';
import { buildCommand } from '../base/node-command.ts';
import { announceEngine, type engineFlags, startEngine } from './engine.ts';
import type { Values } from './flags.ts';
import { type BackgroundBuild, nativeIsReady, startNativeBuild } from './native-build.ts';
import type { Output } from './output.ts';
import { withProgress } from './progress.ts';

/** Which engine computes. One that was returned stays usable until `dispose`. */
export interface DemoEngine {
  /** The best engine that is ready. Says so when it is another one than before. */
  now(): Promise<Backend>;
  /** Waits for the compiler, with a bar; `signal` ends it. */
  finish(signal?: AbortSignal): Promise<void>;
  dispose(): void;
}

type Given = Values<typeof engineFlags>;

/** Starts an engine. Throws where one is named by its flag that does not work here. */
export async function startDemoEngine(given: Given, output: Output): Promise<DemoEngine> {
  const { backend: name = 'auto' } = given;
  const wanted = ['auto', 'native'].includes(name) && !(await nativeIsReady());
  const build = wanted ? await startNativeBuild() : null;
  return build ? whileCompiling(build, given, output) : ready(given, output);
}

async function ready(given: Given, output: Output): Promise<DemoEngine> {
  const started = await startEngine(given);
  let announced = false;
  return {
    async now() {
      if (!announced) announceEngine(started, output);
      announced = true;
      return started.backend;
    },
    finish: async () => {},
    dispose: () => started.backend.dispose(),
  };
}

async function whileCompiling(build: BackgroundBuild, given: Given, output: Output): Promise<DemoEngine> {
  let current = await startWithout(given);
  const used = [current];
  let announced = false;
  let settled = false;
  const change = async (): Promise<void> => {
    settled = true;
    const chosen = await startEngine(given);
    used.push(chosen.backend);
    if (chosen.backend.description !== current.description || chosen.passedOver.length > 0)
      announceEngine(chosen, output);
    current = chosen.backend;
  };
  return {
    async now() {
      if (!announced)
        output.note(`engine: ${current.description}; the C++ engine, which is faster, is being compiled`);
      else if (build.over && !settled) await change();
      else if (!settled) output.note(standing(build, current));
      announced = true;
      return current;
    },
    async finish(signal) {
      if (settled) return;
      const stop = (): void => build.stop();
      signal?.addEventListener('abort', stop);
      if (signal?.aborted) stop();
      await withProgress('compiling the C++ engine', 'steps', (update) =>
        build.wait(({ done, total }) => update(done, total)),
      );
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted)
        output.note(`the C++ engine is not compiled: \`${buildCommand()}\` goes on with it`);
      else await change();
    },
    dispose() {
      build.stop();
      for (const backend of new Set(used)) backend.dispose();
    },
  };
}

/** The best engine that needs no compiler. */
async function startWithout(given: Given): Promise<Backend> {
  const { backend } = await startEngine({ ...given, backend: 'wasm' }).catch(() =>
    startEngine({ ...given, backend: 'reference' }),
  );
  return backend;
}

function standing({ progress: { done, total } }: BackgroundBuild, { description }: Backend): string {
  const steps = total > 0 ? `, ${done} of ${total} steps` : '';
  return `the C++ engine is being compiled${steps}; until then: ${description}`;
}
