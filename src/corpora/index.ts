// Texts to train on: files, folders, glob patterns, standard input, or named corpora. Read next: local.ts,
// read.ts, catalog.ts.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { checkOptions } from '../base/fields.ts';
import { buildCommand, isRepository } from '../base/node-command.ts';
import { inHome, userFolder } from '../base/node-home.ts';
import { folderStore, reason } from '../io/node-store.ts';
import { joinLines } from '../text/documents.ts';
import { decodeText } from '../tokenizer/utf8.ts';
import { ASSETS, CATALOG, type NamedCorpus } from './catalog.ts';
import { type Corpus, type CorpusOptions, corpusFields } from './corpus.ts';
import { fetchText, sha256Of } from './fetch.ts';
import { findFiles, isThere } from './local.ts';
import { type Found, readAll } from './read.ts';

export { TEXT_KINDS } from '../text/documents.ts';
export type { NamedCorpus } from './catalog.ts';
export { type Corpus, type CorpusOptions, corpusFields } from './corpus.ts';
export type { FetchProgress } from './fetch.ts';
export { STDIN } from './local.ts';
export { checkedText, NotText, readText } from './read.ts';

/**
 * A named corpus that is not on this machine and cannot be had: no network, a wrong checksum, a cache that
 * cannot be written.
 */
export class CorpusUnavailable extends Error {
  override name = 'CorpusUnavailable';
}

/**
 * The text of all `inputs`, in order. An input is a name in the catalog (`./moby-dick` is a file with that
 * name), the path of a file or of a folder (see TEXT_KINDS), a glob pattern (`notes/**\/*.ts`), or `-`,
 * standard input. A file that several inputs name is taken once, at its first place. A corpus with a URL is
 * downloaded once, checked and kept in the cache. Throws one line that says what is wrong and what to do;
 * NotText for files that are not text.
 */
export async function loadCorpus(
  inputs: string | readonly string[],
  options: CorpusOptions = {},
): Promise<Corpus> {
  checkOptions(corpusFields, options, 'loadCorpus');
  const list = typeof inputs === 'string' ? [inputs] : inputs;
  if (list.length === 0) throw new Error('no text is named: give a file, a folder, a pattern or a name');
  const found: Found[] = [];
  for (const input of list) found.push(await find(input, options));
  const { parts, remarks } = await readAll(found, options);
  const { bytes, documents } = joinLines(parts);
  const [first, ...rest] = found;
  return {
    name: rest.length === 0 ? first.name : `${first.name} and ${rest.length} more`,
    source: found.map(({ source }) => source).join(', '),
    bytes,
    documents,
    remarks,
    text: () => decodeText(bytes),
  };
}

/** What an input stands for. A named corpus is read, and downloaded where it must be. */
export async function find(input: string, options: CorpusOptions): Promise<Found> {
  const { catalog = CATALOG } = options;
  const named = catalog.find((corpus) => corpus.name === input);
  if (named) {
    const read =
      'url' in named.from
        ? fetched(named, named.from.url, options)
        : embedded(named, named.from.asset, options);
    return { name: named.name, ...(await read) };
  }
  const files = await findFiles(input);
  if (files) return files;
  const names = catalog.map((corpus) => corpus.name).join(', ');
  throw new Error(
    `there is no file or folder ${JSON.stringify(input)}, and no corpus of that name: the names are ${names}`,
  );
}

/** One entry of the list of corpora. */
export interface CorpusListing extends Omit<NamedCorpus, 'from'> {
  /** Where its text comes from: an address, or `this package`. */
  source: string;
  /** Where its text is on this machine, or where it will be kept. */
  path: string;
  /** Whether the text is on this machine, so that no network is needed. */
  ready: boolean;
}

/** The named corpora, and whether they are on this machine. */
export async function listCorpora(options: CorpusOptions = {}): Promise<CorpusListing[]> {
  checkOptions(corpusFields, options, 'listCorpora');
  const { catalog = CATALOG } = options;
  const listing = async ({ from, ...facts }: NamedCorpus): Promise<CorpusListing> => {
    if ('asset' in from) {
      const path = join(options.assetsFolder ?? ASSETS, from.asset);
      return { ...facts, source: 'this package', path, ready: await isThere(path) };
    }
    const path = join(cacheFolder(options), `${facts.name}.txt`);
    const size = await stat(path).then(
      (s) => s.size,
      () => -1,
    );
    return { ...facts, source: from.url, path, ready: size === facts.bytes };
  };
  return Promise.all(catalog.map(listing));
}

/**
 * The folder in which downloaded corpora are kept. Throws where nothing names one, and the user has no home
 * folder.
 */
export function cacheFolder(options: CorpusOptions = {}): string {
  const folder = options.cacheFolder ?? (process.env.INKHORN_CACHE || ownCache());
  if (folder !== null) return folder;
  throw new CorpusUnavailable(
    `there is no home folder for the cache (HOME is '${process.env.HOME ?? ''}'): set INKHORN_CACHE to a folder`,
  );
}

/** Where the system wants programs to keep what they can fetch again. */
function ownCache(): string | null {
  if (process.platform === 'darwin') return inHome('Library', 'Caches', 'inkhorn');
  const inWindows = process.platform === 'win32';
  const caches = inWindows
    ? userFolder('LOCALAPPDATA', 'AppData', 'Local')
    : userFolder('XDG_CACHE_HOME', '.cache');
  return caches && join(caches, ...(inWindows ? ['inkhorn', 'Cache'] : ['inkhorn']));
}

async function embedded(
  { name, bytes: length, sha256 }: NamedCorpus,
  asset: string,
  { assetsFolder = ASSETS }: CorpusOptions,
): Promise<{ bytes: Uint8Array; source: string }> {
  const path = join(assetsFolder, asset);
  const fail = (problem: string): never => {
    throw new CorpusUnavailable(
      `the corpus ${name} of this package ${problem} (${path}): ${isRepository ? `run \`${buildCommand()}\`` : 'install the package again'}`,
    );
  };
  const packed = await readFile(path).catch((error) => fail(`cannot be read: ${reason(error)}`));
  const bytes = await promisify(brotliDecompress)(packed, { maxOutputLength: length }).catch(() =>
    fail('is damaged'),
  );
  if (sha256Of(bytes) !== sha256) fail('is damaged');
  return { bytes, source: path };
}

async function fetched(
  { name, bytes: length, sha256 }: NamedCorpus,
  url: string,
  options: CorpusOptions,
): Promise<{ bytes: Uint8Array; source: string }> {
  const cache = folderStore(cacheFolder(options));
  const file = `${name}.txt`;
  const path = join(cache.location, file);
  const kept = await cache.read(file, length).catch(() => null);
  if (kept && sha256Of(kept) === sha256) return { bytes: kept, source: path };

  const { onProgress, signal } = options;
  const bytes = await fetchText(url, { bytes: length, sha256, onProgress, signal }).catch((error: Error) => {
    if (signal?.aborted) throw error;
    const damaged = kept ? ` The copy at ${path} is damaged.` : '';
    throw new CorpusUnavailable(
      `cannot fetch ${name} from ${url}: ${error.message}.${damaged} Try again later, save the text as ${path} yourself, ` +
        'or train on another: --data FILE, or --data moby-dick, which needs no network',
      { cause: error },
    );
  });
  await cache.write(file, bytes).catch((error: Error) => {
    throw new CorpusUnavailable(`${error.message}: set INKHORN_CACHE to a folder that can be written`, {
      cause: error,
    });
  });
  return { bytes, source: path };
}
