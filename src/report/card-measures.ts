// What a model card says and the run does not know: quality, size and speed of the model and of its copies in
// INT8 and INT4, and what it writes. Read next: card.ts.
import { complete, custom, type Table, text } from '../base/fields.ts';
import * as s from '../base/schema.ts';
import { generateText } from '../generate/generate.ts';
import type { Tokens } from '../model/batch.ts';
import type { ModelFolder } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { type CompareReport, compare, compareFields } from '../quantize/compare.ts';
import { type QuantizeOptions, quantize, quantizedWeights } from '../quantize/quantize.ts';
import type { Dataset } from '../train/data.ts';

/** The model with its parameters in one format. */
export interface CardFormat {
  name: string;
  /** Of the parameters, as in a model file. */
  bytes: number;
  /** Nats per token. */
  loss: number;
  bitsPerByte: number;
  /** Of generation; null when it was not measured. */
  tokensPerSecond: number | null;
}

/** A text that the model wrote. */
export interface CardSample {
  prompt: string;
  /** What follows the prompt. */
  text: string;
  seed: number;
  temperature: number;
  topP: number;
}

export interface CardMeasures {
  /** Tokens of the validation part over which the losses are means. */
  tokens: number;
  /** First the weights as trained, then the copies. */
  formats: readonly CardFormat[];
  samples: readonly CardSample[];
  /** What the speed was measured on, in words. */
  machine: string;
}

/** A copy that a card tells of: its name, and how it is made. */
export type CardCopy = readonly [name: string, options: QuantizeOptions];

export interface MeasureCardOptions {
  /** What the speed is measured on, in words: `AMD Ryzen 5, native (AVX2, 2 threads)`. */
  machine?: string;
  /** Default: INT8, and INT4 by GPTQ where rows are long enough. */
  copies?: readonly CardCopy[];
  /** The beginnings of samples, with the seeds 1, 2, ... Default: three that the model begins. */
  prompts?: readonly string[];
  /** Tokens per timed run; 0: do not measure speed. Default: that of `compare`. */
  speedTokens?: number;
}

/** The options of `measureCard`. */
export const cardFields: Table<MeasureCardOptions, 'machine' | 'prompts' | 'speedTokens'> = {
  machine: text({ about: 'what the speed is measured on, in words', default: 'this machine' }),
  copies: custom({
    about: 'what is measured besides the weights as trained: names, each with options of quantize',
    schema: s.such(
      (value): value is readonly CardCopy[] => Array.isArray(value),
      'a list of names and options',
    ),
  }),
  prompts: custom({
    about: 'the beginnings of samples, the first with seed 1',
    schema: s.array(s.string) as s.Schema<readonly string[]>,
    default: ['', '', ''] as readonly string[],
  }),
  speedTokens: compareFields.speedTokens,
};

const SAMPLING = { temperature: 0.8, topP: 0.95, maxTokens: 120 } as const;

/**
 * Measures a model with float weights, and its copies, on the validation part of `data`, and lets it write
 * three texts. Throws as `quantize` and `compare` do.
 */
export async function measureCard(
  { model, tokenizer }: ModelFolder,
  data: Dataset<Tokens>,
  options: MeasureCardOptions = {},
): Promise<CardMeasures> {
  const { machine, prompts, speedTokens, copies } = complete(cardFields, options, 'measureCard');
  const reports: [string, CompareReport][] = [];
  for (const [name, how] of copies ?? copiesFor(model, data.train)) {
    const small = await quantize(model, how);
    try {
      reports.push([name, await compare(model, small, data, { speedTokens })]);
    } finally {
      small.dispose();
    }
  }
  const samples = await writeSamples({ model, tokenizer }, prompts);
  return { tokens: reports[0][1].validation.tokens, formats: formatsOf(reports), samples, machine };
}

/** Lets the model continue each prompt, with the seeds 1, 2, ... */
export async function writeSamples(
  { model, tokenizer }: ModelFolder,
  prompts: readonly string[],
): Promise<CardSample[]> {
  const { temperature, topP } = SAMPLING;
  const written: CardSample[] = [];
  for (const [i, prompt] of prompts.entries()) {
    const seed = i + 1;
    const text = await generateText(model, tokenizer, { ...SAMPLING, prompt, seed });
    written.push({ prompt, text, seed, temperature, topP });
  }
  return written;
}

/**
 * INT8, and INT4 by GPTQ, calibrated with the training part, in the largest groups up to 64 that fit into a
 * row; a narrow model has no INT4.
 */
export function copiesFor({ config }: GPT, train: Tokens): readonly CardCopy[] {
  const groupSize = [64, 32].find((size) =>
    fits(() => quantizedWeights(config, { bits: 4, groupSize: size })),
  );
  const int8: CardCopy = ['INT8, one scale per output channel', { bits: 8 }];
  if (groupSize === undefined) return [int8];
  const how = { bits: 4, groupSize, method: 'gptq', calibration: train } as const;
  return [int8, [`INT4 in groups of ${groupSize}, GPTQ`, how]];
}

function fits(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function formatsOf(reports: readonly [string, CompareReport][]): CardFormat[] {
  const side = (name: string, report: CompareReport, which: 'before' | 'after'): CardFormat => ({
    name,
    bytes: report.parameters[which],
    ...report.validation[which],
    tokensPerSecond: report.speed?.[which] ?? null,
  });
  return [
    side('float32, as trained', reports[0][1], 'before'),
    ...reports.map(([name, report]) => side(name, report, 'after')),
  ];
}
