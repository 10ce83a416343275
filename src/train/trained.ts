// What a run trains: all parameters of the model, those that are not frozen, or adapters. Read next: lora.ts.
import { nearest } from '../base/nearest.ts';
import type { GPTConfig } from '../model/config.ts';
import type { GPT } from '../model/gpt.ts';
import { beginsWith } from '../model/names.ts';
import { shapesOf } from '../model/shapes.ts';
import { namedParameters } from '../nn/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { isHiddenMatrix } from './groups.ts';
import { type Adapters, createAdapters } from './lora.ts';

/** The parameters of a run. */
export interface Trained {
  /** What the optimizer updates: the weights, or the parameters of the adapters. */
  parameters: ReadonlyMap<string, Tensor>;
  /** The model's own parameters that change. */
  weights: ReadonlyMap<string, Tensor>;
  adapters: Adapters | null;
  /** Ends it: nothing is frozen any more, and only the weights stay. */
  release(): void;
}

/** Which parameters a run trains. */
export interface TrainedParts {
  freeze: string;
  lora: number;
}

/**
 * Freezes the parameters of `model` that a run does not train; they get no gradient. With `lora` above 0 each
 * trained matrix gets an adapter. Throws as `trainedNames`.
 */
export function chooseTrained(model: GPT, options: TrainedParts & { seed: number }): Trained {
  const { lora: rank, seed } = options;
  const names = trainedNames(model.config, options);
  const all = namedParameters(model);
  const weights = new Map([...all].filter(([name]) => names.has(name)));
  for (const [name, parameter] of all) parameter.requiresGrad = names.has(name);
  const adapters = rank > 0 ? createAdapters(model, weights, { rank, seed }) : null;
  return {
    parameters: adapters?.parameters ?? weights,
    weights,
    adapters,
    release(): void {
      adapters?.dispose();
      for (const parameter of all.values()) parameter.requiresGrad = true;
    },
  };
}

/**
 * The parameters that a run trains of a model of this config: those that begin with none of the names in
 * `freeze`; with `lora` above 0 only matrices of the blocks. Throws when a name fits no parameter, when
 * nothing is left to train, and when an adapter would not be smaller than its matrix.
 */
export function trainedNames(config: GPTConfig, { freeze, lora }: TrainedParts): Set<string> {
  const shapes = new Map(shapesOf(config));
  const frozen = frozenNames([...shapes.keys()], freeze);
  const names = [...shapes.keys()].filter(
    (name) => !frozen.has(name) && (lora === 0 || isHiddenMatrix(name)),
  );
  if (names.length === 0) {
    const why = lora > 0 ? `: lora ${lora} trains matrices of the blocks` : '';
    throw new Error(`freeze '${freeze}' leaves nothing to train${why}`);
  }
  for (const name of lora > 0 ? names : []) {
    const shape = shapes.get(name) as readonly number[];
    if (lora < Math.min(...shape)) continue;
    throw new Error(
      `lora ${lora} is no lower rank than ${name} [${shape.join(', ')}] has: at most ${Math.min(...shape) - 1}`,
    );
  }
  return new Set(names);
}

/**
 * How many numbers a run trains of a model of this config; with `lora` above 0 those of the adapters, A
 * [lora, in] and B [out, lora] of each matrix. Throws as `trainedNames`.
 */
export function trainedCount(config: GPTConfig, parts: TrainedParts): number {
  const names = trainedNames(config, parts);
  let count = 0;
  for (const [name, shape] of shapesOf(config)) {
    if (!names.has(name)) continue;
    count += parts.lora > 0 ? parts.lora * (shape[0] + shape[1]) : shape.reduce((n, side) => n * side, 1);
  }
  return count;
}

/** The names that begin with one of the patterns in `freeze`, which spaces or commas separate. */
function frozenNames(names: readonly string[], freeze: string): Set<string> {
  const frozen = new Set<string>();
  for (const pattern of freeze.split(/[\s,]+/).filter((part) => part !== '')) {
    const found = names.filter((name) => beginsWith(name, pattern));
    if (found.length === 0)
      throw new Error(
        `freeze '${pattern}' fits no parameter: did you mean ${nearest(pattern, namesOfParts(names), 1)[0]}?`,
      );
    for (const name of found) frozen.add(name);
  }
  return frozen;
}

/** Every name that stands for parameters: `blocks`, `blocks.0`, `blocks.0.attn`, ... */
function namesOfParts(names: readonly string[]): string[] {
  const parts = names.flatMap((name) => name.split('.').map((_, i, all) => all.slice(0, i + 1).join('.')));
  return [...new Set(['embeddings', ...parts])];
}
