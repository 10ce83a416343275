// The library's functions about models, which a worker runs by their names. From the type and the row of
// each follow the worker's function with its checks (client.ts), and how the library's own is run (serve.ts).
// One without the other does not compile.
import {
  complete,
  custom,
  type Field,
  type Fields,
  int32s,
  integer,
  type Table,
  texts,
} from '../base/fields.ts';
import { integer as id, array as list, type Schema, such } from '../base/schema.ts';
import {
  type attentionMaps,
  editedFields,
  inductionFields,
  type inductionScores,
} from '../inspect/attention.ts';
import { type capture, captureFields } from '../inspect/capture.ts';
import { editsField } from '../inspect/edit.ts';
import { type ablate, type editEffect, effectFields } from '../inspect/effect.ts';
import type { neighbours, positionSimilarity } from '../inspect/embedding.ts';
import { lensFields, type logitLens } from '../inspect/lens.ts';
import type { measureTaps } from '../inspect/measure.ts';
import { predictionFields, type predictText } from '../inspect/predictions.ts';
import type { Batch, Tokens } from '../model/batch.ts';
import type { ModelFolder } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { type CompareData, type compare, compareFields } from '../quantize/compare.ts';
import { type compareLayers, quantizedAsFields } from '../quantize/layer-errors.ts';
import { type QuantizeDefaults, quantizeFields } from '../quantize/quantize.ts';
import type { lookInside } from '../runs/look.ts';
import type { Dataset } from '../train/data.ts';
import { type evaluate, evaluateFields } from '../train/evaluate.ts';
import type { trainingBytes } from '../train/memory.ts';
import {
  configField,
  isObject,
  modelField,
  type WorkerModel,
  type WorkerQuantizeOptions,
} from './options.ts';

/**
 * The functions of the library about models, for models of a worker: with the same arguments, options,
 * results and errors.
 */
export interface ModelFunctions {
  predictText: InWorker<typeof predictText>;
  attentionMaps: InWorker<typeof attentionMaps>;
  inductionScores: InWorker<typeof inductionScores>;
  logitLens: InWorker<typeof logitLens>;
  neighbours: InWorker<typeof neighbours>;
  positionSimilarity: InWorker<typeof positionSimilarity>;
  editEffect: InWorker<typeof editEffect>;
  ablate: InWorker<typeof ablate>;
  lookInside: InWorker<typeof lookInside>;
  capture: InWorker<typeof capture>;
  measureTaps: InWorker<typeof measureTaps>;
  evaluate: InWorker<typeof evaluate>;
  /** The copy is one more model of the worker. */
  quantize(model: WorkerModel, options?: WorkerQuantizeOptions): Promise<WorkerModel>;
  compare: InWorker<typeof compare>;
  compareLayers: InWorker<typeof compareLayers>;
  trainingBytes: InWorker<typeof trainingBytes>;
}

/** A function of the library for models of a worker. */
export type InWorker<F> = F extends (...args: infer A) => infer R
  ? (...args: { [I in keyof A]: SentArgument<A[I]> }) => R
  : never;

/** What is sent for an argument. Tokens in a file stay where they are. */
export type SentArgument<T> = T extends GPT | ModelFolder
  ? WorkerModel
  : T extends Tokens
    ? Int32Array
    : T extends CompareData
      ? Pick<Dataset, keyof CompareData>
      : T;

type WorkerData = SentArgument<CompareData>;

export type FunctionName = keyof ModelFunctions;

interface Row {
  /** What stands for a model in the library's function: a GPT, or one with its tokenizer. */
  takes?: 'model' | 'folder';
  /** The arguments before the options, in their order. Their schemas return what is sent. */
  args: Fields;
  /** Null: it has none. */
  options: Fields | null;
}

// ---- arguments -------------------------------------------------------------------------------------------

const isIds = such((value): value is Int32Array => value instanceof Int32Array, 'an Int32Array');

/** Of a part of an array, sending would copy the whole: a text of a hundred million tokens for a prompt. */
const onlyIds: Schema<Int32Array> = (value) => {
  const ids = isIds(value);
  return ids.byteLength === ids.buffer.byteLength ? ids : ids.slice();
};

const ids: Field<Int32Array> = custom({
  about: 'token ids',
  schema: onlyIds,
  hint: 'tokenizer.encode makes one',
  required: true,
});

const isBatch = such(
  (value): value is Batch => isObject(value) && 'ids' in value && 'targets' in value,
  'a batch: { ids, targets, B, T }',
);

const batch: Field<Batch> = custom({
  about: 'windows of a text, { ids, targets, B, T }',
  schema(value) {
    const { ids, targets, B, T } = isBatch(value);
    return { ids: onlyIds(ids), targets: onlyIds(targets), B, T };
  },
  required: true,
});

const isData = such(
  (value): value is WorkerData => isObject(value) && 'val' in value && value.val instanceof Int32Array,
  'a dataset',
);

const data: Field<WorkerData> = custom({
  about: 'a dataset, of which the validation part is read',
  schema(value) {
    const { val, valBytesPerToken, vocabSize } = isData(value);
    return { val: onlyIds(val), valBytesPerToken, vocabSize };
  },
  hint: 'dataset() makes one',
  required: true,
});

const settingsField = custom({
  about: 'every setting of the training',
  schema: such(isObject, 'an object'),
  hint: 'makeSettings makes one',
  required: true,
});

const { filter: _, ...quantizeTable } = quantizeFields;
const plainQuantizeFields: Table<WorkerQuantizeOptions, QuantizeDefaults> = {
  ...quantizeTable,
  calibration: int32s({ about: quantizeFields.calibration.about }),
};

// ---- rows ------------------------------------------------------------------------------------------------

const model = modelField;

const rows: Readonly<Record<FunctionName, Row>> = {
  predictText: { takes: 'folder', args: { model, ids }, options: predictionFields },
  attentionMaps: { takes: 'model', args: { model, ids }, options: editedFields },
  inductionScores: { takes: 'model', args: { model }, options: inductionFields },
  logitLens: { takes: 'folder', args: { model, ids }, options: lensFields },
  neighbours: {
    takes: 'folder',
    args: {
      model,
      ids: custom({ about: 'a list of token ids', schema: list(id({ min: 0 })), required: true }),
      count: integer({ about: 'neighbours of each', min: 0 }),
    },
    options: null,
  },
  positionSimilarity: { takes: 'model', args: { model }, options: null },
  editEffect: {
    takes: 'folder',
    args: { model, ids, edits: { ...editsField, required: true } },
    options: effectFields,
  },
  ablate: { takes: 'folder', args: { model, ids }, options: null },
  lookInside: {
    takes: 'folder',
    args: {
      model,
      ids,
      step: integer({ about: 'the step at which the model was saved', min: 0, required: true }),
    },
    options: null,
  },
  capture: { takes: 'model', args: { model, ids }, options: captureFields },
  measureTaps: {
    takes: 'model',
    args: { model, batch, patterns: texts({ about: 'names of the values to measure, as glob patterns' }) },
    options: null,
  },
  evaluate: { takes: 'model', args: { model, ids }, options: evaluateFields },
  quantize: { takes: 'model', args: { model }, options: plainQuantizeFields },
  compare: { takes: 'model', args: { before: model, after: model, data }, options: compareFields },
  compareLayers: {
    takes: 'model',
    args: { before: model, after: model, ids },
    options: quantizedAsFields,
  },
  trainingBytes: { args: { config: configField, settings: settingsField }, options: null },
};

export const functionNames: readonly FunctionName[] = Object.keys(rows) as FunctionName[];

export function rowOf(name: FunctionName): Row {
  return rows[name];
}

export function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(rows, name);
}

// ---- calls -----------------------------------------------------------------------------------------------

/** The arguments of a call, as they are sent. */
export interface PlainCall {
  models: WorkerModel[];
  /** The arguments after the models, without options. */
  args: unknown[];
  /** With what stays in the page: a signal, listeners. */
  options: Record<string, unknown>;
}

/** Checks the arguments `given` to a function. Throws one line, in the words of the library. */
export function plainCall(name: FunctionName, given: readonly unknown[]): PlainCall {
  const { args: fields, options: table } = rowOf(name);
  const names = Object.keys(fields);
  const named = Object.fromEntries(names.map((arg, i) => [arg, given[i]]));
  complete(fields, named, name);
  const options = given[names.length] as Record<string, unknown> | undefined;
  if (table) complete(table, options, name);
  const others = names.filter((arg) => fields[arg] !== modelField);
  return {
    models: names.filter((arg) => fields[arg] === modelField).map((arg) => named[arg] as WorkerModel),
    args: others.map((arg) => named[arg] && fields[arg].schema(named[arg])),
    options: options ?? {},
  };
}
