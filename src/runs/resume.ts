// Continues a run where it ended, from its folder and its text. Read next: checkpoint.ts,
// train-in-folder.ts.
import { complete, custom, type Table } from '../base/fields.ts';
import { formatAmount, formatCount } from '../base/format.ts';
import { such } from '../base/schema.ts';
import { sha256 } from '../base/sha256.ts';
import type { Store } from '../io/store.ts';
import type { Tokens } from '../model/batch.ts';
import { type CheckpointOptions, checkpointFields, storeField } from '../model/folder.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { isBytes } from '../tokenizer/utf8.ts';
import { type Dataset, datasetAsync, type Split } from '../train/data.ts';
import { sameArithmetic } from '../train/engines.ts';
import type { TrainEvent } from '../train/events.ts';
import { settingFields } from '../train/setting-fields.ts';
import { checkSettings, type TrainSettings } from '../train/settings.ts';
import { type Checkpoint, hasCheckpoint, loadCheckpoint, readRecord } from './checkpoint.ts';
import type { DataRecord } from './data-record.ts';
import { LAST, TRAINING_FILE } from './layout.ts';
import { readRunRecord } from './record.ts';
import { loadTeachers, type Teacher } from './teachers.ts';
import { type RunFolderOptions, runFolderFields, trainInFolder } from './train-in-folder.ts';

/**
 * The text of a run: whole; or with its documents, as `loadCorpus` of `inkhorn/node` gives it; or encoded, as
 * `openTokens` there does.
 */
export type RunText =
  | string
  | Uint8Array
  | { bytes: Uint8Array; documents: readonly Uint8Array[] }
  | RunTokens;

type TextInMemory = Exclude<RunText, RunTokens>;

/** A text whose tokens are in a file. */
export interface RunTokens {
  description: { separator: string | null; source: { bytes: number; sha256: string } };
  dataset(tokenizer: Tokenizer, split?: Partial<Split>): Dataset<Tokens>;
}

export interface ResumeOptions
  extends CheckpointOptions,
    Pick<RunFolderOptions, 'store' | 'signal' | 'onProgress'> {
  /** The text that the run is trained on. Another one is refused. */
  text: RunText;
  /** The text that the model knew before the run. Without it, what is forgotten is not measured any more. */
  old?: RunText;
  /** The folders of the models whose predictions it learns, in their order. Others are refused. */
  teachers?: readonly Store[];
  /** Number of steps in all, those done included. Default: as many as the run has set. */
  steps?: number;
}

const text = {
  schema: such(
    (value): value is RunText =>
      typeof value === 'string' || isBytes(value) || 'bytes' in Object(value) || 'dataset' in Object(value),
    'a text',
  ),
};

/** The options of `resumeInFolder`. */
export const resumeFields: Table<ResumeOptions> = {
  ...checkpointFields,
  store: storeField,
  text: custom({ ...text, about: 'the text that the run is trained on', required: true }),
  old: custom({ ...text, about: 'the text that the model knew before the run' }),
  teachers: custom({
    about: 'the folders of the models whose predictions it learns',
    schema: such((value): value is readonly Store[] => Array.isArray(value), 'a list of stores'),
  }),
  steps: { ...settingFields.steps, about: 'number of steps in all, those done included' },
  signal: runFolderFields.signal,
  onProgress: runFolderFields.onProgress,
};

/**
 * Continues the run in `store` from its newest checkpoint, with the settings that it has: bit for bit what it
 * would have been without the break, on the same engine. Yields the new events. Throws where there is no
 * checkpoint, nothing is left to do, the text is another one, or another run writes there.
 */
export async function* resumeInFolder(options: ResumeOptions): AsyncGenerator<TrainEvent, void> {
  complete(resumeFields, options, 'resumeInFolder');
  const { store, backend, onNote, signal, onProgress } = options;
  const last = store.folder(LAST);
  if (!(await hasCheckpoint(last)))
    throw new Error(
      `${store.location}: no run to go on with (no ${LAST}/${TRAINING_FILE}): begin one with trainInFolder`,
    );
  const lock = await store.lock?.('a training run');
  try {
    const { progress, data, settings: begun, old: oldData } = await readRecord(last);
    const settings = settingsFor(
      { ...begun, ...(options.steps && { steps: options.steps }) },
      progress,
      store,
    );
    await checkText(data, options.text, store);
    if (options.old !== undefined && oldData) await checkText(oldData, options.old, store);
    const from = await loadRun(store, { backend, onNote });
    const { model, tokenizer, probeTaps } = from;
    let teachers: Teacher[] | undefined;
    try {
      teachers = await loadTeachers(options.teachers, tokenizer, { backend: model.backend, onNote });
      const dataset = await datasetOf(data, options.text, tokenizer, signal);
      const old =
        options.old !== undefined && oldData
          ? { dataset: await datasetOf(oldData, options.old, tokenizer, signal), record: oldData }
          : undefined;
      const run = { store, model, tokenizer, data, dataset, settings, old, teachers, probeTaps, from };
      yield* trainInFolder({ ...run, signal, onProgress, ...(lock && { lock }) });
    } finally {
      model.dispose();
      for (const teacher of teachers ?? []) teacher.model.dispose();
    }
  } finally {
    lock?.release();
  }
}

/**
 * The newest checkpoint of the run in `store`, to go on from. `onNote` is told if the engine that computed it
 * rounds otherwise than the one that goes on.
 */
export async function loadRun(store: Store, options: CheckpointOptions): Promise<Checkpoint> {
  const from = await loadCheckpoint(store.folder(LAST), options);
  // Runs of the first versions recorded the engine elsewhere.
  const begun = (await readRunRecord(store))?.engine;
  const engines = from.engines.length > 0 || !begun ? from.engines : [{ engine: begun, after: 0 }];
  const before = engines.at(-1)?.engine;
  const now = from.model.backend.description;
  if (before !== undefined && !sameArithmetic(before, now))
    options.onNote?.(
      `the run was computed by ${before} up to step ${formatCount(from.resume.step)}: ${now} rounds otherwise, so that the rest is not bit for bit what it would have been`,
    );
  return { ...from, engines };
}

/**
 * The number of steps with which a run that has done `steps` goes on: twice as many. The learning rate, which
 * ended low, is then back at half of its decay, so that something is learnt again.
 */
export function furtherSteps(steps: number): number {
  return 2 * steps;
}

/** The settings, checked. Throws where they leave nothing to do. */
function settingsFor(
  settings: TrainSettings,
  { step, settled }: { step: number; settled: boolean },
  { location }: Store,
): TrainSettings {
  const done = `${location}: ${formatAmount(step, 'step')} ${step === 1 ? 'is' : 'are'} done`;
  if (settings.steps < step) throw new Error(`${done}: steps ${settings.steps} is less`);
  if (settings.steps === step && settled)
    throw new Error(`${done}, all of them: steps ${furtherSteps(step)} would go on`);
  return checkSettings(settings);
}

/** Throws where a text is not the recorded one. */
async function checkText(
  { name, bytes, sha256: sum, separator }: DataRecord,
  text: RunText,
  { location }: Store,
): Promise<void> {
  const found = await identify(text);
  if (found.sha256 !== sum)
    throw new Error(
      `${location}: the run is trained on ${name} (${formatAmount(bytes, 'byte')}, sha256 ${sum.slice(0, 12)}...), and the text given has ${formatAmount(found.bytes, 'byte')}, sha256 ${found.sha256.slice(0, 12)}...`,
    );
  if (isEncoded(text)) {
    const other = text.description.separator;
    if (other !== separator)
      throw new Error(
        `${location}: ${separator ?? 'a line feed'} separates the documents of ${name}, and ${other ?? 'a line feed'} those of the tokens given`,
      );
    return;
  }
  if (separator !== null && !hasDocuments(text))
    throw new Error(
      `${location}: ${separator} separates the documents of ${name}: give { bytes, documents }, as loadCorpus does`,
    );
}

async function datasetOf(
  { separator, trainFraction, validate }: DataRecord,
  text: RunText,
  tokenizer: Tokenizer,
  signal: AbortSignal | undefined,
): Promise<Dataset<Tokens>> {
  if (isEncoded(text)) return text.dataset(tokenizer, { trainFraction, validate });
  const parts =
    separator !== null && hasDocuments(text) ? { documents: text.documents, separator } : bytesOf(text);
  return datasetAsync(parts, tokenizer, { trainFraction, validate, signal });
}

async function identify(text: RunText): Promise<{ bytes: number; sha256: string }> {
  if (isEncoded(text)) return text.description.source;
  const bytes = bytesOf(text);
  return { bytes: bytes.length, sha256: await sha256(bytes) };
}

function isEncoded(text: RunText): text is RunTokens {
  return typeof text !== 'string' && 'dataset' in text;
}

function hasDocuments(text: TextInMemory): text is Exclude<TextInMemory, string | Uint8Array> {
  return typeof text !== 'string' && 'documents' in text;
}

function bytesOf(text: TextInMemory): Uint8Array<ArrayBuffer> {
  if (typeof text === 'string') return new TextEncoder().encode(text);
  return new Uint8Array(hasDocuments(text) ? text.bytes : text);
}
