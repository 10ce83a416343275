// Two models side by side, usually one before and after quantisation: size, loss, agreement, noise, speed.
// Each part has its own file: size.ts, agreement.ts, noise.ts, speed.ts.

import { callback, complete, integer, type Table } from '../base/fields.ts';
import type { Tokens } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import type { Dataset } from '../train/data.ts';
import { type AgreementOptions, agreementFields, measureAgreement } from './agreement.ts';
import { formatOf } from './format.ts';
import { type NoiseRatio, outputNoise, weightNoise } from './noise.ts';
import { type Bytes, type ParameterKind, parameterBytes, parameterKinds, totalBytes } from './size.ts';
import { measureSpeed, type Speed } from './speed.ts';

/** The result of `compare`: plain data, ready for JSON. */
export interface CompareReport {
  /** How the matrices are stored: `float32`, `INT4 in groups of 64 by gptq, activations int8`. */
  formats: { before: string; after: string };
  /** Bytes of the parameters, as in a model file. */
  parameters: {
    kinds: { kind: ParameterKind; before: Bytes; after: Bytes }[];
    before: number;
    after: number;
    /** before / after: 3 means three times smaller. */
    ratio: number;
  };
  /** Over the validation part, in windows of `blockSize` tokens. */
  validation: {
    tokens: number;
    blockSize: number;
    before: Loss;
    after: Loss;
    /** Mean KL(before || after), nats per token. */
    kl: number;
    /** Share of positions, 0 to 1, at which both models have the same most likely token. */
    top1: number;
  };
  /** SQNR of each quantised weight: of the weight itself, not of the layer's output. */
  weights: NoiseRatio[];
  /**
   * SQNR of the residual stream after each block and of the logits, over the first window of the validation
   * part.
   */
  outputs: NoiseRatio[];
  /** Tokens per second; null when speed was not measured. */
  speed: Speed | null;
}

export interface Loss {
  /** Nats per token. */
  loss: number;
  bitsPerByte: number;
}

/** What `compare` reads of a dataset. */
export type CompareData = Pick<Dataset<Tokens>, 'val' | 'valBytesPerToken' | 'vocabSize'>;

export interface CompareOptions extends Omit<AgreementOptions, 'onProgress'> {
  /**
   * Called now and then, with the tokens compared so far and in all; then with the timed runs of the models.
   */
  onProgress?: (done: number, total: number, unit: 'tokens' | 'timed runs') => void;
  /** Tokens per timed run; 0: do not measure speed. Default 128. */
  speedTokens?: number;
}

/** The options of `compare`. */
export const compareFields: Table<CompareOptions, 'maxTokens' | 'speedTokens'> = {
  maxTokens: agreementFields.maxTokens,
  speedTokens: integer({
    about: 'tokens per timed run, 0: do not measure the speed',
    min: 0,
    default: 128,
  }),
  signal: agreementFields.signal,
  onProgress: callback({ about: 'called now and then with what is done, how much there is, and of what' }),
};

/**
 * Compares `after` with `before` on the validation part of `data`. They may be any two models with the same
 * tokenizer. Throws when their vocabularies differ, or when the data was encoded with another tokenizer.
 *
 * @example
 * const small = await quantize(model, { exclude: ['head'] });
 * const { parameters, validation } = await compare(model, small, data);
 * console.log(parameters.ratio, validation.after.loss - validation.before.loss);
 */
export async function compare(
  before: GPT,
  after: GPT,
  data: CompareData,
  options: CompareOptions = {},
): Promise<CompareReport> {
  const { speedTokens, maxTokens, signal, onProgress } = complete(compareFields, options, 'compare');
  if (data.vocabSize !== before.config.vocabSize) {
    throw new Error(
      `the data has ${data.vocabSize} tokens, the model ${before.config.vocabSize}: encode it with the model's tokenizer`,
    );
  }
  const blockSize = Math.min(before.config.blockSize, after.config.blockSize);
  const { tokens, lossBefore, lossAfter, kl, top1 } = await measureAgreement(before, after, data.val, {
    maxTokens,
    signal,
    onProgress: (done, total) => onProgress?.(done, total, 'tokens'),
  });
  const onRun = (done: number, total: number): void => onProgress?.(done, total, 'timed runs');
  const asLoss = (loss: number): Loss => ({ loss, bitsPerByte: loss / Math.LN2 / data.valBytesPerToken });
  return {
    formats: { before: formatOf(before), after: formatOf(after) },
    parameters: compareBytes(before, after),
    validation: { tokens, blockSize, before: asLoss(lossBefore), after: asLoss(lossAfter), kl, top1 },
    weights: await weightNoise(before, after),
    outputs: await outputNoise(before, after, data.val.subarray(0, blockSize)),
    speed:
      speedTokens > 0 ? await measureSpeed(before, after, speedTokens, { signal, onProgress: onRun }) : null,
  };
}

function compareBytes(before: GPT, after: GPT): CompareReport['parameters'] {
  const a = parameterBytes(before);
  const b = parameterBytes(after);
  return {
    kinds: parameterKinds.map((kind) => ({ kind, before: a[kind], after: b[kind] })),
    before: totalBytes(a),
    after: totalBytes(b),
    ratio: totalBytes(a) / totalBytes(b),
  };
}
