// The entry point `inkhorn/node`: functions that need a disk. Folders as stores, texts by name, file or
// folder, and the bundled model.
export {
  type Corpus,
  type CorpusListing,
  type CorpusOptions,
  corpusFields,
  type FetchProgress,
  listCorpora,
  loadCorpus,
  type NamedCorpus,
} from '../corpora/index.ts';
export { type FileSteps, folderStore } from '../io/node-store.ts';
export type { Lock, Store } from '../io/store.ts';
export type { Description, Source } from '../tokens/format.ts';
export { openTokens, type TokensFile } from '../tokens/read.ts';
export { bundledModel } from './node-bundled.ts';
