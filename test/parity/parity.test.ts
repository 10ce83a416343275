// Inkhorn against PyTorch, on every engine of this machine; on WebGPU in the smallest case. (All of them:
// webgpu.long.test.ts.)
import { engines, webgpu } from '../support/engines.ts';
import { cases, parityTests } from './against-golden.ts';

for (const engine of await engines()) parityTests(engine);
parityTests(await webgpu(), cases.slice(-1));
