// The WebGPU engine's platform in Node: Dawn, from the optional package `webgpu`.
import type { WebgpuHost } from '../backend/webgpu/index.ts';

/** Dawn's entry. Devices of an entry that was collected as garbage end the process. */
let entry: GPU | null = null;

export function nodeWebgpuHost(): WebgpuHost {
  return {
    async open() {
      try {
        entry ??= (await import('webgpu')).create([]);
      } catch (error) {
        throw new Error(reason(error as NodeJS.ErrnoException));
      }
      return entry;
    },
    noAdapter:
      'install its Vulkan driver and loader (Debian: libvulkan1 and mesa-vulkan-drivers), or use another engine',
  };
}

function reason(error: NodeJS.ErrnoException): string {
  return error.code === 'ERR_MODULE_NOT_FOUND'
    ? 'the optional package webgpu is not installed: npm install webgpu'
    : `the package webgpu does not load: ${error.message.split('\n')[0]}`;
}
