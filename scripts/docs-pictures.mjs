// Makes docs/pictures/: trains the model of docs/README.md and runs the commands of the chapters that draw
// it. Takes a minute or two. Run `node scripts/docs-pictures.mjs` after `npm run build`. The same engine
// gives the same weights, and so the same pictures.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const main = join(root, 'dist/src/cli/main.js');
const pictures = join(root, 'docs/pictures');
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-pictures-'));

/** The picture of a chapter, and where its commands write it. */
const wanted = {
  'token-neighbours.svg': 'look/02/token-neighbours.svg',
  'attention.svg': 'look/03/attention.svg',
  'relu-activations.svg': 'look/04/relu-activations.svg',
  'token-loss.svg': 'look/05/token-loss.svg',
  'health.svg': 'look/08/health.svg',
  'loss.svg': 'runs/whale/figures/loss.svg',
  'lens.svg': 'look/09/logit-lens.svg',
};

try {
  mkdirSync(pictures, { recursive: true });
  const docs = readdirSync(join(root, 'docs')).filter((name) => /^(README|\d\d-.*)\.md$/.test(name));
  for (const name of docs.sort(
    (a, b) => Number(b === 'README.md') - Number(a === 'README.md') || a.localeCompare(b),
  )) {
    for (const [, block] of readFileSync(join(root, 'docs', name), 'utf8').matchAll(
      /^```sh\n([\s\S]*?)^```$/gm,
    )) {
      const script = block.replace(/^npx inkhorn/gm, `"${process.execPath}" "${main}"`);
      execFileSync('sh', ['-e', '-c', script], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
    }
  }
  for (const [name, path] of Object.entries(wanted)) copyFileSync(join(folder, path), join(pictures, name));
} finally {
  rmSync(folder, { recursive: true });
}
