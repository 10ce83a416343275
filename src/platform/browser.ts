// Inkhorn in a browser: the core as it is, with the engines that a page can have.
export * from '../index.ts';
