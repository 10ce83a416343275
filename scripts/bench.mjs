// Runs a program of bench/: `npm run bench -- train --steps 5` runs dist/bench/train.js. Without a name it
// lists the programs.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sources = new URL('../bench/', import.meta.url);
const names = readdirSync(sources)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));
const [name, ...args] = process.argv.slice(2);

if (names.includes(name)) {
  const program = fileURLToPath(new URL(`../dist/bench/${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
if (name !== undefined) console.error(`there is no benchmark ${name}`);
console.log('npm run bench -- <name> [options], with one of:');
for (const known of names) {
  // The first comment of each program says what it measures, what is included, and its options.
  const about = readFileSync(new URL(`${known}.ts`, sources), 'utf8').match(/^(\/\/.*\n)+/)?.[0] ?? '';
  console.log(`\n${known}\n${about.replace(/^\/\/ ?/gm, '  ')}`);
}
process.exit(name === undefined ? 0 : 2);
