// How this program was started, so that advice names a command that works there: in the repository, in a
// project that installed the package, anywhere else.
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingPackage } from './node-packages.ts';
import { shellWord } from './shell.ts';

/** Folder of this package: compiled files lie in its `dist/src/platform`. */
export const packageRoot: string = dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));
/** The path of the program behind the command `inkhorn`. */
const main = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

/** Whether this is the repository, where everything can be built, or the published package. */
export const isRepository: boolean = existsSync(join(packageRoot, 'tsconfig.json'));

/** The folder and its parents, innermost first. */
export function foldersUp(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersUp(parent)];
}

/**
 * The path of the file `name` in the first folder of PATH that has it. Skips the folders that npm adds to
 * PATH while it runs.
 */
export function findProgram(name: string, path: string = process.env.PATH ?? ''): string | undefined {
  const folders = path.split(delimiter).filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** Whether Yarn's Plug'n'Play runs this: packages lie in its archives, and npm cannot add any. */
const byYarn = process.versions.pnp !== undefined;

/** `inkhorn`, `npx inkhorn` or `yarn inkhorn`; where none finds this program, `node` with its path. */
export function ownCommand(cwd: string = process.cwd()): string {
  if (byYarn) return 'yarn inkhorn';
  const installed = findProgram('inkhorn');
  if (installed !== undefined && sameFile(installed, main)) return 'inkhorn';
  return isLocal(cwd) ? 'npx inkhorn' : `node ${shellWord(main)}`;
}

/**
 * `message` with the commands in backticks made to work as they stand: `npx` or `yarn` is added where needed.
 */
export function runnable(message: string): string {
  const own = message.includes('`inkhorn') ? ownCommand() : '';
  return own.endsWith(' inkhorn') ? message.replaceAll(/`inkhorn(?=[ `])/g, `\`${own}`) : message;
}

/**
 * The command that builds the missing part of this package: the native engine, or in the repository
 * everything.
 */
export function buildCommand(cwd: string = process.cwd()): string {
  if (!isRepository) return `${ownCommand(cwd)} build-native`;
  return isInRepository(cwd) ? 'npm run build' : `npm --prefix ${shellWord(packageRoot)} run build`;
}

/**
 * The command that installs packages beside this one: tools for development, or what other platforms do not
 * have (`--save-optional`).
 */
export function installCommand(
  packages: readonly string[],
  save: '--save-dev' | '--save-optional' = '--save-dev',
  cwd: string = process.cwd(),
): string {
  if (isRepository) return isInRepository(cwd) ? 'npm ci' : `npm --prefix ${shellWord(packageRoot)} ci`;
  if (byYarn)
    return `yarn add ${save.replace('save-', '')} ${packages.filter((name) => name !== '--force').join(' ')}`;
  return `npm install ${isLocal(cwd) ? save : '--global'} ${packages.join(' ')}`;
}

/** Why the optional package `name` did not load: missing, with the command that installs it, or broken. */
export function whyNotLoaded(name: string, error: unknown): string {
  const missing = missingPackage(error); // perhaps one that `name` needs
  const said = error instanceof Error ? error.message : String(error);
  return missing === name || missing === ''
    ? `the optional package ${name} is not installed: run \`${installCommand([name], '--save-optional')}\``
    : `the package ${name} does not load: ${said.split('\n')[0]}`;
}

/** Whether `npx` finds this package from `cwd`. */
function isLocal(cwd: string): boolean {
  return foldersUp(cwd).some(
    (folder) =>
      sameFile(folder, packageRoot) || sameFile(join(folder, 'node_modules', 'inkhorn'), packageRoot),
  );
}

/** Whether npm considers `cwd` part of the repository: its nearest package is this one. */
function isInRepository(cwd: string): boolean {
  const nearest = foldersUp(cwd).find((folder) => existsSync(join(folder, 'package.json')));
  return nearest !== undefined && sameFile(nearest, packageRoot);
}

function sameFile(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);
}
