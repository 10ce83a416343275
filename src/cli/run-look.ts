// The look inside that the reports of a run show: made when it ends, and by `inkhorn report` where there is none yet of its best model.
import type { Backend } from '../backend/contract.ts';
import { CorpusUnavailable } from '../corpora/index.ts';
import { loadModel } from '../model/folder.ts';
import { folderStore } from '../platform/node-store.ts';
import { bestEval, lastStep } from '../report/facts.ts';
import type { RunSummary } from '../report/report.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { encodeText, splitTokens } from '../train/data.ts';
import type { TrainEvent } from '../train/events.ts';
import { modelStore, readHistory } from '../train/run-folder.ts';
import { withEngine } from './engine.ts';
import { MisuseError } from './errors.ts';
import { openMeasuredText, textOf } from './models.ts';
import type { Output } from './output.ts';

/** Looks at the model of the run in `out` reading its validation part, and keeps what it sees there. */
export async function lookInsideRun(
  out: string,
  backend: Backend,
  valOf: (tokenizer: Tokenizer) => Int32Array,
): Promise<void> {
  const { lookInside, saveLook } = await import('../report/run-look.ts');
  const run = folderStore(out);
  const step = shownStep((await readHistory(run)).events);
  const folder = await loadModel(await modelStore(run), { backend });
  try {
    const val = valOf(folder.tokenizer);
    if (val.length >= 2) await saveLook(run, await lookInside(folder, val, step));
  } finally {
    folder.model.dispose();
  }
}

/** The step of the model that a run shows: its best one, or, where it was never evaluated, its last. */
function shownStep(events: readonly TrainEvent[]): number {
  return bestEval(events)?.step ?? lastStep(events);
}

/**
 * The same where what is kept is missing or of an earlier model; resolves to whether it was. A text that is out of reach is no reason
 * to fail: it is noted.
 */
export async function refreshLook(
  { folder, events, precision }: Pick<RunSummary, 'folder' | 'events' | 'precision'>,
  output: Output,
): Promise<boolean> {
  const { lookedAt } = await import('../report/run-look.ts');
  const run = folderStore(folder);
  if ((await lookedAt(run)) === shownStep(events)) return false;
  try {
    const { corpus, record } = await openMeasuredText({}, await modelStore(run), output);
    await withEngine({ precision }, output, (backend) =>
      lookInsideRun(folder, backend, (tokenizer) => {
        const ids = encodeText(textOf(corpus, record), tokenizer);
        return splitTokens(ids, record).val;
      }),
    );
    return true;
  } catch (error) {
    if (!(error instanceof CorpusUnavailable || error instanceof MisuseError)) throw error;
    output.note(`no look inside the model: ${error.message}`);
    return false;
  }
}
