// Runs the compiled tests. `npm test` runs all but the long ones and those in a browser; `npm run test:all`
// also these, and the trials, which are separate programs (scripts/trials). Arguments after `--` select
// files: `npm test -- tokenizer` runs those whose path contains `tokenizer`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);
const all = args.includes('--all');
const wanted = args.filter((arg) => arg !== '--all');

const tests = filesIn('dist/test', '.test.js').filter((file) => all || !hasOwnScript(file));
const trials = all ? filesIn('scripts/trials', '.mjs').filter((file) => !file.includes('support')) : [];
if (tests.length + trials.length === 0) {
  console.error(`no test file's path contains ${wanted.join(' or ')}`);
  process.exit(2);
}
const failed = [
  // By default Node leaves one core free, which is half of two.
  ...(tests.length === 0 ||
  run(['--test', `--test-concurrency=${availableParallelism()}`, '--test-reporter=spec', ...tests])
    ? []
    : ['the tests']),
  ...trials.filter((file) => {
    console.log(`\n${file}`);
    return !run([file]);
  }),
];
if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);

/** Whether `test:long` or `test:browser` runs this file, and `npm test` does not. */
function hasOwnScript(file) {
  return file.endsWith('.long.test.js') || file.startsWith(join('dist/test/browser', '/'));
}

/** The selected files of a folder, by their paths from the root. */
function filesIn(folder, ending) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => file.endsWith(ending))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
}

/** Runs Node in the root. Returns whether it succeeded. */
function run(args) {
  return spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root }).status === 0;
}
