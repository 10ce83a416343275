// Parameters are found by walking fields: `blocks.0.attn.qkv.weight` is model.blocks[0].attn.qkv.weight.
import { QuantizedTensor, type Weight } from '../tensor/quantized.ts';
import { Tensor } from '../tensor/tensor.ts';

/** A parameter, its name, and the object that holds it under `key` (so that it can be replaced). */
export interface Slot {
  name: string;
  value: Weight;
  owner: Record<string, unknown>;
  key: string;
}

/**
 * Every parameter reachable from `module` through fields, arrays and nested objects, in the order of the fields. A tensor
 * that is used twice (tied weights) is reported once, under its first name.
 */
export function slots(module: object): Slot[] {
  const found: Slot[] = [];
  const seen = new Set<unknown>();
  const walk = (owner: Record<string, unknown>, prefix: string): void => {
    for (const [key, value] of Object.entries(owner)) {
      if (typeof value !== 'object' || value === null || seen.has(value)) continue;
      const name = prefix + key;
      if (value instanceof QuantizedTensor || (value instanceof Tensor && value.isParameter)) {
        seen.add(value);
        found.push({ name, value, owner, key });
      } else if (Array.isArray(value) || isModule(value)) {
        seen.add(value);
        walk(value as Record<string, unknown>, `${name}.`);
      }
    }
  };
  walk(module as Record<string, unknown>, '');
  return found;
}

/** The trainable parameters by name. Throws when the model is quantised. */
export function namedParameters(module: object): Map<string, Tensor> {
  const parameters = new Map<string, Tensor>();
  for (const { name, value } of slots(module)) {
    if (value instanceof QuantizedTensor) {
      throw new Error(
        `${name} is quantised to INT8 and cannot be trained: train the float model and quantise it again`,
      );
    }
    parameters.set(name, value);
  }
  return parameters;
}

/** Number of weights, whatever they are stored as; scales do not count. */
export function countParameters(module: object): number {
  return slots(module).reduce((n, { value }) => n + value.shape.reduce((a, b) => a * b, 1), 0);
}

/** An instance of one of our own classes, not an engine, a typed array or a map. */
function isModule(value: object): boolean {
  return 'forward' in value || 'weight' in value;
}
