// The entry point `inkhorn` outside of Node: the core, with the engines of a page.
export * from '../index.ts';
export * from './browser-engines.ts';
