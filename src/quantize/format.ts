// How the matrices of a model are stored, in words. Read next: size.ts.
import type { GPT } from '../model/gpt.ts';
import { isQuantizable } from '../model/names.ts';
import { slots } from '../nn/parameters.ts';
import { Int4Tensor, Int8Tensor, type Weight } from '../tensor/quantized.ts';

/**
 * `float32`, `INT8, activations int8`, or `INT4 in groups of 64 by gptq, activations int8`; joined by ` + `
 * if a model has several.
 */
export function formatOf(model: GPT): string {
  const formats = new Set(
    slots(model)
      .filter(({ name }) => isQuantizable(name))
      .map(({ value }) => formatOfWeight(value)),
  );
  return [...formats].join(' + ');
}

function formatOfWeight(weight: Weight): string {
  if (weight instanceof Int8Tensor) return `INT8, activations ${weight.activations}`;
  if (!(weight instanceof Int4Tensor)) return 'float32';
  const { groupSize, method, activations } = weight;
  return `INT4 in groups of ${groupSize} by ${method}, activations ${activations}`;
}
