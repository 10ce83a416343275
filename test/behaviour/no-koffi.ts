// Loaded before a program by `--import`: the optional package koffi is not there.
import { register } from 'node:module';

const hooks = `export async function resolve(name, context, next) {
  if (name !== 'koffi') return next(name, context);
  throw Object.assign(new Error('Cannot find package koffi'), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
