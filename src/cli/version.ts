// The version of this package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readJson } from '../base/json.ts';
import { object, string } from '../base/schema.ts';

/** As in package.json. */
export function packageVersion(): string {
  const file = fileURLToPath(new URL('../../../package.json', import.meta.url));
  return readJson(readFileSync(file), file, object<{ version: string }>({ version: string })).version;
}
