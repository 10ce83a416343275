// From flags to a config and settings: a preset, or a JSON file, and flags that change it.

import { checkValue, type Fields, refuseUnknown } from '../base/fields.ts';
import { bytesAtMost, parseJson } from '../base/json.ts';
import { similar } from '../base/nearest.ts';
import { record } from '../base/schema.ts';
import { flagName } from '../base/shell.ts';
import { nodeFiles, reason } from '../io/node-store.ts';
import { configFields, type GPTConfig, makeConfig, type PresetName, presets } from '../model/config.ts';
import { settingFields } from '../train/setting-fields.ts';
import { checkNewRun, idleSetting, makeSettings, recipes, type TrainSettings } from '../train/settings.ts';
import { modelFlags, pick, settingFlags } from './config-flags.ts';
import { asked, misuse, type Origin } from './errors.ts';
import { refuseDecided, type Start, startConfig, startName } from './fine-tune.ts';
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
  /** The preset, or the model of `--from`. */
  name: string;
  /** The config for a vocabulary size, with `changes`. Throws when it is not possible. */
  configFor(vocabSize: number): GPTConfig;
  /** Fields of the config that were asked for. */
  changes: Partial<GPTConfig>;
  settings: TrainSettings;
  /** Settings that were asked for. */
  chosen: Partial<TrainSettings>;
  /** The part of --config about the tokenizer. */
  vocabSize?: number;
  /** What comes from --config, for messages: see `asked`. */
  origin?: Origin;
}

/**
 * Throws a misuse that names the flag, or the field of --config, its value and what would fit. `others` are
 * the flags of the command that are no fields of --config. `start` is the model of `--from`.
 */
export async function readRecipe(
  flags: Readonly<Record<string, unknown>>,
  others: Flags = {},
  start: Start | null = null,
): Promise<Recipe> {
  const preset = (flags.preset ?? 'shakespeare') as PresetName;
  const { config } = flags;
  const file = typeof config === 'string' ? await readConfigFile(config, others) : {};
  const ofFile = Object.keys(file).filter((name) => flags[name] === undefined);
  const origin: Origin = { file: `--config ${config}`, fields: new Set(ofFile) };
  const changes = { ...pick(file, modelFlags), ...pick(flags, modelFlags) } as Partial<GPTConfig>;
  if (start) refuseDecided(file, (name) => `--config ${config}: ${name}`);
  const chosen = { ...pick(file, settingFlags), ...pick(flags, settingFlags) };
  const settings = await asked(() => makeSettings(start?.settings ?? recipes[preset], chosen), origin);
  const configFor = (vocabSize: number): GPTConfig =>
    start ? startConfig(start, changes) : makeConfig(presets[preset], vocabSize, changes);
  refuseIdleFlags(pick(flags, settingFlags), settings);
  await asked(() => {
    // Only the vocabulary size is not known yet.
    checkNewRun(settings, configFor(256), chosen);
  }, origin);
  const name = start ? `${startName(start)}, then` : preset;
  const vocabSize = start?.config.vocabSize ?? (file.vocabSize as number | undefined);
  return { name, configFor, changes, settings, chosen, vocabSize, origin };
}

/** No flag may be without effect, not even one with the value of a recipe. */
function refuseIdleFlags(flags: Readonly<Record<string, unknown>>, settings: TrainSettings): void {
  const idle = idleSetting(Object.keys(flags), settings);
  if (!idle) return;
  const [needed, value] = idle.needs;
  throw misuse(`${flagName(idle.name)} has no effect without ${flagName(needed)} ${value}`);
}

async function readConfigFile(path: string, others: Flags): Promise<Record<string, unknown>> {
  const content = await nodeFiles.read(path, bytesAtMost()).catch((error: Error) => {
    throw misuse(`--config ${path}: ${reason(error)}`);
  });
  const anything = (value: unknown): unknown => value;
  const known: Fields = { ...configFields, ...settingFields };
  let parsed: Record<string, unknown>;
  try {
    parsed = record(anything)(parseJson(content)); // not by `asked`: a parser's words are no options
    refuseMisplaced(parsed, known, others);
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

/**
 * Throws for what is no field but looks like one: what only flags say, groups of fields as other programs
 * have them, a description in place of a name.
 */
function refuseMisplaced(parsed: Record<string, unknown>, known: Fields, others: Flags): void {
  for (const [name, value] of Object.entries(parsed)) {
    if (name in known) continue;
    if (name in others) throw new Error(`'${name}' is no field of the file: give ${flagName(name)}`);
    if (typeof value === 'object' && value !== null)
      throw new Error(
        `'${name}' holds ${Array.isArray(value) ? 'a list' : 'an object'}: all fields stand side by side in one object, as in {"nLayer": 4, "lr": 0.001}`,
      );
    if (similar(name, Object.keys(known)) !== undefined) continue; // refused with that name
    const words = flagName(name).slice(2).replaceAll(/[-_]/g, ' ');
    const [meant] = Object.entries(known).find(([, { about }]) => about.includes(words)) ?? [];
    throw new Error(
      `unknown field '${name}': ${meant ? `did you mean '${meant}'?` : '`inkhorn train --help-all` lists them as flags: --n-layer is nLayer'}`,
    );
  }
}
