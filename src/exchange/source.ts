// What every exporter starts from: the weights of a model as float32, by our names, and its tokenizer. Read
// next: mapping.ts.
import { firstNotFinite } from '../io/floats.ts';
import type { GPTConfig } from '../model/config.ts';
import type { ModelFolder } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { type IntegerFormat, quantisedAs, slots } from '../nn/parameters.ts';
import { weightValues } from '../tensor/quantized.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** A model to export. */
export interface Source {
  model: GPT;
  config: GPTConfig;
  tokenizer: Tokenizer;
  /** Every parameter by its name, as `shapesOf(config)` lists them; integer weights are dequantised. */
  weights: ReadonlyMap<string, Float32Array>;
  /** The format of the integer weights; null: all were floats. */
  quantised: IntegerFormat | null;
}

/**
 * Reads the weights of a model. Throws when one is not finite, and when model and tokenizer are of different
 * sizes.
 */
export async function sourceOf({ model, tokenizer }: ModelFolder): Promise<Source> {
  const { config } = model;
  if (tokenizer.vocabSize !== config.vocabSize)
    throw new Error(
      `the tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}: give the tokenizer that it was trained with`,
    );
  const weights = new Map<string, Float32Array>();
  for (const { name, value } of slots(model)) {
    weights.set(name, finite(name, await weightValues(value)));
  }
  return { model, config, tokenizer, weights, quantised: quantisedAs(model) };
}

function finite(name: string, values: Float32Array): Float32Array {
  const bad = firstNotFinite(values);
  if (bad < 0) return values;
  throw new Error(
    `${name} holds ${values[bad]} at element ${bad}: every weight must be finite; export an earlier checkpoint`,
  );
}
