// What installed packages say of themselves, and which one an import did not find.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './json.ts';
import { object, optional, record, type Schema, string } from './schema.ts';

/** What is read of a `package.json`. */
export interface Manifest {
  version: string;
  optionalDependencies?: Record<string, string>;
  /** In a platform's package: of its addon. */
  sha256?: string;
}

const manifest: Schema<Manifest> = object<Manifest>({
  version: string,
  optionalDependencies: optional(record(string)),
  sha256: optional(string),
});

/** The manifest of the package in `folder`. Throws where there is none. */
export function manifestIn(folder: string): Manifest {
  const file = join(folder, 'package.json');
  return readJson(readFileSync(file), file, manifest);
}

/** The error of an import, as Node, Bun, Deno and Yarn's Plug'n'Play make it. */
interface ImportError extends Error {
  code?: string;
  /** Of Plug'n'Play. */
  data?: { request?: unknown };
}

/** By `import`; by `require`, or by Plug'n'Play, which hides from a package what it does not declare. */
const NOT_FOUND = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** The package that was not found; `''` where the error does not name it; null for any other error. */
export function missingPackage(error: unknown): string | null {
  const { code = '', message = '', data } = (error ?? {}) as ImportError;
  if (!NOT_FOUND.includes(code)) return null;
  const [, said = ''] = message.match(/Required package: (\S+)/) ?? message.match(/['"]([^'"\n]+)['"]/) ?? [];
  const name = typeof data?.request === 'string' ? data.request : said;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
