// Training steps of the seed, each between two calls of umask(), for instructions.mjs to count between them.
// Arguments: the number of sequences of 256 tokens.
import { createNative } from '../../dist/src/backend/native/index.js';
import { trainingSteps } from '../../dist/src/cli/measure.js';
import { makeConfig, presets } from '../../dist/src/model/config.js';
import { GPT } from '../../dist/src/model/gpt.js';

const backend = await createNative({ threads: 1 });
const [layers, batchSize] = [5, 1].map((usual, i) => Number(process.argv[i + 2] ?? usual));
const model = new GPT(makeConfig(presets.seed, 500, { nLayer: layers }), { backend });
let steps = 0;
for await (const _ of trainingSteps(model, { batchSize, settings: { microBatch: batchSize } })) {
  process.umask(0o22);
  if (++steps === 3) break;
}
backend.dispose();
