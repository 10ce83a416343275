// The flags that make a config and settings: one for every field of either, from the tables beside their types.
import { configFields, type FieldSpec } from '../model/config.ts';
import { type SettingSpec, settingGroups } from '../train/setting-fields.ts';
import { choice, type Flag, type Flags, integer, number, text, yesNo } from './flags.ts';

/** Those that a short help shows: what people change first. */
const FIRST = new Set([
  'nLayer',
  'nHead',
  'nEmbd',
  'blockSize',
  'dropout',
  'steps',
  'batchSize',
  'seed',
  'lr',
  'evalEvery',
  'sampleEvery',
  'samplePrompt',
]);

/** One flag per field of `GPTConfig`; the vocabulary's size is the tokenizer's. */
export const modelFlags: Flags = Object.fromEntries(
  Object.entries(configFields)
    .filter(([name]) => name !== 'vocabSize')
    .map(([name, spec]) => [
      name,
      { ...fieldFlag(spec), option: name, group: 'Model', rare: !FIRST.has(name) },
    ]),
);

/** One flag per field of `TrainSettings`. */
export const settingFlags: Flags = Object.fromEntries(
  Object.entries(settingGroups).flatMap(([group, specs]) =>
    Object.entries(specs).map(([name, spec]) => [
      name,
      { ...settingFlag(spec), option: name, group, rare: !FIRST.has(name) },
    ]),
  ),
);

/** Those of `values` that belong to `table`: what a person changed. */
export function pick(values: Readonly<Record<string, unknown>>, table: Flags): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => name in table && value !== undefined),
  );
}

function fieldFlag({ kind, about }: FieldSpec): Flag<unknown> {
  if (kind === 'count') return integer({ about }, 1);
  if (kind === 'ratio' || kind === 'amount') return number({ about });
  if (kind === 'probability') return number({ about });
  if (kind === 'flag') return yesNo({ about });
  return choice({ about }, kind);
}

function settingFlag({ kind, about, min, max }: SettingSpec): Flag<unknown> {
  if (kind === 'integer') return integer({ about }, min, max);
  if (kind === 'number') return number({ about }, min, max);
  if (kind === 'text') return text({ about });
  return choice({ about }, kind);
}
