// Where the C++ addon is: named by the environment, built here, or in the package for this platform, which
// npm installs beside this one. Read next: index.ts, toolchain.ts.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readJson } from '../../base/json.ts';
import { installCommand, packageRoot } from '../../base/node-command.ts';
import { object, optional, record, type Schema, string } from '../../base/schema.ts';
import { ADDON_FILE, nativeAdvice, RECORD_FILE } from './toolchain.ts';

/** An addon, and how it came here. */
export interface AddonFile {
  file: string;
  /** `INKHORN_ADDON`; `built here`; or the package, with its version. */
  origin: string;
  /** What to do where it does not load, or is of another version. */
  fix: string;
}

/**
 * The addon that this process takes, the first that is there: the file that the environment variable
 * INKHORN_ADDON names, what was built in this folder, what npm installed for this platform. Throws with
 * reason and fix where there is none.
 */
export function findAddon(): AddonFile {
  const { INKHORN_ADDON: named } = process.env;
  if (named) {
    const fix = 'name another one with INKHORN_ADDON, or unset it';
    if (existsSync(named)) return { file: resolve(named), origin: 'INKHORN_ADDON', fix };
    throw new Error(`not built: there is no file ${named}: ${fix}`);
  }
  if (existsSync(ADDON_FILE))
    return { file: ADDON_FILE, origin: 'built here', fix: nativeAdvice('delete it') };
  const name = platformPackage();
  const folder = installedPackage(name);
  if (folder === undefined) throw new Error(whyMissing(name));
  const { version } = manifestIn(folder);
  const fix = `run \`${installCommand([`${name}@${manifestIn(packageRoot).version}`])}\``;
  return { file: join(folder, 'inkhorn.node'), origin: `${name} ${version}`, fix };
}

function whyMissing(name: string): string {
  const { optionalDependencies = {} } = manifestIn(packageRoot);
  const prebuilt = Object.keys(optionalDependencies).filter((other) => other.startsWith(SCOPE));
  if (prebuilt.includes(name)) {
    const install = installCommand([`${name}@${optionalDependencies[name]}`]);
    return `${name} is not installed: npm left out optional packages, or the lockfile was written on another platform; run \`${install}\``;
  }
  const { reason = 'nothing has built it yet', fix } = buildRecord();
  const none = `there is no prebuilt engine for ${name.slice(SCOPE.length)}`;
  return `not built: ${prebuilt.length > 0 ? none : reason}; ${nativeAdvice(fix)}`;
}

const SCOPE = '@inkhorn/native-';

/** The package with the addon for this platform: `@inkhorn/native-linux-x64-gnu`. */
export function platformPackage(): string {
  const libc = process.platform === 'linux' ? `-${isMusl() ? 'musl' : 'gnu'}` : '';
  return `${SCOPE}${process.platform}-${process.arch}${libc}`;
}

/** Node's report names the version of glibc that it runs with; on musl there is none. */
function isMusl(): boolean {
  // Looking up the names of open sockets may take seconds.
  const { header } = Object.assign(process.report, { excludeNetwork: true }).getReport() as {
    header: { glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime === undefined;
}

/** The folder of an installed package that has an addon. */
function installedPackage(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/inkhorn.node`));
  } catch {
    return undefined;
  }
}

interface Manifest {
  version: string;
  optionalDependencies?: Record<string, string>;
}

const manifest: Schema<Manifest> = object<Manifest>({
  version: string,
  optionalDependencies: optional(record(string)),
});

function manifestIn(folder: string): Manifest {
  const file = join(folder, 'package.json');
  return readJson(readFileSync(file), file, manifest);
}

/** The record that scripts/build-native.mjs left of its last run. */
function buildRecord(): BuildRecord {
  return existsSync(RECORD_FILE) ? readJson(readFileSync(RECORD_FILE), RECORD_FILE, buildFields) : {};
}

interface BuildRecord {
  reason?: string;
  fix?: string;
}

const buildFields = object<BuildRecord>({ reason: optional(string), fix: optional(string) });
