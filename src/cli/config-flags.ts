// The flags that make a config and settings: one for every field of either, from the tables beside their
// types.
import type { AnyField } from '../base/fields.ts';
import { configFields } from '../model/config.ts';
import { settingFields } from '../train/setting-fields.ts';
import { type Flags, flagsOf } from './flags.ts';

const { vocabSize, ...ofModel } = configFields;

/** One flag per field of `GPTConfig`; the vocabulary's size is the tokenizer's. */
export const modelFlags = flagsOf(ofModel, (row) => ({ ...ofRecipe(row), group: 'Model' }));

/** One flag per field of `TrainSettings`. */
export const settingFlags = flagsOf(settingFields, ofRecipe);

/** The defaults are those of a preset; a short help shows what people change first. */
function ofRecipe({ common = false }: AnyField): { initial: undefined; rare: boolean } {
  return { initial: undefined, rare: !common };
}

/** Those of `values` that belong to `table`: what a person changed. */
export function pick(values: Readonly<Record<string, unknown>>, table: Flags): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => name in table && value !== undefined),
  );
}
