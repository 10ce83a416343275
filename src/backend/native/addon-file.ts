// Where the C++ addon is: named by the environment, built here, or in the package for this platform, which
// npm installs beside this one. Read next: index.ts, toolchain.ts.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readJson } from '../../base/json.ts';
import { installCommand, packageRoot } from '../../base/node-command.ts';
import { manifestIn } from '../../base/node-packages.ts';
import { object, optional, string } from '../../base/schema.ts';
import { ADDON_FILE, nativeAdvice, RECORD_FILE } from './toolchain.ts';

/** An addon, and how it came here. */
export interface AddonFile {
  file: string;
  /** `INKHORN_ADDON`; `built here`; or the package, with its version. */
  origin: string;
  /** What to do where it does not load, or is of another version. */
  fix: string;
  /** Its checksum as its package has it, hexadecimal. A damaged file may end the process that loads it. */
  sha256?: string;
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
    if (!existsSync(named)) throw new Error(`not built: there is no file ${named}: ${fix}`);
    // Node would run another file as a program.
    if (!named.endsWith('.node')) throw new Error(`not built: ${named} is no addon, a file *.node: ${fix}`);
    return { file: resolve(named), origin: 'INKHORN_ADDON', fix };
  }
  if (existsSync(ADDON_FILE))
    return { file: ADDON_FILE, origin: 'built here', fix: nativeAdvice('delete it') };
  const name = platformPackage();
  const folder = installedPackage(name);
  if (folder === undefined) throw new Error(whyMissing(name));
  const { version, sha256 } = manifestIn(folder);
  const { version: wanted } = manifestIn(packageRoot);
  // npm takes a package that is there for whole.
  const fix = `run \`${installCommand(['--force', `${name}@${wanted}`], '--save-optional')}\``;
  if (version !== wanted)
    throw new Error(`${name} is of version ${version}, and inkhorn of ${wanted}: ${fix}`);
  return { file: join(folder, 'inkhorn.node'), origin: `${name} ${version}`, fix, sha256 };
}

/** Throws when the file of an addon is not as its package says. */
export function checkWhole({ file, fix, sha256 }: AddonFile): void {
  if (sha256 === undefined) return;
  const bytes = readFileSync(file);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return;
  throw new Error(`${file} does not load: its ${bytes.length} bytes are damaged (checksum); ${fix}`);
}

function whyMissing(name: string): string {
  const { optionalDependencies = {} } = manifestIn(packageRoot);
  const prebuilt = Object.keys(optionalDependencies).filter((other) => other.startsWith(SCOPE));
  if (prebuilt.includes(name)) {
    const install = installCommand([`${name}@${optionalDependencies[name]}`], '--save-optional');
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

/** The record that scripts/build-native.mjs left of its last run. */
function buildRecord(): BuildRecord {
  return existsSync(RECORD_FILE) ? readJson(readFileSync(RECORD_FILE), RECORD_FILE, buildFields) : {};
}

interface BuildRecord {
  reason?: string;
  fix?: string;
}

const buildFields = object<BuildRecord>({ reason: optional(string), fix: optional(string) });
