// How fast the engine trains, for estimates: from a short measurement, and better from the runs of this visit.
import { type ReadonlySignal, signal } from '@preact/signals';
import { makeConfig, modelCost, presets, Tokenizer, totalCost } from 'inkhorn';
import { inTurn } from './engine.ts';
import { isBusy } from './training.ts';

const measured = signal<number | null>(null);

/** Floating-point operations per second in training; null before the first measurement. */
export const operationsPerSecond: ReadonlySignal<number | null> = measured;

/** Steps of the measurement. The first one is not counted: it prepares what the others use again. */
const STEPS = 4;

let begun = false;

/** Trains a small model for a moment, once, unless something else is trained. */
export async function measureSpeed(): Promise<void> {
  if (begun || isBusy()) return;
  begun = true;
  const tokenizer = Tokenizer.train(' ', { vocabSize: 256 }); // it only has to have a size
  const { vocabSize } = tokenizer;
  const config = makeConfig(presets.tiny, vocabSize, { blockSize: 64 });
  const ids = Int32Array.from({ length: 1024 }, (_, i) => (i * 31) % vocabSize);
  const data = { train: ids, val: ids, vocabSize, valBytesPerToken: 1 };
  const settings = { steps: STEPS, batchSize: 8, microBatch: 8, evalEvery: 0, sampleEvery: 0, probeEvery: 0 };
  await inTurn(async (worker) => {
    const model = await worker.create(config, tokenizer);
    let from = 0;
    let to = 0;
    for await (const event of worker.train({ model, data, ...settings })) {
      if (event.type !== 'step') continue;
      to = performance.now();
      if (event.step === 1) from = to;
    }
    model.dispose();
    const tokens = (STEPS - 1) * settings.batchSize * config.blockSize;
    measured.value = (tokens * totalCost(modelCost(config)).training) / ((to - from) / 1000);
  });
}
