// What a corpus is, and how one is asked for. Read next: index.ts.
import type { NamedCorpus } from './catalog.ts';
import type { FetchProgress } from './fetch.ts';

/** A text to train on: one document, or several. */
export interface Corpus {
  /**
   * The catalog's name, or the last part of the path; of several inputs the first, and how many there are
   * beside it.
   */
  name: string;
  /** For people: the path, how many files, or the address. */
  source: string;
  /** All documents as UTF-8, with a line feed between one and the next; see `asBytes`. */
  bytes: Uint8Array;
  /** The documents by themselves, one per file that is not empty: views of `bytes`. */
  documents: readonly Uint8Array[];
  /** What should be said about the text, a line each: what was converted, what is odd about it. */
  remarks: readonly string[];
  /**
   * `bytes` decoded; what is not UTF-8 becomes U+FFFD. Throws when it is too long for one string: see
   * `decodeText`.
   */
  text(): string;
}

export interface CorpusOptions {
  /** Where fetched corpora are kept. Default: `INKHORN_CACHE`, else the platform's cache folder. */
  cacheFolder?: string;
  /** Where the corpora of the package lie. Default: its `assets/`. */
  assetsFolder?: string;
  /** The corpora that have names. */
  catalog?: readonly NamedCorpus[];
  /**
   * Takes every file byte by byte, whatever it is: nothing is checked, converted or left out. Without it a
   * file must be text in UTF-8, or in UTF-16 with a byte order mark.
   */
  asBytes?: boolean;
  /** Called before files are read, with the number of their bytes as far as it is known; may throw. */
  onSize?: (bytes: number) => void;
  /**
   * Called while a corpus is being fetched or read: with bytes so far, and in all (0 while that is not
   * known).
   */
  onProgress?: FetchProgress;
  /** Ends it: `loadCorpus` then throws the signal's reason. */
  signal?: AbortSignal;
}
