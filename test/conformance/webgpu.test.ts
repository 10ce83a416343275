// The WebGPU engine against the reference, in the first cases of each kernel. (All: webgpu.long.test.ts.)
import { webgpu } from '../support/engines.ts';
import { engineTests, firstCases } from './agree.ts';

engineTests(await webgpu(), firstCases());
