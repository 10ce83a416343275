// What somebody chose for a run: where it differs from the preset or recipe that it began with, less what
// follows from other choices.
import { fineTuning, type PresetName, presets, recipes, type TrainSettings } from 'inkhorn';
import type { KeptRun } from './runs.ts';

type Run = Pick<KeptRun, 'base' | 'config' | 'settings'>;

/** How a run began, and the names of what was chosen for it. */
export interface Beginning {
  /** A run keeps no record of it: it is the one from which the run differs least. */
  preset: PresetName;
  chosen: ReadonlySet<string>;
}

export function beginningOf({ base, config, settings }: Run): Beginning {
  const candidates = (Object.keys(presets) as PresetName[]).map((preset) => ({
    preset,
    chosen: new Set([...shapeChosen(preset, config), ...settingsChosen(recipes[preset], settings)]),
  }));
  const { preset, chosen } = candidates.reduce((best, one) =>
    one.chosen.size < best.chosen.size ? one : best,
  );
  if (base === null) return { preset, chosen: new Set(['preset', ...chosen]) };
  const recipe = { ...fineTuning(settings.lora), lora: 0 };
  return { preset, chosen: new Set(['from', ...settingsChosen(recipe, settings)]) };
}

/** What of the shape is not that of the preset. `headSize` follows from the number of heads. */
function shapeChosen(preset: PresetName, shape: KeptRun['config']): string[] {
  const { nEmbd = 0, nHead = 0, headSize } = shape;
  const chosen = differing(presets[preset], shape);
  const resized = chosen.includes('nHead') || chosen.includes('nEmbd');
  return resized && headSize === nEmbd / nHead ? chosen.filter((name) => name !== 'headSize') : chosen;
}

/**
 * Which settings are not those of the recipe. A short run has a shorter warm-up (`makeSettings`), and a tab
 * evaluates a part of a long text.
 */
function settingsChosen(recipe: TrainSettings, settings: TrainSettings): string[] {
  const warmup = Math.min(recipe.warmup, Math.floor(settings.steps / 10));
  const { evalMethod } = settings;
  return differing({ ...recipe, warmup, ...(evalMethod === 'auto' && { evalMethod }) }, settings);
}

function differing(usual: object, made: object): string[] {
  const known: Readonly<Record<string, unknown>> = { ...usual };
  return Object.entries(made).flatMap(([name, value]) => (known[name] === value ? [] : [name]));
}
