// The model that comes with the package, as a store.
import { fileURLToPath } from 'node:url';
import { folderStore } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';

/** The path starts from `dist/src/platform/`. */
const FOLDER: string = fileURLToPath(new URL('../../../models/shakespeare', import.meta.url));

/** The bundled model, for `load`: 3.58M parameters, trained on Shakespeare as its card says. */
export function bundledModel(): Store {
  return folderStore(FOLDER);
}
