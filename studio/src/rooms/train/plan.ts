// What the address says about the next training: the model, the recipe and the tokenizer, checked.
import {
  checkNewRun,
  configFields,
  type Dataset,
  fineTuning,
  fittingContext,
  type GPTConfig,
  makeConfig,
  makeSettings,
  type OptionField,
  type PresetName,
  presets,
  recipes,
  settingFields,
  type TokenizerTraining,
  type TrainSettings,
  tokenizerFields,
} from 'inkhorn';
import { valueFrom } from '../../parts/option.tsx';
import type { Base } from './base.ts';

type Field = OptionField<unknown, unknown>;

/** The options of the tokenizer in the address. */
export const tokenizerChoices = { vocabSize: 500, pattern: 'gpt4' } as const;

/** The settings of a run in a tab, which is no rank of a job and has no teachers. */
const runFields = alone(settingFields) as Readonly<Record<string, Field>>;

/** The rows of both tables, by name. */
export const fields: Readonly<Record<string, Field>> = {
  ...(withoutVocabulary(configFields) as Readonly<Record<string, Field>>),
  ...runFields,
};

function alone({ localSteps: _, workers: __, distillWeight: ___, ...rest }: typeof settingFields): object {
  return rest;
}

function withoutVocabulary({ vocabSize: _, ...rest }: typeof configFields): object {
  return rest;
}

/** A recipe for a tab, which evaluates no more than a fifth of its time, if at all. */
function inTab(recipe: TrainSettings, evalEvery: unknown): TrainSettings {
  return Number(evalEvery ?? recipe.evalEvery) === 0 ? recipe : { ...recipe, evalMethod: 'auto' };
}

/** What is wrong, in one line, and the option in which to mend it; null where it is not one of them. */
export interface Problem {
  line: string;
  option: string | null;
}

/** What is to be said at the option `name`. */
export function problemWith(name: string, problem: Problem | null): string | undefined {
  return problem?.option === name ? problem.line : undefined;
}

/** A plan that can be carried out, or the reason why it cannot. */
export interface Plan {
  preset: PresetName;
  vocabSize: number;
  tokenizer: TokenizerTraining;
  /** Values by name, those of the preset where nothing else was chosen. */
  values: Readonly<Record<string, unknown>>;
  changed: ReadonlySet<string>;
  config: GPTConfig | null;
  settings: TrainSettings | null;
  /** Null if nothing is wrong. */
  problem: Problem | null;
  /** The part of it that concerns the tokenizer, which is the usual one then. */
  tokenizerProblem: string | null;
}

/**
 * The config of the plan for a text in its tokens: a short one has fewer merges than were asked for, and gets
 * a shorter context where nobody has chosen one.
 */
export function configFor({ preset, values, changed }: Plan, data: Dataset): GPTConfig {
  const config = makeConfig(presets[preset], data.vocabSize, pick(values, changed, configFields));
  if (changed.has('blockSize')) return config;
  const { blockSize } = config;
  return { ...config, blockSize: fittingContext(data, { blockSize, sampled: isSampled(values) }) };
}

/** Whether windows are drawn from the validation part. */
export function isSampled({ evalMethod }: Plan['values']): boolean {
  return evalMethod === 'sampled';
}

export function planOf(choices: ReadonlyMap<string, string>): Plan {
  const preset =
    (Object.keys(presets) as PresetName[]).find((name) => name === choices.get('preset')) ?? 'tiny';
  const recipe = inTab(recipes[preset], choices.get('evalEvery'));
  const values: Record<string, unknown> = { ...presets[preset], ...recipe };
  const changed = new Set<string>();
  let problem = readChoices(choices, fields, values, changed);
  const { tokenizer, tokenizerProblem } = tokenizerOf(choices);
  const { vocabSize } = tokenizer;
  const plan = { preset, vocabSize, tokenizer, tokenizerProblem, values, changed };
  problem ??= tokenizerProblem === null ? null : problemOf(tokenizerProblem, changed);
  if (problem !== null) return { ...plan, config: null, settings: null, problem };
  try {
    const settings = makeSettings(recipe, pick(values, changed, settingFields));
    const config = makeConfig(presets[preset], vocabSize, pick(values, changed, configFields));
    checkNewRun(settings, config);
    const derived = { warmup: settings.warmup, headSize: config.headSize };
    return { ...plan, values: { ...values, ...derived }, config, settings, problem: null };
  } catch (error) {
    return { ...plan, config: null, settings: null, problem: problemOf(reason(error), changed) };
  }
}

/** A run that goes on from a trained model, which has decided everything but the settings of the run. */
export interface FineTuning extends Pick<Plan, 'values' | 'changed' | 'config' | 'settings' | 'problem'> {
  base: Base;
}

/** What the address says about a run that goes on from `base`. */
export function fineTuningOf(choices: ReadonlyMap<string, string>, base: Base): FineTuning {
  const lora = choices.get('lora');
  const recipe = inTab(fineTuning(Number(lora ?? 0)), choices.get('evalEvery'));
  const values: Record<string, unknown> = { ...recipe };
  const changed = new Set<string>();
  const plan = { base, values, changed, settings: null };
  const { config, quantised } = base;
  const problem = readChoices(choices, runFields, values, changed);
  if (problem !== null) return { ...plan, config: null, problem };
  try {
    if (quantised !== null)
      throw new Error(
        `its weights are ${quantised}, and only floats can be trained: begin with the model that it was made of`,
      );
    const settings = makeSettings(recipe, pick(values, changed, settingFields));
    checkNewRun(settings, config);
    return { ...plan, values: { ...values, warmup: settings.warmup }, config, settings, problem: null };
  } catch (error) {
    return { ...plan, config: null, problem: problemOf(reason(error), changed) };
  }
}

/** The first option that the line names: one of those that were changed, if it names one. */
function problemOf(line: string, changed: ReadonlySet<string>): Problem {
  const named = (line.match(/\w+/g) ?? []).filter((word) => word in fields || word in tokenizerChoices);
  return { line, option: named.find((name) => changed.has(name)) ?? named[0] ?? null };
}

/** Puts the choices that are in `table` into `values` and `changed`. Returns what is wrong with the first. */
function readChoices(
  choices: ReadonlyMap<string, string>,
  table: typeof fields,
  values: Record<string, unknown>,
  changed: Set<string>,
): Problem | null {
  let problem: Problem | null = null;
  for (const [name, text] of choices) {
    const field = table[name];
    if (!field) continue;
    try {
      values[name] = valueFrom(name, field, text);
      changed.add(name);
    } catch (error) {
      values[name] = text;
      problem ??= { line: reason(error), option: name };
    }
  }
  return problem;
}

function tokenizerOf(choices: ReadonlyMap<string, string>): Pick<Plan, 'tokenizer' | 'tokenizerProblem'> {
  const chosen = <K extends keyof typeof tokenizerChoices>(name: K): TokenizerTraining[K] => {
    const text = choices.get(name);
    if (text === undefined) return tokenizerChoices[name];
    return valueFrom(name, tokenizerFields[name] as Field, text) as TokenizerTraining[K];
  };
  const atMost = !choices.has('vocabSize'); // what was not asked for is fewer of a short text
  try {
    const tokenizer = { vocabSize: chosen('vocabSize'), pattern: chosen('pattern'), atMost };
    return { tokenizer, tokenizerProblem: null };
  } catch (error) {
    return { tokenizer: { ...tokenizerChoices, atMost }, tokenizerProblem: reason(error) };
  }
}

function pick(values: Readonly<Record<string, unknown>>, names: ReadonlySet<string>, table: object): object {
  return Object.fromEntries([...names].filter((name) => name in table).map((name) => [name, values[name]]));
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
