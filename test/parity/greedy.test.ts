// The same model and tokenizer on every engine: the same greedy text, whole and quantised. (Losses:
// parity.test.ts. WebGPU: webgpu.long.test.ts.)
import { engines } from '../support/engines.ts';
import { speechTest } from './speech.ts';

const [, ...others] = await engines();
for (const engine of others) speechTest(engine);
