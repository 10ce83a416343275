// The look inside that the reports of a run show: made when it ends, and by `inkhorn report` where there is none yet of its best model.
import type { Backend } from '../backend/contract.ts';
import { loadModel } from '../model/folder.ts';
import { folderStore } from '../platform/node-store.ts';
import { bestEval } from '../report/facts.ts';
import { splitTokens } from '../train/data.ts';
import { BEST, readHistory } from '../train/run-folder.ts';
import { withEngine } from './engine.ts';
import { openMeasuredText } from './models.ts';
import type { Output } from './output.ts';

/** Looks at the best model of the run in `out` reading `val`, and keeps what it sees there. */
export async function lookInsideRun(out: string, backend: Backend, val: Int32Array): Promise<void> {
  const { lookInside, saveLook } = await import('../report/run-look.ts');
  const run = folderStore(out);
  const best = bestEval((await readHistory(run)).events);
  if (!best || val.length < 2) return;
  const folder = await loadModel(run.folder(BEST), { backend });
  try {
    await saveLook(run, await lookInside(folder, val, best.step));
  } finally {
    folder.model.dispose();
  }
}

/** The same where what is kept is missing or of an earlier model. A text that is out of reach is no reason to fail: it is noted. */
export async function refreshLook(out: string, output: Output): Promise<void> {
  const { lookedAt } = await import('../report/run-look.ts');
  const run = folderStore(out);
  const best = bestEval((await readHistory(run)).events);
  if (!best || (await lookedAt(run)) === best.step) return;
  try {
    const store = run.folder(BEST);
    const { corpus, record } = await openMeasuredText(undefined, store, output);
    await withEngine({}, output, async (backend) => {
      const { model, tokenizer } = await loadModel(store, { backend });
      model.dispose();
      const ids = tokenizer.encode(corpus.bytes, { allowedSpecial: 'all' });
      await lookInsideRun(out, backend, splitTokens(ids, record).val);
    });
  } catch (error) {
    output.note(`no look inside the model: ${(error as Error).message}`);
  }
}
