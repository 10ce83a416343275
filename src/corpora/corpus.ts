// What a corpus is, and the options for loading one. Read next: index.ts.
import { callback, custom, flag, signal, type Table, text } from '../base/fields.ts';
import { such } from '../base/schema.ts';
import type { NamedCorpus } from './catalog.ts';
import type { FetchProgress } from './fetch.ts';

/** A text to train on: one document, or several. */
export interface Corpus {
  /**
   * The catalog's name, or the last part of the path. For several inputs: the first one's, and the number of
   * the others.
   */
  name: string;
  /** A description for people: the path, the number of files, or the address. */
  source: string;
  /** All documents as UTF-8, with a line feed between them; see `asBytes`. */
  bytes: Uint8Array;
  /** The single documents, one per file that is not empty: views of `bytes`. */
  documents: readonly Uint8Array[];
  /** Remarks about the text, one line each: what was converted, what is odd about it. */
  remarks: readonly string[];
  /**
   * `bytes` decoded. Bytes that are not UTF-8 become U+FFFD. Throws when the text is too long for one string:
   * see `decodeText`.
   */
  text(): string;
}

/** Part of a document of a text that is read as a stream. */
export interface DocumentPart {
  bytes: Uint8Array;
  /** Whether the document ends with it. */
  ends: boolean;
}

export interface CorpusOptions {
  /** Where fetched corpora are kept. Default: `INKHORN_CACHE`, else the platform's cache folder. */
  cacheFolder?: string;
  /** Where the corpora of the package are. Default: its `assets/`. */
  assetsFolder?: string;
  /** The corpora that have names. */
  catalog?: readonly NamedCorpus[];
  /**
   * Takes every file byte by byte, whatever it contains: nothing is checked, converted or left out. Otherwise
   * a file must be text in UTF-8, or in UTF-16 with a byte order mark.
   */
  asBytes?: boolean;
  /** Called before files are read, with their total size as far as it is known. May throw. */
  onSize?: (bytes: number) => void;
  /**
   * Called while a corpus is downloaded or read, with the bytes so far and in all (0 while that is unknown).
   */
  onProgress?: FetchProgress;
  /** Aborts loading: `loadCorpus` then throws the signal's reason. */
  signal?: AbortSignal;
}

/** The options of `loadCorpus` and `listCorpora`. */
export const corpusFields: Table<CorpusOptions, 'asBytes'> = {
  cacheFolder: text({ about: 'where fetched corpora are kept' }),
  assetsFolder: text({ about: 'where the corpora of the package are' }),
  catalog: custom({
    about: 'the corpora that have names',
    schema: such((value): value is readonly NamedCorpus[] => Array.isArray(value), 'a list of corpora'),
  }),
  asBytes: flag({ about: 'take every file byte by byte, whatever it contains', default: false }),
  onSize: callback({ about: 'called with the total size before files are read' }),
  onProgress: callback({ about: 'called with the bytes downloaded or read so far and in all' }),
  signal: signal({ about: 'ends it' }),
};
