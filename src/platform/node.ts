// The entry point `inkhorn` in Node: the same core, with Node's engines.
export * from '../index.ts';
export * from './node-engines.ts';
