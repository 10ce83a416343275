// The engines of a page, best first. Read next: ../backend/wasm/index.ts, ../backend/webgpu/index.ts.
import type { BackendFactory } from '../backend/contract.ts';
import { referenceFactory } from '../backend/reference/index.ts';
import { type Engines, enginesOf } from '../backend/registry.ts';
import { createWasm } from '../backend/wasm/index.ts';
import { browserWasmHost } from './browser-wasm.ts';
import { browserWebgpuHost } from './browser-webgpu.ts';

/** Loaded when it is tried: many browsers have no WebGPU. */
const webgpuFactory: BackendFactory = {
  name: 'webgpu',
  async create(options) {
    const host = browserWebgpuHost(); // throws where there is none, before anything is loaded
    return (await import('../backend/webgpu/index.ts')).createWebgpu(host, options);
  },
};

const wasmFactory: BackendFactory = {
  name: 'wasm',
  create: async (options) => createWasm(browserWasmHost(), options),
};

const engines: Engines = enginesOf([webgpuFactory, wasmFactory, referenceFactory]);
export const backendNames: Engines['backendNames'] = engines.backendNames;
export const createBackend: Engines['createBackend'] = engines.createBackend;
export const registerBackend: Engines['registerBackend'] = engines.registerBackend;
export const reportBackends: Engines['reportBackends'] = engines.reportBackends;
export const useBackend: Engines['useBackend'] = engines.useBackend;
