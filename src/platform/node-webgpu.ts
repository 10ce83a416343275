// The WebGPU engine's platform in Node: Dawn, from the optional package `webgpu`. Read next: node-vulkan.ts.
import type { WebgpuHost } from '../backend/webgpu/index.ts';
import { whyNotLoaded } from '../base/node-command.ts';
import { findVulkan } from './node-vulkan.ts';

/** Dawn's entry. Devices of an entry that was collected as garbage end the process. */
let entry: GPU | null = null;

export function nodeWebgpuHost(): WebgpuHost {
  return {
    async open() {
      if (entry) return entry;
      const dawn = await import('webgpu').catch((error: Error) => {
        throw new Error(whyNotLoaded('webgpu', error));
      });
      if (process.platform === 'linux') findVulkan();
      entry = dawn.create([]);
      return entry;
    },
    noAdapter: "no driver here has a GPU that it can use: update the GPU's driver, or use another engine",
  };
}
