// Every engine against the reference: each case in each precision, with numbers of threads that must make no
// difference, on the best instruction set of this machine. The reference itself, whose calls and recorded
// programs must agree, in the first cases of each kernel. (The rest: engines.long.test.ts.) One family: node
// --test --test-name-pattern="native avx2 matmul" dist/test/conformance/engines.test.js
import { enginesInTwo } from '../support/engines.ts';
import { engineTests, firstCases } from './agree.ts';

const { quick, rest } = await enginesInTwo();
for (const engine of quick) engineTests(engine);
for (const engine of rest) if (engine.name === 'reference') engineTests(engine, firstCases());
