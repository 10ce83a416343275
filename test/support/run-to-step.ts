// A run in a folder, begun or gone on with, and stopped at a step.
import type { Backend } from '../../src/backend/contract.ts';
import type { GPT } from '../../src/model/gpt.ts';
import { hasCheckpoint, loadCheckpoint } from '../../src/runs/checkpoint.ts';
import { type RunFolderOptions, trainInFolder } from '../../src/runs/train-in-folder.ts';
import type { TrainEvent } from '../../src/train/events.ts';

/**
 * Trains from the last checkpoint of the store, or where there is none the model that `fresh` makes, to the
 * end or to step `stop`. Resolves to the events of this process.
 */
export async function runToStep(
  backend: Backend,
  fresh: () => GPT | Promise<GPT>,
  options: Omit<RunFolderOptions, 'model' | 'from' | 'signal'>,
  stop?: number,
): Promise<TrainEvent[]> {
  const last = options.store.folder('last');
  const from = (await hasCheckpoint(last)) ? await loadCheckpoint(last, { backend }) : undefined;
  const model = from?.model ?? (await fresh());
  const controller = new AbortController();
  const events: TrainEvent[] = [];
  for await (const event of trainInFolder({ ...options, model, from, signal: controller.signal })) {
    events.push(event);
    if (event.type === 'step' && event.step === stop) controller.abort();
  }
  model.dispose();
  return events;
}
