// `inkhorn report --card`: measures the model of a run, and writes its card beside it.
import { cpus } from 'node:os';
import { join } from 'node:path';
import { folderStore } from '../io/node-store.ts';
import { loadModel } from '../model/folder.ts';
import { picturesIfThere } from '../png/charts.ts';
import { unevaluated } from '../runs/facts.ts';
import type { OpenRun } from '../runs/open.ts';
import { readRun } from '../runs/read.ts';
import { announceEngine, withEngine } from './engine.ts';
import { asked, misuse } from './errors.ts';
import { measuredDataset, openMeasuredText } from './measured-text.ts';
import type { Output } from './output.ts';
import { withProgress } from './progress.ts';

interface Given {
  /** Where the card goes; default: into the folder of the model. */
  out?: string;
  /** The text to measure on; default: that of the run. */
  data?: readonly string[];
  force?: boolean;
}

/** Throws a misuse where the card or its picture exists, without `force`, and where the run has no model. */
export async function writeModelCard(
  run: OpenRun,
  { out, data, force }: Given,
  output: Output,
): Promise<void> {
  const summary = await asked(() => readRun(run.store, { run, onNote: output.note }));
  const chosen = await run.model();
  if (!chosen) throw misuse(`${run.store.location} has no model yet: its first evaluation saves one`);
  const place = out ?? chosen.store.location;
  const { CARD, writeCard } = await import('../report/write.ts');
  const { measureCard } = await import('../report/card-measures.ts');
  if (!force && (await folderStore(place).exists(CARD)))
    throw misuse(`${join(place, CARD)} exists: --force replaces it, --out DIR writes another`);
  if (unevaluated(summary.events)) output.note(unevaluated(summary.events));
  const text = await openMeasuredText({ data }, chosen.store, output);
  await withEngine({}, async (engine) => {
    const backend = announceEngine(engine, output);
    const machine = `${cpus()[0]?.model.trim() ?? 'an unknown processor'}, ${backend.description}`;
    const folder = await loadModel(chosen.store, { backend });
    const measured = await measuredDataset(text, folder.tokenizer);
    const measures = await withProgress('measuring the model and its copies', '', () =>
      asked(() =>
        measureCard(folder, measured.data, { machine, prompts: promptsOf(summary.settings.samplePrompt) }),
      ),
    );
    folder.model.dispose();
    const pictures = await picturesIfThere(output.note);
    const names = await writeCard(folderStore(place), summary, measures, pictures);
    const files = names.map((name) => join(place, name));
    output.data({ files, data: measured.record, ...measures });
    output.print(files.join('\n'));
  });
}

/** Two texts that go on from what the run's samples do, and one that the model begins. */
function promptsOf(prompt: string): string[] {
  return [prompt, prompt, ''];
}
