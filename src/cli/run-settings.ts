// From flags to a config and settings: a preset, or a JSON file, and flags that change it.

import { checkValue, type Fields, refuseUnknown } from '../base/fields.ts';
import { bytesAtMost, readJson } from '../base/json.ts';
import { record } from '../base/schema.ts';
import { flagName } from '../base/shell.ts';
import { nodeFiles, reason } from '../io/node-store.ts';
import { configFields, type GPTConfig, makeConfig, type PresetName, presets } from '../model/config.ts';
import { settingFields } from '../train/setting-fields.ts';
import {
  checkRates,
  checkSettings,
  checkSuited,
  idleSetting,
  recipes,
  refuseIdle,
  type TrainSettings,
} from '../train/settings.ts';
import { modelFlags, pick, settingFlags } from './config-flags.ts';
import { asked, misuse } from './errors.ts';
import { choice, type Flags, text } from './flags.ts';

export const presetNames = Object.keys(presets) as PresetName[];

/** The flags for all choices about a model and its training. */
export const recipeFlags = {
  preset: choice(
    { about: 'model and recipe to start from', short: 'p', initial: 'shakespeare' },
    presetNames,
  ),
  config: text({
    about: 'JSON file with fields of config.json and settings, on top of the preset and below the flags',
    argument: '<file>',
  }),
  ...modelFlags,
  ...settingFlags,
} satisfies Flags;

/** The result of `recipeFlags`, checked. */
export interface Recipe {
  preset: PresetName;
  /** Fields of the config that differ from the preset. `makeConfig` completes them. */
  changes: Partial<GPTConfig>;
  settings: TrainSettings;
  /** The part of --config about the tokenizer. */
  vocabSize?: number;
}

/** Throws a misuse that names the field, its value and what would fit. */
export async function readRecipe(flags: Readonly<Record<string, unknown>>): Promise<Recipe> {
  const preset = (flags.preset ?? 'shakespeare') as PresetName;
  const file = typeof flags.config === 'string' ? await readConfigFile(flags.config) : {};
  const changes = { ...pick(file, modelFlags), ...pick(flags, modelFlags) } as Partial<GPTConfig>;
  const chosen = { ...pick(file, settingFlags), ...pick(flags, settingFlags) };
  const settings = await asked(() => checkSettings(fitToSteps({ ...recipes[preset], ...chosen }, chosen)));
  refuseIdleFlags(pick(flags, settingFlags), settings);
  await asked(() => refuseIdle(chosen, settings));
  // Everything but the vocabulary size is known now.
  await asked(() => checkRates(settings));
  await asked(() => checkSuited(settings, makeConfig(presets[preset], 256, changes)));
  return { preset, changes, settings, vocabSize: file.vocabSize as number | undefined };
}

/** No flag may be without effect, not even one with the value of a recipe. */
function refuseIdleFlags(flags: Readonly<Record<string, unknown>>, settings: TrainSettings): void {
  const idle = idleSetting(Object.keys(flags), settings);
  if (!idle) return;
  const [needed, value] = idle.needs;
  throw misuse(`${flagName(idle.name)} has no effect without ${flagName(needed)} ${value}`);
}

/**
 * A short run has no room for a preset's warm-up: it is shortened to a tenth of the steps, unless it was
 * asked for.
 */
function fitToSteps(settings: TrainSettings, chosen: Readonly<Record<string, unknown>>): TrainSettings {
  if ('warmup' in chosen) return settings;
  return { ...settings, warmup: Math.min(settings.warmup, Math.floor(settings.steps / 10)) };
}

async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const content = await nodeFiles.read(path, bytesAtMost()).catch((error: Error) => {
    throw misuse(`--config ${path}: ${reason(error)}`);
  });
  const anything = (value: unknown): unknown => value;
  const parsed = await asked(() => readJson(content, `--config ${path}`, record(anything)));
  const known: Fields = { ...configFields, ...settingFields };
  try {
    refuseUnknown(parsed, Object.keys(known), 'field');
    for (const [name, value] of Object.entries(parsed)) checkValue(known[name], value, name);
  } catch (error) {
    throw misuse(`--config ${path}: ${(error as Error).message}`);
  }
  if ('vocabSize' in parsed && !(Number.isInteger(parsed.vocabSize) && (parsed.vocabSize as number) >= 256)) {
    throw misuse(
      `--config ${path}: vocabSize ${JSON.stringify(parsed.vocabSize)} is not a whole number >= 256`,
    );
  }
  return parsed;
}
