// Finds parameters by walking fields: `blocks.0.attn.qkv.weight` is model.blocks[0].attn.qkv.weight.
import { Int8Tensor, isQuantized, type Weight } from '../tensor/quantized.ts';
import { sizeOf, Tensor } from '../tensor/tensor.ts';

/** A parameter and its place in a model. */
export interface Slot {
  readonly name: string;
  readonly value: Weight;
  /** The layers that have it as a field: one, or those that share it. */
  readonly owners: readonly object[];
  /** Puts another weight in its place, in all layers that share it. The old one is not disposed. */
  replace(value: Weight): void;
}

/**
 * Every parameter reachable from `module` through fields, arrays and nested layers, in the order of the
 * fields. A parameter that is used twice (tied weights) is reported once, under its first name.
 */
export function slots(module: object): Slot[] {
  const found = new Map<
    Weight,
    { name: string; places: { owner: Record<string, unknown>; key: string }[] }
  >();
  const walk = (owner: Record<string, unknown>, prefix: string): void => {
    for (const [key, value] of Object.entries(owner)) {
      const name = prefix + key;
      if (isWeight(value)) {
        const entry = found.get(value) ?? { name, places: [] };
        entry.places.push({ owner, key });
        found.set(value, entry);
      } else if (isModule(value)) {
        walk(value, `${name}.`);
      }
    }
  };
  walk(module as Record<string, unknown>, '');
  return [...found].map(([value, { name, places }]) => ({
    name,
    value,
    owners: places.map(({ owner }) => owner),
    replace(other): void {
      for (const { owner, key } of places) owner[key] = other;
    },
  }));
}

/** How integer weights are stored. */
export type IntegerFormat = 'INT8' | 'INT4';

/** The format of a weight's integers; null: it has floats. */
export function integerFormat(weight: Weight): IntegerFormat | null {
  if (!isQuantized(weight)) return null;
  return weight instanceof Int8Tensor ? 'INT8' : 'INT4';
}

/** The format of the quantised weights of a module; null: all have floats. */
export function quantisedAs(module: object): IntegerFormat | null {
  return slots(module).reduce<IntegerFormat | null>(
    (found, { value }) => found ?? integerFormat(value),
    null,
  );
}

/** The trainable parameters by name. Throws when the model is quantised. */
export function namedParameters(module: object): Map<string, Tensor> {
  const parameters = new Map<string, Tensor>();
  for (const { name, value } of slots(module)) {
    if (isQuantized(value)) {
      throw new Error(`${name} is ${integerFormat(value)}: only a float model can be trained or quantised`);
    }
    parameters.set(name, value);
  }
  return parameters;
}

/** Number of weights, however they are stored. Scales do not count. */
export function countParameters(module: object): number {
  return slots(module).reduce((n, { value }) => n + sizeOf(value.shape), 0);
}

function isWeight(value: unknown): value is Weight {
  return isQuantized(value) || (value instanceof Tensor && value.isParameter);
}

/** Whether it is a layer or a list of layers, and not an engine, a config or a typed array. */
function isModule(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || 'forward' in value || 'weight' in value;
}
