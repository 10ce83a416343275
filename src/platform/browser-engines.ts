// The engines of a page, best first. Read next: ../backend/wasm/index.ts.
import type { BackendFactory } from '../backend/contract.ts';
import { referenceFactory } from '../backend/reference/index.ts';
import { type Engines, enginesOf } from '../backend/registry.ts';
import { createWasm } from '../backend/wasm/index.ts';
import { browserWasmHost } from './browser-wasm.ts';

const wasmFactory: BackendFactory = {
  name: 'wasm',
  create: async (options) => createWasm(browserWasmHost(), options),
};

const engines: Engines = enginesOf([wasmFactory, referenceFactory]);
export const backendNames: Engines['backendNames'] = engines.backendNames;
export const createBackend: Engines['createBackend'] = engines.createBackend;
export const registerBackend: Engines['registerBackend'] = engines.registerBackend;
export const reportBackends: Engines['reportBackends'] = engines.reportBackends;
export const useBackend: Engines['useBackend'] = engines.useBackend;
