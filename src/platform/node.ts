// Inkhorn in Node: the core, the native engine, folders on disk and named corpora.
import { createNative } from '../backend/native/index.ts';
import { registerBackend } from '../backend/registry.ts';

registerBackend({ name: 'native', create: createNative });

export { listCorpora, loadCorpus } from '../corpora/index.ts';
export * from '../index.ts';
export { folderStore } from '../io/node-store.ts';
