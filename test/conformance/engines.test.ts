// Every engine against the reference: each case in each precision, on every instruction set of this machine,
// with numbers of threads that must make no difference. The reference itself is on the list: its calls and
// its recorded programs must agree. One family: node --test --test-name-pattern="native avx2 matmul"
// dist/test/conformance/engines.test.js
import { enginesByInstructionSet } from '../support/engines.ts';
import { engineTests } from './agree.ts';

for (const engine of await enginesByInstructionSet()) engineTests(engine);
