// The declarations of the package that none of its doors leads to. pack.mjs leaves them out: npm takes its
// time for every file.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const tsc = join(import.meta.dirname, '../node_modules/typescript/bin/tsc');

/** Their paths in the package that is in `folder`, a real path: `dist/src/quantize/gptq.d.ts`. */
export function innerTypes(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const doors = Object.values(exports).flatMap(({ types }) => (types ? [join(folder, types)] : []));
  const options = ['--listFilesOnly', '--ignoreConfig', '--module', 'nodenext', '--typeRoots', folder];
  const listed = execFileSync(process.execPath, [tsc, ...options, ...doors], { encoding: 'utf8' });
  const reached = new Set(listed.split('\n').map((line) => resolve(line.trim())));
  return readdirSync(join(folder, 'dist/src'), { recursive: true })
    .map((name) => `dist/src/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.d.ts') && !reached.has(join(folder, name)));
}
