// The engines of a page, best first.
import { referenceFactory } from '../backend/reference/index.ts';
import { type Engines, enginesOf } from '../backend/registry.ts';

const engines: Engines = enginesOf([referenceFactory]);
export const backendNames: Engines['backendNames'] = engines.backendNames;
export const createBackend: Engines['createBackend'] = engines.createBackend;
export const registerBackend: Engines['registerBackend'] = engines.registerBackend;
export const reportBackends: Engines['reportBackends'] = engines.reportBackends;
export const useBackend: Engines['useBackend'] = engines.useBackend;
