// The static site: `npm run build:studio` writes it to dist/studio. It works from any host and on any path.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const root = join(import.meta.dirname, '..');
const library = join(root, 'dist/src/platform');
const MODEL = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'card.json'];

const TEXTS = ['moby-dick', 'first-names'];

/** What the site publishes besides its code, by its path: the bundled model, and texts to train on. */
const published = new Map([
  ...MODEL.map((name) => [
    `models/shakespeare/${name}`,
    () => readFileSync(join(root, 'models/shakespeare', name)),
  ]),
  ...TEXTS.map((name) => [
    `texts/${name}.txt.gz`,
    () => gzipSync(brotliDecompressSync(readFileSync(join(root, `assets/${name}.txt.br`))), { level: 9 }),
  ]),
]);

/** Two headers with which a browser shares memory between threads. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Nothing leaves the site, and nothing from elsewhere runs in it. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  resolve: {
    alias: [
      { find: /^inkhorn$/, replacement: join(library, 'browser.js') },
      { find: /^inkhorn\/browser$/, replacement: join(library, 'browser-files.js') },
      // No entry of the package: the command line's own words for what is no text.
      { find: /^inkhorn\/identify$/, replacement: join(root, 'dist/src/corpora/identify.js') },
      { find: /^inkhorn\/exchange$/, replacement: join(root, 'dist/src/exchange/index.js') },
      { find: /^inkhorn\/figures$/, replacement: join(root, 'dist/src/figures/index.js') },
      { find: /^inkhorn\/report$/, replacement: join(root, 'dist/src/report/index.js') },
    ],
  },
  worker: { format: 'es' },
  build: {
    outDir: join(root, 'dist/studio'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  server: { headers: ISOLATED, fs: { allow: [root] } },
  preview: { headers: ISOLATED },
  plugins: [publish(), policy(), compress()],
});

/** Serves what is published while one develops, and writes it into the built site. */
function publish() {
  return {
    name: 'publish',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1);
        const contents = published.get(path);
        if (!contents) return next();
        response.setHeader(
          'Content-Type',
          path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
        );
        response.end(request.method === 'HEAD' ? '' : contents());
      });
    },
    generateBundle() {
      for (const [fileName, contents] of published)
        this.emitFile({ type: 'asset', fileName, source: contents() });
    },
  };
}

/** The policy is for the built site only: Vite's own client writes scripts into the page. */
function policy() {
  return {
    name: 'policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/**
 * Writes each script and style again as a `.gz` beside it: the npm package has only these, which `inkhorn
 * studio` sends, and other servers send them, too (nginx: gzip_static).
 */
function compress() {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle() {
      const assets = join(root, 'dist/studio/assets');
      for (const name of readdirSync(assets).filter((file) => /\.(js|css)$/.test(file)))
        writeFileSync(join(assets, `${name}.gz`), gzipSync(readFileSync(join(assets, name)), { level: 9 }));
    },
  };
}
