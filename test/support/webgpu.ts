// WebGPU for tests: a GPU where this machine has one, else the imitation that comes with Debian's Chromium.
import { existsSync } from 'node:fs';
import { createWebgpu, type WebgpuBackend, type WebgpuOptions } from '../../src/backend/webgpu/index.ts';
import { nodeWebgpuHost } from '../../src/platform/node-webgpu.ts';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** A WebGPU engine. Throws with the reason where there is none. */
export function createTestWebgpu(options?: WebgpuOptions): Promise<WebgpuBackend> {
  if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER))
    process.env.VK_ICD_FILENAMES = SWIFTSHADER;
  return createWebgpu(nodeWebgpuHost(), options);
}
