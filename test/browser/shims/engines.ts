// The engines of a page, in the place of support/engines.ts, which has Node's.
import type { Backend, BackendOptions } from '../../../src/backend/contract.ts';
import { createReference } from '../../../src/backend/reference/index.ts';
import { createWasm, type WasmHost } from '../../../src/backend/wasm/index.ts';
import { createWebgpu } from '../../../src/backend/webgpu/index.ts';
import { browserWasmHost } from '../../../src/platform/browser-wasm.ts';
import { browserWebgpuHost } from '../../../src/platform/browser-webgpu.ts';
import type { TestEngine } from '../../support/engines.ts';
import { ON_WEBGPU } from '../../support/tolerances.ts';

const reference: Omit<TestEngine, 'skip'> = {
  name: 'reference',
  create: async (options) => createReference(options),
  alike: [{}],
};

const THREADS = [1, 3].map((threads) => ({ threads }));

function wasm(
  name: string,
  changes: Partial<WasmHost>,
  alike: readonly BackendOptions[],
): Omit<TestEngine, 'skip'> {
  return { name, create: (options) => createWasm({ ...browserWasmHost(), ...changes }, options), alike };
}

export function engines(): Promise<TestEngine[]> {
  return tried([reference, wasm('wasm', {}, THREADS)]);
}

/** Tests that run it in a page start Chromium with its switch; without, most have no GPU. */
export async function webgpu(): Promise<TestEngine> {
  const create: TestEngine['create'] = async (options) => createWebgpu(browserWebgpuHost(), options);
  const [row] = await tried([{ name: 'webgpu', create, alike: [{}], blocks: false, tolerances: ON_WEBGPU }]);
  return row;
}

/** Without the reference, with which every case is compared: its own tests take longer than all others. */
export async function enginesInTwo(): Promise<{ quick: TestEngine[]; rest: TestEngine[] }> {
  const quick = await tried([
    wasm('wasm relaxed', { wanted: 'relaxed' }, THREADS),
    wasm('wasm simd128', { wanted: 'simd128' }, [{ threads: 2 }]),
    wasm('wasm without threads', { alone: 'as in a page that is not isolated' }, [{}]),
  ]);
  return { quick, rest: [] };
}

async function tried(some: readonly Omit<TestEngine, 'skip'>[]): Promise<TestEngine[]> {
  const found: TestEngine[] = [];
  for (const engine of some) {
    const skip = await engine.create().then(
      (backend: Backend) => {
        backend.dispose();
        return false as const;
      },
      (error: Error) => error.message,
    );
    found.push({ ...engine, skip });
  }
  return found;
}
