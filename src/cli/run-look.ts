// The findings that the reports of a run show: made when it ends, and by `inkhorn report` if they are missing
// for its best model.

import { join } from 'node:path';
import type { Backend } from '../backend/contract.ts';
import { shellWord } from '../base/shell.ts';
import type { Tokens } from '../model/batch.ts';
import { loadModel } from '../model/folder.ts';
import { readLook } from '../runs/findings.ts';
import { INSPECT_FOLDER } from '../runs/layout.ts';
import { lookInside, saveLook } from '../runs/look.ts';
import type { OpenRun } from '../runs/open.ts';
import type { RunSummary } from '../runs/summary.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { splitTokens } from '../train/data.ts';
import { announceEngine, withEngine } from './engine.ts';
import { openMeasuredText } from './measured-text.ts';
import type { Output } from './output.ts';
import { withProgress } from './progress.ts';
import { outOfReach, TextNotHere } from './run-text.ts';

/** Makes the findings about the model of a run (see `runModel`) on its validation part, and saves them. */
export async function lookInsideRun(
  run: OpenRun,
  backend: Backend,
  valOf: (tokenizer: Tokenizer) => Tokens | Promise<Tokens>,
): Promise<void> {
  const chosen = await run.model();
  if (!chosen || chosen.step === null) return;
  const { step } = chosen;
  const folder = await loadModel(chosen.store, { backend });
  try {
    const val = await valOf(folder.tokenizer);
    if (val.length < 2) return;
    const look = await withProgress('looking inside the model', '', () => lookInside(folder, val, step));
    await saveLook(run.store, look);
  } finally {
    folder.model.dispose();
  }
}

/**
 * Makes them if they are missing or about an earlier model. Resolves to whether it did. If the text cannot be
 * read, this is noted and is no error.
 */
export async function refreshLook(
  run: OpenRun,
  { precision }: Pick<RunSummary, 'precision'>,
  output: Output,
): Promise<boolean> {
  const folder = run.store.location;
  const chosen = await run.model();
  if (!chosen || chosen.step === null || (await readLook(run.store))?.step === chosen.step) return false;
  try {
    const text = await openMeasuredText({}, chosen.store, output);
    await withEngine({ precision }, (engine) =>
      lookInsideRun(run, announceEngine(engine, output), async (tokenizer) => {
        const { ids, record } = await text.encode(tokenizer);
        return splitTokens(ids, record).val;
      }),
    );
    return true;
  } catch (error) {
    if (!outOfReach(error)) throw error;
    const why =
      error instanceof TextNotHere
        ? `${error.fact}; \`inkhorn inspect -m ${shellWord(folder)} --data FILE --out ${shellWord(join(folder, INSPECT_FOLDER))}\` looks with another, and the report shows that`
        : error.message;
    output.note(`no look inside the model: ${why}`);
    return false;
  }
}
