// How fast the engine trains, for estimates: from a short measurement.
import { type ReadonlySignal, signal } from '@preact/signals';
import { makeConfig, modelCost, presets, Tokenizer, totalCost } from 'inkhorn';
import { library } from './engine.ts';
import { isBusy } from './training.ts';

const measured = signal<number | null>(null);

/** Floating-point operations per second in training; null before the first measurement. */
export const operationsPerSecond: ReadonlySignal<number | null> = measured;

/** Steps of the measurement. The first one is not counted: it prepares what the others use again. */
const STEPS = 4;

/** The model and the batch of the measurement, which takes about half a second. */
const SIZES = {
  fast: { blockSize: 64, nLayer: 3, batchSize: 8 },
  slow: { blockSize: 16, nLayer: 1, batchSize: 2 },
} as const;

let begun = false;

/** Trains a small model for a moment, once, unless something else is trained. */
export async function measureSpeed(): Promise<void> {
  if (begun || isBusy()) return;
  begun = true;
  const worker = await library();
  const tokenizer = Tokenizer.train(' ', { vocabSize: 256 }); // it only has to have a size
  const { vocabSize } = tokenizer;
  const { blockSize, nLayer, batchSize } = SIZES[worker.name === 'reference' ? 'slow' : 'fast'];
  const config = makeConfig(presets.tiny, vocabSize, { blockSize, nLayer });
  const ids = Int32Array.from({ length: 1024 }, (_, i) => (i * 31) % vocabSize);
  const data = { train: ids, val: ids, vocabSize, valBytesPerToken: 1 };
  const settings = {
    steps: STEPS,
    batchSize,
    microBatch: batchSize,
    evalEvery: 0,
    sampleEvery: 0,
    probeEvery: 0,
  };
  const model = await worker.create(config, tokenizer);
  let from = 0;
  let to = 0;
  for await (const event of worker.train({ model, data, ...settings })) {
    if (event.type !== 'step') continue;
    to = performance.now();
    if (event.step === 1) from = to;
  }
  model.dispose();
  begun = !isBusy(); // else a training took turns with it
  const tokens = (STEPS - 1) * settings.batchSize * config.blockSize;
  if (begun) measured.value = (tokens * totalCost(modelCost(config)).training) / ((to - from) / 1000);
}
