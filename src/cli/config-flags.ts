// The flags of a config and of settings: one for every field, made from the tables beside their types.
import type { AnyField } from '../base/fields.ts';
import { configFields } from '../model/config.ts';
import { settingFields } from '../train/setting-fields.ts';
import { type Flags, flagsOf } from './flags.ts';

const { vocabSize, ...ofModel } = configFields;

/** One flag per field of `GPTConfig`, except the vocabulary size, which comes from the tokenizer. */
export const modelFlags = flagsOf(ofModel, (row) => ({ ...ofRecipe(row), group: 'Model' }));

/** One flag per field of `TrainSettings`. */
export const settingFlags = flagsOf(settingFields, ofRecipe);

/** Defaults come from presets. The short help shows what people change first. */
function ofRecipe({ common = false }: AnyField): { initial: undefined; rare: boolean } {
  return { initial: undefined, rare: !common };
}

/** The fields of `table` in `values`: what the user changed. */
export function pick(values: Readonly<Record<string, unknown>>, table: Flags): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => name in table && value !== undefined),
  );
}
