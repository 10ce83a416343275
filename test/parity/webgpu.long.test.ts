// WebGPU against PyTorch in every case, and its greedy text: minutes where there is no GPU.
import { webgpu } from '../support/engines.ts';
import { parityTests } from './against-golden.ts';
import { speechTest } from './speech.ts';

const engine = await webgpu();
parityTests(engine);
speechTest(engine);
