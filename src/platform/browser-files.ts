// The entry point `inkhorn/browser`: stores that only a page has. Its site's own file system, what was
// dropped on it, and downloads.
export { archiveOf, archiveStore, download } from '../io/browser-archive.ts';
export { droppedStore } from '../io/browser-dropped-store.ts';
export { opfsHolder, opfsStore } from '../io/browser-opfs-store.ts';
export type { Lock, Store } from '../io/store.ts';
