// The door `inkhorn` wherever there is no Node: the core, with the engines that a page can have.
export * from '../index.ts';
export * from './browser-engines.ts';
