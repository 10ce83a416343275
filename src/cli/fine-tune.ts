// `train --from MODEL`: the model that a run goes on from, and the text that it knew before.
import { basename, resolve } from 'node:path';
import { flagName } from '../base/shell.ts';
import type { Store } from '../io/store.ts';
import type { Tokens } from '../model/batch.ts';
import { type GPTConfig, makeConfig } from '../model/config.ts';
import { loadConfig } from '../model/folder.ts';
import type { DataRecord } from '../runs/data-record.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Dataset } from '../train/data.ts';
import { fineTuning, type TrainSettings } from '../train/settings.ts';
import { modelFlags, pick } from './config-flags.ts';
import { misuse } from './errors.ts';
import { type Flags, text, texts } from './flags.ts';
import { measuredDataset, openMeasuredText } from './measured-text.ts';
import { BUNDLED, namedModel, runOf } from './models.ts';
import type { Output } from './output.ts';
import type { Job } from './ranks.ts';
import { outOfReach, recordedData, TextNotHere } from './run-text.ts';

export const fromFlags = {
  from: text({
    about: `model to go on from, with its tokenizer, on another text: a model folder, a run, or '${BUNDLED}'`,
    argument: '<dir>',
  }),
  oldData: texts({
    about:
      'with --from: a text whose loss every evaluation gives too, to show what is forgotten; by default the one that the model was trained on',
    argument: '<text>',
    rare: true,
  }),
} satisfies Flags;

/** The fields of a config that a run may change in a trained model. */
const CHANGEABLE: readonly string[] = ['dropout', 'blockSize'];

/** What the model has decided, besides the fields of its config. */
const DECIDED: readonly string[] = ['preset', 'tokenizer', 'vocabSize', 'pattern'];

/** The model that a run goes on from. */
export interface Start {
  /** As typed. */
  path: string;
  store: Store;
  config: GPTConfig;
  /** The recipe, before flags. */
  settings: TrainSettings;
}

/** What `--from` says; null without it. Throws a misuse for a flag about what the model has decided. */
export async function readStart(
  given: Readonly<Record<string, unknown>> & { from?: string; oldData?: unknown; lora?: number },
  output: Output,
): Promise<Start | null> {
  const { from: path, oldData, lora = 0 } = given;
  if (path === undefined) {
    if (oldData !== undefined) throw misuse('--old-data has no effect without --from');
    return null;
  }
  refuseDecided(given, flagName);
  const store = await namedModel(path, output);
  return { path, store, config: await loadConfig(store), settings: fineTuning(lora) };
}

/** Throws a misuse when `given` wants to change what the model of `--from` has decided. */
export function refuseDecided(
  given: Readonly<Record<string, unknown>>,
  written: (name: string) => string,
): void {
  const fields = Object.keys(pick(given, modelFlags)).filter((name) => !CHANGEABLE.includes(name));
  const [surplus] = [...DECIDED.filter((name) => given[name] !== undefined), ...fields];
  if (surplus === undefined) return;
  throw misuse(
    `${written(surplus)} has no effect with --from, whose model has its shape and its tokenizer: only --dropout and a shorter --block-size can be chosen`,
  );
}

/** `wanted` on top of the config of the model. Throws when its context would have to grow. */
export function startConfig({ config }: Pick<Start, 'config'>, wanted: Partial<GPTConfig>): GPTConfig {
  const { blockSize = config.blockSize } = wanted;
  if (blockSize > config.blockSize)
    throw new Error(
      `blockSize ${blockSize} is longer than the context that the model was trained with: at most ${config.blockSize}`,
    );
  return makeConfig(config, config.vocabSize, wanted);
}

/**
 * `shakespeare` of `models/shakespeare`, `first` of `runs/first/best`: what the title of the run calls it.
 */
export function startName({ path }: Start): string {
  return path === BUNDLED ? 'the bundled model' : basename(resolve(runOf(path)));
}

/** The text that a model knew: its tokens, and its record. */
export interface OldText {
  dataset: Dataset<Tokens>;
  record: DataRecord;
}

/**
 * The text of `--old-data`, or the one that the model was trained on; null if that is not to be had, which is
 * noted.
 */
export async function openOldText(
  { store }: Start,
  oldData: readonly string[] | undefined,
  tokenizer: Tokenizer,
  output: Output,
  job: Job | null,
): Promise<OldText | null> {
  const unknown = (why: string): null => {
    output.note(`${why}: what is forgotten is not measured; --old-data FILE would`);
    return null;
  };
  if (!oldData && !(await recordedData(store)))
    return unknown(`${store.location} does not say which text its model was trained on`);
  try {
    const text = await openMeasuredText({ data: oldData }, store, output);
    const encode = () => measuredDataset(text, tokenizer);
    const { data, record } = await (job && text.streamed ? job.inTurn(encode) : encode());
    return { dataset: data, record };
  } catch (error) {
    if (oldData || !outOfReach(error)) throw error;
    return unknown(error instanceof TextNotHere ? error.fact : error.message);
  }
}
