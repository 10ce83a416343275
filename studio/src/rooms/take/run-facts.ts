// The run that a model belongs to, and where its text is.
import { type DataRecord, readHistory, type TrainSettings } from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { LIVE } from '../../kept/models.ts';
import { nameOfText } from '../../kept/texts.ts';
import { training } from '../../training.ts';

export interface RunFacts {
  name: string;
  data: DataRecord;
  settings: TrainSettings;
  /** Optimizer steps done, up to the last checkpoint. */
  step: number;
  /** The name of its text here; null: it is not in this browser. */
  text: string | null;
}

/** The run of a model; null for a model without one, and before the first checkpoint. */
export async function runOf(model: string): Promise<RunFacts | null> {
  const [shelf, folder] = model.split('/');
  const name = model === LIVE ? training.value?.name : shelf === 'runs' ? folder : undefined;
  if (name === undefined) return null;
  const history = await readHistory(opfsStore(`runs/${name}`)).catch(() => null);
  if (!history) return null;
  const { data, settings, events } = history;
  const step = events.reduce((most, event) => Math.max(most, event.step), 0);
  return { name, data, settings, step, text: await nameOfText(data) };
}
