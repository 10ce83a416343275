// Makes the compiled command line executable, for `npx inkhorn`: the TypeScript compiler writes plain files.
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

chmodSync(fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url)), 0o755);
