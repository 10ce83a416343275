// Runs the compiled tests: `npm test` all but the long ones, `npm run test:all` those too (files named *.long.test.ts).
// Arguments after `--` narrow it down: `npm test -- tokenizer` runs the files whose path contains `tokenizer`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../dist/test/', import.meta.url));
const args = process.argv.slice(2);
const all = args.includes('--all');
const wanted = args.filter((arg) => arg !== '--all');

const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => all || !file.endsWith('.long.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error(`no test file's path contains ${wanted.join(' or ')}`);
  process.exit(2);
}
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', ...files.map((file) => join(root, file))],
  { stdio: 'inherit', cwd: fileURLToPath(new URL('..', import.meta.url)) },
);
process.exit(status ?? 1);
