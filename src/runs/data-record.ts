// The record of a run's text, in its checkpoints and in what is made from its model.

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
import { sha256 } from '../base/sha256.ts';
import { checkSplit, defaultSplit, type Split, splitFields } from '../train/data.ts';

/** Enough to find the text again, from anywhere, and to notice that it has changed. */
export interface DataRecord extends Split {
  /** The values of `--data`, in order: files, folders, glob patterns, names, `-` for standard input. */
  inputs: readonly string[];
  /**
   * The absolute paths of the folder in which they were typed, and of the run (or the copy of its model).
   * Absent in the first versions.
   */
  origin?: { cwd: string; run: string };
  /** Whether files were taken byte by byte, whatever they contained (`asBytes` of `loadCorpus`). */
  asBytes: boolean;
  /** The special token between documents; null: a line feed. */
  separator: string | null;
  name: string;
  bytes: number;
  /** Checksum of the whole text, hexadecimal. */
  sha256: string;
  /** The field of JSON Lines that holds the text. */
  field?: string;
  /** Where `inputs` is a file of tokens: the checksum in its description. */
  tokens?: string;
}

const dataFields: Schema<DataRecord> = object<DataRecord>({
  inputs: array(string),
  asBytes: otherwise(boolean, true), // the first versions did not check bytes
  separator: otherwise(nullable(string), null),
  name: string,
  bytes: integer({ min: 0 }),
  sha256: string,
  field: optional(string),
  tokens: optional(string),
  origin: optional(object<NonNullable<DataRecord['origin']>>({ cwd: string, run: string })),
  trainFraction: otherwise(splitFields.trainFraction.schema, defaultSplit.trainFraction),
  validate: otherwise(splitFields.validate.schema, defaultSplit.validate),
});

/** The first versions had one input, named `spec`. */
export const dataRecord: Schema<DataRecord> = (value) => {
  const { spec, ...fields } = Object(value) as { spec?: unknown };
  return dataFields(spec === undefined ? value : { inputs: [spec], ...fields });
};

/** The part of a document that says which text a model learnt from, if any. Other fields are ignored. */
export const recordsData: Schema<{ data?: DataRecord }> = object<{ data?: DataRecord }>({
  data: optional(dataRecord),
});

/**
 * The record of a text that a program has at hand, for runs in a page. Throws where a page may not compute
 * checksums: it needs https or localhost.
 */
export async function textRecord(
  text: string | Uint8Array,
  { name, ...split }: { name: string } & Partial<Split>,
): Promise<DataRecord> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : new Uint8Array(text);
  const { trainFraction, validate } = checkSplit(split);
  const source = { inputs: [name], asBytes: typeof text !== 'string', separator: null };
  return { ...source, name, bytes: bytes.length, sha256: await sha256(bytes), trainFraction, validate };
}
