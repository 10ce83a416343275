// Inkhorn as a peer: an optimizer step of a model of GPT-2's size, in a process of its own, whose memory can
// be told from that of others. It speaks as those of open.ts do.
//   node dist/bench/peers/inkhorn.js [--batch 4] [--micro-batch 1] [--checkpoint-activations] [--lora 8]
//     [--precision bf16] [--threads 2] --turns
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { trainingSteps } from '../../src/cli/measure.ts';
import { GPT } from '../../src/model/gpt.ts';
import { createBackend } from '../../src/platform/node-engines.ts';
import { peakMB } from '../support/inkhorn.ts';
import { count } from '../support/program.ts';
import { GPT2 } from './gpt2.ts';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '4' },
    'micro-batch': { type: 'string', default: '1' },
    'checkpoint-activations': { type: 'boolean', default: false },
    lora: { type: 'string', default: '0' },
    precision: { type: 'string', default: 'f32' },
    threads: { type: 'string', default: '2' },
    turns: { type: 'boolean' },
  },
});
const batchSize = count('batch', options.batch);
const microBatch = count('micro-batch', options['micro-batch']);
const checkpointActivations = options['checkpoint-activations'];
const lora = Number(options.lora);
const precision = options.precision === 'bf16' ? 'bf16' : 'f32';
const { backend } = await createBackend('auto', { threads: count('threads', options.threads), precision });
const model = new GPT(GPT2, { backend });
const settings = { microBatch, checkpointActivations, lora, clip: 1 };
const steps = trainingSteps(model, { batchSize, settings });

const say = (line: object): void => console.log(JSON.stringify(line));
const traits = [
  `micro-batches of ${microBatch}`,
  ...(precision === 'bf16' ? ['bf16'] : []),
  ...(checkpointActivations ? ['recompute'] : []),
  ...(lora > 0 ? [`LoRA of rank ${lora}`] : []),
];
const T = GPT2.blockSize;
say({
  peer: `${backend.description} (${traits.join(', ')})`,
  includes: `forward, backward, gradient norm, AdamW of ${batchSize} x ${T} tokens, no dropout`,
  amount: batchSize * T,
});
for await (const _ of createInterface({ input: process.stdin })) say({ seconds: (await steps.next()).value });
await steps.return();
say({ peakMB: peakMB() });
backend.dispose();
