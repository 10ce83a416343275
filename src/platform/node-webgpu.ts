// The WebGPU engine's platform in Node: Dawn, from the optional package `webgpu`.
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { WebgpuHost } from '../backend/webgpu/index.ts';

/** Dawn's entry. Devices of an entry that was collected as garbage end the process. */
let entry: GPU | null = null;

export function nodeWebgpuHost(): WebgpuHost {
  return {
    async open() {
      if (entry) return entry;
      const dawn = await import('webgpu').catch((error: NodeJS.ErrnoException) => {
        throw new Error(reason(error));
      });
      if (process.platform === 'linux') findVulkan();
      entry = dawn.create([]);
      return entry;
    },
    noAdapter: "no driver here has a GPU that it can use: update the GPU's driver, or use another engine",
  };
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ERR_MODULE_NOT_FOUND'
    ? 'the optional package webgpu is not installed: npm install webgpu'
    : `the package webgpu does not load: ${message.split('\n')[0]}`;
}

/** Throws when Vulkan's loader, or any driver for it, is missing: Dawn would only find no GPU, at length. */
function findVulkan(): void {
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
  } catch (error) {
    // What is found is no addon, which is a later error.
    if ((error as Error).message.includes('cannot open shared object file'))
      throw new Error(
        "Vulkan's loader, libvulkan.so.1, is not installed: install it (Debian: apt-get install libvulkan1)",
      );
  }
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (!named && !driverFolders().some(hasDriver))
    throw new Error(
      'Vulkan has no driver for a GPU: install that of the GPU (Debian: mesa-vulkan-drivers, or nvidia-driver)',
    );
}

/** Where Vulkan's loader looks for descriptions of drivers. */
function driverFolders(): string[] {
  const { XDG_CONFIG_HOME, XDG_CONFIG_DIRS, XDG_DATA_HOME, XDG_DATA_DIRS } = process.env;
  const roots = [
    XDG_CONFIG_HOME ?? join(homedir(), '.config'),
    ...(XDG_CONFIG_DIRS ?? '/etc/xdg').split(':'),
    '/etc',
    '/usr/local/etc',
    XDG_DATA_HOME ?? join(homedir(), '.local/share'),
    ...(XDG_DATA_DIRS ?? '/usr/local/share:/usr/share').split(':'),
  ];
  return roots.map((root) => join(root, 'vulkan/icd.d'));
}

function hasDriver(folder: string): boolean {
  try {
    return readdirSync(folder).some((file) => file.endsWith('.json'));
  } catch {
    return false;
  }
}
