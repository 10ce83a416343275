// The engines that engines.test.ts leaves out, against the reference: other instruction sets, WASM without
// threads, and the reference itself in every case.
import { enginesInTwo } from '../support/engines.ts';
import { engineTests } from './agree.ts';

const { rest } = await enginesInTwo();
for (const engine of rest) engineTests(engine);
