// Every engine against the reference: each case in each precision, with numbers of threads that must make no
// difference, on the best instruction set of this machine. (The others: engines.long.test.ts.) The reference
// itself is on the list: its calls and its recorded programs must agree. One family: node --test
// --test-name-pattern="native avx2 matmul" dist/test/conformance/engines.test.js
import { enginesInTwo } from '../support/engines.ts';
import { engineTests } from './agree.ts';

const { quick } = await enginesInTwo();
for (const engine of quick) engineTests(engine);
