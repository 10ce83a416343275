// JSON files in a store: read with a schema. What a schema is: ../base/schema.ts.
import { bytesAtMost, type JsonLimits, readJson } from '../base/json.ts';
import type { Schema } from '../base/schema.ts';
import type { Store } from './store.ts';

/**
 * The checked contents of a file. Throws one line that names the file, the field, its value and what was
 * expected.
 */
export async function readJsonFile<T>(
  store: Store,
  name: string,
  schema: Schema<T>,
  limits?: JsonLimits,
): Promise<T> {
  return readJson(await store.read(name, bytesAtMost(limits)), `${store.location}/${name}`, schema, limits);
}
