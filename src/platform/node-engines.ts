// The engines of Node, best first, each loaded when it is tried. Read next: ../backend/native/index.ts,
// ../backend/wasm/index.ts, ../backend/reference/index.ts.
import type { BackendFactory } from '../backend/contract.ts';
import { type Engines, enginesOf } from '../backend/registry.ts';

/** C++, if it was built. */
const nativeFactory: BackendFactory = {
  name: 'native',
  create: async (options) => (await import('../backend/native/index.ts')).createNative(options),
};

/** WGSL on a GPU, through the optional package `webgpu`. */
const webgpuFactory: BackendFactory = {
  name: 'webgpu',
  async create(options) {
    const { createWebgpu } = await import('../backend/webgpu/index.ts');
    const { nodeWebgpuHost } = await import('./node-webgpu.ts');
    return createWebgpu(nodeWebgpuHost(), options);
  },
};

/** The C++ kernels in WebAssembly, which needs no compiler. */
const wasmFactory: BackendFactory = {
  name: 'wasm',
  async create(options) {
    const { createWasm } = await import('../backend/wasm/index.ts');
    const { nodeWasmHost } = await import('./node-wasm.ts');
    return createWasm(nodeWasmHost(), options);
  },
};

/** Plain TypeScript: the definition. */
const referenceFactory: BackendFactory = {
  name: 'reference',
  create: async (options) => (await import('../backend/reference/index.ts')).referenceFactory.create(options),
};

const engines: Engines = enginesOf([nativeFactory, webgpuFactory, wasmFactory, referenceFactory]);
export const backendNames: Engines['backendNames'] = engines.backendNames;
export const createBackend: Engines['createBackend'] = engines.createBackend;
export const registerBackend: Engines['registerBackend'] = engines.registerBackend;
export const reportBackends: Engines['reportBackends'] = engines.reportBackends;
export const useBackend: Engines['useBackend'] = engines.useBackend;
