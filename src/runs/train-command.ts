// The command that repeats a run, from its records: the preset that needs the fewest flags, and these flags.

import type { Precision } from '../backend/contract.ts';
import { dashed, shellWord } from '../base/shell.ts';
import { type GPTConfig, makeConfig, type Preset, type PresetName, presets } from '../model/config.ts';
import { fineTuning, makeSettings, recipes, type TrainSettings } from '../train/settings.ts';
import type { DataRecord } from './data-record.ts';

/** Everything that determines the result of a run. */
export interface RunRecipe {
  config: GPTConfig;
  settings: TrainSettings;
  data: Pick<
    DataRecord,
    'inputs' | 'asBytes' | 'separator' | 'field' | 'tokens' | 'trainFraction' | 'validate'
  >;
  precision: Precision;
  /** How the tokenizer cuts text. */
  split: string;
  /** `--probe-taps` */
  probeTaps?: readonly string[];
  /** The tokenizer.json, if the run did not train its own. */
  tokenizer?: string;
  /** The model that the run went on from. */
  start?: string;
  /** The models whose predictions it learns. */
  teachers?: readonly string[];
}

type Fields = Record<string, string | number | boolean>;

/**
 * `inkhorn train ... --out runs/again`: gives the same weights bit for bit on the same engine. This also
 * holds for a resumed run, since it equals an uninterrupted one.
 */
export function trainCommand(run: RunRecipe): string {
  const { config, data, precision, split, tokenizer, probeTaps, start, teachers } = run;
  const { begin, flags } = start === undefined ? fromPreset(run) : fromModel(run, start);
  const own =
    start !== undefined
      ? []
      : [
          ...(config.vocabSize !== 500 ? [['vocab-size', String(config.vocabSize)]] : []),
          ...(split !== 'none' ? [['pattern', split]] : []),
        ];
  const all: string[][] = [
    ...data.inputs.map((input) => ['data', input]),
    ...(data.tokens === undefined ? readingFlags(data) : []),
    begin,
    ...(teachers ?? []).map((path) => ['distill', path]),
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

/** How a text is read; in a file of tokens that is decided. */
function readingFlags({ asBytes, separator, field }: RunRecipe['data']): string[][] {
  return [
    ...(asBytes ? [['as-bytes']] : []),
    ...(separator !== null ? [['special', separator]] : []),
    ...(field !== undefined ? [['field', field]] : []),
  ];
}

/** Where a run begins, as a flag, and the differences from it, as flags. */
interface Beginning {
  begin: string[];
  flags: string[][];
}

function fromPreset(run: RunRecipe): Beginning {
  const names = Object.keys(presets) as PresetName[];
  const candidates = names.map((name) => ({ begin: ['preset', name], flags: changedFlags(name, run) }));
  return candidates.reduce((a, b) => (b.flags.length < a.flags.length ? b : a));
}

/** The model of a run that went on from one has all its config, but perhaps dropout and context. */
function fromModel({ config: { dropout, blockSize }, settings }: RunRecipe, start: string): Beginning {
  const usual = fineTuning(settings.lora);
  const { warmup } = makeSettings(usual, { steps: settings.steps });
  const { lora, ...rest } = settings;
  const changed = differences({ ...rest }, { ...usual, warmup });
  const shape = differences({ dropout, blockSize }, {});
  return {
    begin: ['from', start],
    flags: [...(lora > 0 ? differences({ lora }, {}) : []), ...shape, ...changed],
  };
}

/** The fields of `wanted` that `usual` has not, as flags. */
function differences(wanted: Fields, usual: Fields): string[][] {
  return Object.entries(wanted)
    .filter(([name, value]) => usual[name] !== value)
    .map(([name, value]) => {
      const flag = dashed(name);
      return typeof value === 'boolean' ? [value ? flag : `no-${flag}`] : [flag, String(value)];
    });
}

/** The differences from a preset and its recipe. */
function changedFlags(preset: PresetName, { config, settings }: RunRecipe): string[][] {
  // A changed width implies a head size; only another head size needs a flag.
  const { headSize, ...base }: Preset = presets[preset];
  const { nHead, nEmbd, vocabSize } = config;
  const sameHeads = nHead === base.nHead && nEmbd === base.nEmbd;
  const usualHead = sameHeads ? headSize : nEmbd / nHead;
  const usual = { ...makeConfig({ headSize, ...base }, vocabSize), headSize: usualHead };
  const { warmup } = makeSettings(recipes[preset], { steps: settings.steps });
  return [
    ...differences({ ...config }, usual),
    ...differences({ ...settings }, { ...recipes[preset], warmup }),
  ];
}
