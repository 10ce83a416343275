// The command that repeats a run, from its records: the preset that needs the fewest flags, and these flags.

import type { Precision } from '../backend/contract.ts';
import { dashed, shellWord } from '../base/shell.ts';
import { type GPTConfig, makeConfig, type Preset, type PresetName, presets } from '../model/config.ts';
import { makeSettings, recipes, type TrainSettings } from '../train/settings.ts';
import type { DataRecord } from './data-record.ts';

/** Everything that determines the result of a run. */
export interface RunRecipe {
  config: GPTConfig;
  settings: TrainSettings;
  data: Pick<DataRecord, 'inputs' | 'asBytes' | 'separator' | 'trainFraction' | 'validate'>;
  precision: Precision;
  /** How the tokenizer cuts text. */
  split: string;
  /** `--probe-taps` */
  probeTaps?: readonly string[];
  /** The tokenizer.json, if the run did not train its own. */
  tokenizer?: string;
}

type Fields = Record<string, string | number | boolean>;

/**
 * `inkhorn train ... --out runs/again`: gives the same weights bit for bit on the same engine. This also
 * holds for a resumed run, since it equals an uninterrupted one.
 */
export function trainCommand(run: RunRecipe): string {
  const names = Object.keys(presets) as PresetName[];
  const candidates = names.map((preset) => ({ preset, flags: changedFlags(preset, run) }));
  const { preset, flags } = candidates.reduce((a, b) => (b.flags.length < a.flags.length ? b : a));
  const { config, data, precision, split, tokenizer, probeTaps } = run;
  const own = [
    ...(config.vocabSize !== 500 ? [['vocab-size', String(config.vocabSize)]] : []),
    ...(split !== 'none' ? [['pattern', split]] : []),
  ];
  const all: string[][] = [
    ...data.inputs.map((input) => ['data', input]),
    ...(data.asBytes ? [['as-bytes']] : []),
    ...(data.separator !== null ? [['special', data.separator]] : []),
    ['preset', preset],
    ...flags,
    ...(tokenizer === undefined ? own : [['tokenizer', tokenizer]]),
    ...(data.trainFraction !== 0.9 ? [['train-fraction', String(data.trainFraction)]] : []),
    ...(data.validate === 'inner' ? [['validate', 'inner']] : []),
    ...(precision !== 'f32' ? [['precision', precision]] : []),
    ...(probeTaps ?? []).map((pattern) => ['probe-taps', pattern]),
    ['out', 'runs/again'],
  ];
  return [
    'inkhorn train',
    ...all.map(([name, ...value]) => [`--${name}`, ...value.map(shellWord)].join(' ')),
  ].join(' ');
}

/** The differences from a preset and its recipe, as flags. */
function changedFlags(preset: PresetName, { config, settings }: RunRecipe): string[][] {
  const flags: string[][] = [];
  const compare = (wanted: Fields, usual: Fields): void => {
    for (const [name, value] of Object.entries(wanted)) {
      if (usual[name] === value) continue;
      const flag = dashed(name);
      if (typeof value === 'boolean') flags.push([value ? flag : `no-${flag}`]);
      else flags.push([flag, String(value)]);
    }
  };
  // A changed width implies a head size; only another head size needs a flag.
  const { headSize, ...base }: Preset = presets[preset];
  const { nHead, nEmbd, vocabSize } = config;
  const sameHeads = nHead === base.nHead && nEmbd === base.nEmbd;
  const usualHead = sameHeads ? headSize : nEmbd / nHead;
  compare({ ...config }, { ...makeConfig({ headSize, ...base }, vocabSize), headSize: usualHead });
  const { warmup } = makeSettings(recipes[preset], { steps: settings.steps });
  compare({ ...settings }, { ...recipes[preset], warmup });
  return flags;
}
