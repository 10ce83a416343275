// Whether Vulkan can work on this Linux. Dawn would print several lines of its own where it cannot.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { userFolder } from '../base/node-home.ts';

/** Throws one line when Vulkan's loader, or any driver for it, is missing. */
export function findVulkan(): void {
  if (!loads('libvulkan.so.1'))
    throw new Error(
      "Vulkan's loader, libvulkan.so.1, is not installed: install it (Debian: apt-get install libvulkan1)",
    );
  // The loader obeys the first of these that is set, also if it is empty.
  const variable = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name] !== undefined);
  if (driverPlaces(variable).flatMap(manifestsIn).some(hasLibrary)) return;
  if (variable)
    throw new Error(
      `${variable}=${process.env[variable]} names no driver that Vulkan can load: name its file (such as /usr/share/vulkan/icd.d/nvidia_icd.json), or unset ${variable}`,
    );
  throw new Error(
    'Vulkan has no driver for a GPU: install that of the GPU (Debian: mesa-vulkan-drivers, or nvidia-driver)',
  );
}

/** Where Vulkan's loader looks for manifests of drivers: files, and folders of files. */
function driverPlaces(variable: string | undefined): string[] {
  if (variable) return paths(process.env[variable]);
  const { XDG_CONFIG_DIRS, XDG_DATA_DIRS } = process.env;
  const roots = [
    userFolder('XDG_CONFIG_HOME', '.config'),
    ...paths(XDG_CONFIG_DIRS ?? '/etc/xdg'),
    '/etc',
    '/usr/local/etc',
    userFolder('XDG_DATA_HOME', '.local/share'),
    ...paths(XDG_DATA_DIRS ?? '/usr/local/share:/usr/share'),
  ];
  const folders = roots.filter((root) => root !== null).map((root) => join(root, 'vulkan/icd.d'));
  return [...paths(process.env.VK_ADD_DRIVER_FILES), ...folders];
}

function paths(list = ''): string[] {
  return list.split(delimiter).filter((path) => path !== '');
}

function manifestsIn(place: string): string[] {
  try {
    if (!statSync(place).isDirectory()) return [place];
    const files = readdirSync(place).filter((file) => file.endsWith('.json'));
    return files.map((file) => join(place, file));
  } catch {
    return [];
  }
}

/** Whether the driver's library, which the manifest names, can be loaded: by its path, or by its name. */
function hasLibrary(manifest: string): boolean {
  try {
    const library = JSON.parse(readFileSync(manifest, 'utf8')).ICD.library_path;
    return loads(library.includes('/') ? resolve(dirname(manifest), library) : library);
  } catch {
    return false;
  }
}

function loads(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    // Another error is that it is no addon of Node: so it was loaded.
    return !/cannot open shared object file|ELF/.test((error as Error).message);
  }
}
