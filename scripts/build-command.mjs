// Finishes what the TypeScript compiler has written of the command line: makes it executable, for
// `npx inkhorn`, and bundles the web framework of its servers into one file, with its licences.
import { chmodSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');
chmodSync(join(root, 'dist/src/cli/main.js'), 0o755);

/** What `src/serve/hono.ts` exports from. */
const FRAMEWORK = ['hono', '@hono/node-server'];

buildSync({
  entryPoints: [join(root, 'src/serve/hono.ts')],
  outfile: join(root, 'dist/src/serve/hono.js'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  banner: { js: FRAMEWORK.map(licenceOf).join('\n') },
  logLevel: 'warning',
});

/** The name, version and licence of an installed package, as a comment. */
function licenceOf(name) {
  const main = createRequire(import.meta.url).resolve(name);
  const folder = main.slice(0, main.lastIndexOf(join('node_modules', name))) + join('node_modules', name);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `/*! ${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n*/`;
}
