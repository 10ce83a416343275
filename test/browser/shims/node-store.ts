// io/node-store.ts in a page: a folder is one beside the page.
export { urlStore as folderStore } from '../../../src/io/url-store.ts';
