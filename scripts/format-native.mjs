// Formats the C++ of native/ with .clang-format. With `--check` it changes nothing, and fails if a file is
// not formatted. Without clang-format it says so and succeeds; npm has no maintained package of it.
//   node scripts/format-native.mjs [--check]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const files = readdirSync(join(root, 'native'), { recursive: true })
  .filter((file) => /\.(h|cpp)$/.test(file))
  .map((file) => join('native', file))
  .sort();

const found = spawnSync('clang-format', ['--version'], { encoding: 'utf8' });
if (found.error?.code === 'ENOENT') {
  console.log(
    `C++ format: skipped, clang-format is not installed (Debian: apt-get install clang-format); ${files.length} files`,
  );
  process.exit(0);
}

const mode = check ? ['--dry-run', '--Werror'] : ['-i'];
const { status, error } = spawnSync('clang-format', [...mode, ...files], { cwd: root, stdio: 'inherit' });
if (status !== 0) {
  const version = found.stdout.match(/\d+(\.\d+)+/)?.[0] ?? 'of unknown version';
  const fix = check ? '; `npm run format` puts it right' : '';
  console.error(`C++ format: ${error?.message ?? `clang-format ${version} complains, see above`}${fix}`);
  process.exit(1);
}
console.log(`C++ format: ${files.length} files ${check ? 'checked' : 'formatted'}`);
