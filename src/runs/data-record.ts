// Which text a run learns from: what is noted of it, in its checkpoints and in what is made of its model.
import {
  array,
  boolean,
  integer,
  nullable,
  object,
  optional,
  otherwise,
  type Schema,
  string,
} from '../base/schema.ts';
import { defaultSplit, type Split, splitFields } from '../train/data.ts';

/** Enough to find the text again, from anywhere, and to notice when it has changed. */
export interface DataRecord extends Split {
  /** What `--data` was, in order: files, folders, patterns, names, `-` for standard input. */
  inputs: readonly string[];
  /**
   * Where that was typed, and where the run (or the copy of its model) lies, absolute; left out by the first
   * versions.
   */
  origin?: { cwd: string; run: string };
  /** Whether files were taken byte by byte, whatever they were (`asBytes` of `loadCorpus`). */
  asBytes: boolean;
  /** The special token between documents; null: a line feed. */
  separator: string | null;
  name: string;
  bytes: number;
  /** Of the whole text, hexadecimal. */
  sha256: string;
}

const dataFields: Schema<DataRecord> = object<DataRecord>({
  inputs: array(string),
  asBytes: otherwise(boolean, true), // the first versions looked at no byte
  separator: otherwise(nullable(string), null),
  name: string,
  bytes: integer({ min: 0 }),
  sha256: string,
  origin: optional(object<NonNullable<DataRecord['origin']>>({ cwd: string, run: string })),
  trainFraction: otherwise(splitFields.trainFraction.schema, defaultSplit.trainFraction),
  validate: otherwise(splitFields.validate.schema, defaultSplit.validate),
});

/** The first versions knew one input, and called it `spec`. */
export const dataRecord: Schema<DataRecord> = (value) => {
  const { spec, ...fields } = Object(value) as { spec?: unknown };
  return dataFields(spec === undefined ? value : { inputs: [spec], ...fields });
};

/** A document that says which text a model learnt from, if it does; the rest of it is for others. */
export const recordsData: Schema<{ data?: DataRecord }> = object<{ data?: DataRecord }>({
  data: optional(dataRecord),
});
