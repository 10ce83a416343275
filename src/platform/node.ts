// The door `inkhorn` in Node: the same core, with the native engine among the engines.
export * from '../index.ts';
export * from './node-engines.ts';
