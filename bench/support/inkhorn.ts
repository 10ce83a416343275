// Our side of a contest: Inkhorn's work in a turn. The peers are in ../peers.
import { TRAINING_INCLUDES, trainingSteps } from '../../src/cli/measure.ts';
import { createContext } from '../../src/generate/context.ts';
import { argmax } from '../../src/generate/sampler.ts';
import type { GPT } from '../../src/model/gpt.ts';
import type { Contestant } from './contest.ts';

/** A contestant whose turns run `work` and are timed. `close` frees its resources. */
export function contestant(
  about: { name: string; includes: string; amount: number },
  work: () => Promise<void>,
  close: () => void = () => {},
): Contestant {
  return {
    ...about,
    async turn(): Promise<number> {
      const begun = performance.now();
      await work();
      return (performance.now() - begun) / 1000;
    },
    async close(): Promise<undefined> {
      close();
    },
  };
}

/** One optimizer step per turn, through train(). */
export function trainingContestant(model: GPT, batchSize: number): Contestant {
  const steps = trainingSteps(model, { batchSize });
  return {
    name: model.backend.description,
    includes: TRAINING_INCLUDES,
    amount: batchSize * model.config.blockSize,
    async turn(): Promise<number> {
      const { value, done } = await steps.next();
      if (done) throw new Error('the training ended by itself');
      return value;
    },
    async close(): Promise<number> {
      await steps.return();
      return peakMB();
    },
  };
}

/** The tokens of a full window, one by one, from the model alone. */
export function decodingContestant(name: string, model: GPT): Contestant {
  const amount = model.config.blockSize;
  const includes = `${amount} tokens from token 0, the largest logit each`;
  return contestant({ name, includes, amount }, async () => {
    const context = createContext(model);
    for (let next = 0, n = 0; n < amount; n++) next = argmax(await context.read([next]));
    context.dispose();
  });
}

/** The peak memory of this process, MB. */
export function peakMB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
