// The WebGPU engine against the reference, in every case: minutes where there is no GPU. (The quick ones:
// webgpu.test.ts.) One family: node --test --test-name-pattern="webgpu matmul"
// dist/test/conformance/webgpu.long.test.js
import { webgpu } from '../support/engines.ts';
import { engineTests } from './agree.ts';

engineTests(await webgpu());
