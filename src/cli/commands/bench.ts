// `inkhorn bench`: the speed of this machine, in under a minute. Each figure says what is included.
import { availableParallelism, cpus } from 'node:os';
import type { Backend } from '../../backend/contract.ts';
import { formatShort } from '../../base/format.ts';
import { loadCorpus } from '../../corpora/index.ts';
import { quantize } from '../../quantize/quantize.ts';
import { measureSpeed } from '../../quantize/speed.ts';
import { type Context, defineCommand } from '../command.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import type { Flags } from '../flags.ts';
import {
  measureTokenizer,
  measureTraining,
  seedModel,
  TOKENIZER_INCLUDES,
  TRAINING_INCLUDES,
} from '../measure.ts';
import type { Output } from '../output.ts';

const flags = engineFlags satisfies Flags;

export const bench = defineCommand({
  examples: [
    ['bench', 'with the best engine'],
    ['bench --threads 1 --json', 'on one thread, as JSON'],
  ],
  flags,
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    await withEngine(given, async (engine) => {
      output.print(
        `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`,
      );
      await benchTokenizer(output);
      const backend = announceEngine(engine, output);
      await benchTraining(backend, output);
      await benchGeneration(backend, output);
    });
    output.print('\nMachines differ from minute to minute: compare figures of one run only.');
  },
});

function heading(output: Output, title: string, includes: string): void {
  output.print(`\n${output.colors.bold(title)} ${output.colors.dim(`(${includes})`)}`);
}

async function benchTokenizer(output: Output): Promise<void> {
  const { bytes, name } = await loadCorpus('moby-dick');
  const time = measureTokenizer(bytes);
  output.data({ what: 'tokenizer', text: name, includes: TOKENIZER_INCLUDES, ...time });
  heading(output, `Tokenizer on ${name}, ${(bytes.length / 1e6).toFixed(2)} MB`, TOKENIZER_INCLUDES);
  output.print(`training   ${time.trainSeconds.toFixed(2)} s`);
  output.print(`encoding   ${time.encodeSeconds.toFixed(3)} s, ${time.encodeMBPerSecond.toFixed(1)} MB/s`);
}

function isSlow({ name, lastResort }: Backend): boolean {
  return name === 'reference' || lastResort !== undefined;
}

async function benchTraining(backend: Backend, output: Output): Promise<void> {
  // The whole batch would take a slow engine minutes. One sequence gives the same rate.
  const size = isSlow(backend) ? { steps: 1, batchSize: 1 } : { steps: 3, batchSize: 64 };
  const model = seedModel(backend);
  const time = await measureTraining(model, size);
  model.dispose();
  output.data({ what: 'training', engine: backend.description, includes: TRAINING_INCLUDES, ...time });
  const { batchSize, blockSize, secondsPerStep, tokensPerSecond, gflops } = time;
  heading(output, `Training the seed preset, steps of ${batchSize} x ${blockSize} tokens`, TRAINING_INCLUDES);
  output.print(
    `step       ${secondsPerStep.toFixed(2)} s, ${formatShort(tokensPerSecond)} tokens/s, ${formatShort(gflops)} GFLOP/s`,
  );
}

async function benchGeneration(backend: Backend, output: Output): Promise<void> {
  const model = seedModel(backend);
  const small = await quantize(model);
  const { before, after, method } = await measureSpeed(model, small, isSlow(backend) ? 64 : 256);
  model.dispose();
  small.dispose();
  output.data({
    what: 'generation',
    engine: backend.description,
    includes: method,
    float: before,
    int8: after,
  });
  heading(output, 'Generation with the seed preset', method);
  output.print(`float32    ${formatShort(before)} tokens/s`);
  output.print(`int8       ${formatShort(after)} tokens/s (products of integers)`);
}
