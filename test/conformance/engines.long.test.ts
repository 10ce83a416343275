// The engines against the reference on the instruction sets that engines.test.ts leaves out, and WASM without
// threads.
import { enginesInTwo } from '../support/engines.ts';
import { engineTests } from './agree.ts';

const { rest } = await enginesInTwo();
for (const engine of rest) engineTests(engine);
