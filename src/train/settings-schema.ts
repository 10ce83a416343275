// What the settings of a run are in a JSON file. Read next: setting-fields.ts.
import { integer, number, object, oneOf, otherwise, type Schema, string } from '../base/schema.ts';
import { type SettingSpec, settingFields } from './setting-fields.ts';
import { checkSettings, type TrainSettings, youngerSettings } from './settings.ts';

/** Each field as its row in `settingFields` has it; then the fields together. */
export const trainSettings: Schema<TrainSettings> = (value) => {
  const fields = Object.entries(settingFields).map(([name, spec]) => {
    const young = youngerSettings[name as keyof TrainSettings];
    return [name, young === undefined ? schemaOf(spec) : otherwise(schemaOf(spec), young)];
  });
  return checkSettings(object<TrainSettings>(Object.fromEntries(fields))(value));
};

function schemaOf({ kind, min, max }: SettingSpec): Schema<unknown> {
  if (kind === 'integer') return integer({ min, max });
  if (kind === 'number') return number({ min, max });
  return kind === 'text' ? string : oneOf(...kind);
}
