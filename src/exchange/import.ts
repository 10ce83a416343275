// Imports a model or a tokenizer from the files of another program: recognises what they are, checks all of
// it, and makes the files of a folder of ours. Read next: recognise.ts, fill.ts.
import { callback, complete, type Field, having, oneText, type Table, text } from '../base/fields.ts';
import type { Content, Store } from '../io/store.ts';
import type { GPTConfig } from '../model/config.ts';
import { MODEL_FILE, storeField, tokenizerFiles } from '../model/folder.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Filling, fillFolder } from './fill.ts';
import { recognise, tokenizerIn } from './recognise.ts';

/** The options of `importFiles` and `importModel`. */
export interface ImportOptions {
  /** One file of the folder. Default: the whole folder. */
  file?: string;
  /** The tokenizer of the model. Default: the one beside it. */
  tokenizer?: Tokenizer;
  /** Called with the bytes that were read so far, and those of the whole model. */
  onProgress?: (done: number, total: number) => void;
}

/** A row for each. */
export const importFields: Table<ImportOptions> = {
  file: { ...text({ about: 'one file of the folder' }), schema: oneText },
  tokenizer: having('decode', 'a Tokenizer', {
    about: 'the tokenizer, where there is none beside the model',
  }),
  onProgress: callback({ about: 'called with the bytes that were read so far, and all' }),
};

const sourceField: Field<Store> = { ...storeField, about: 'the place of the files to be imported' };
const targetField: Field<Store> = { ...storeField, about: 'the place that is written to' };

/** A tokenizer that was imported. */
export interface ImportedTokenizer {
  /** What it was there: `minbpe`. */
  from: string;
  tokenizer: Tokenizer;
}

/** What was imported. */
export interface Imported extends ImportedTokenizer {
  /** Null: a tokenizer without a model. */
  config: GPTConfig | null;
  /** The files of a model folder, or of its tokenizer alone. */
  files: Map<string, Uint8Array>;
  /** Remarks for people, a line each. */
  notes: string[];
}

/**
 * Reads the folder `source` of another program, or one of its files, in parts of a few megabytes. Throws one
 * line that names the file, what was found and what is supported: for a file that is damaged, of an unknown
 * kind or of a model that ours cannot be; for a tensor that is missing, surplus, of another shape or not
 * finite; where a model has no tokenizer.
 */
export async function importFiles(source: Store, options: ImportOptions = {}): Promise<Imported> {
  return importing(source, options, async ({ fill }) => {
    for await (const part of fill()) void part; // they are parts of the file that is returned
  });
}

/**
 * Writes what `importFiles` makes into a store: all of it or nothing. Resolves to the same. Weights are
 * written while the next ones are read.
 */
export async function importModel(
  source: Store,
  target: Store,
  options: ImportOptions = {},
): Promise<Imported> {
  complete({ source: sourceField, target: targetField }, { source, target }, 'import');
  return importing(source, options, async ({ files, fill }) => {
    let failure: unknown = null;
    async function* parts(): AsyncGenerator<Uint8Array, void> {
      try {
        yield* fill();
      } catch (error) {
        failure = error;
        throw error;
      }
    }
    const all = new Map<string, Content>(files);
    const { length } = files.get(MODEL_FILE) ?? new Uint8Array(0);
    if (length > 0) all.set(MODEL_FILE, { length, parts });
    await target.writeAll(all).catch((error: unknown) => {
      throw failure ?? error; // what is wrong with the source, not with the place that is written to
    });
  });
}

/** Recognises what is in `source`. `use` gets the files, and fills those of a model. */
async function importing(
  source: Store,
  options: ImportOptions,
  use: (filling: Pick<Filling, 'files' | 'fill'>) => Promise<void>,
): Promise<Imported> {
  complete({ source: sourceField }, { source }, 'import');
  const { file, tokenizer: given, onProgress } = complete(importFields, options, 'import');
  const found = await recognise(source, file);
  if (!('tensors' in found)) {
    if (given) throw new Error(`${found.place} holds a tokenizer and no model: no other tokenizer is needed`);
    const { from, tokenizer } = found;
    const files = new Map(tokenizerFiles(tokenizer));
    await use({ files, async *fill() {} });
    return { from, tokenizer, config: null, files, notes: [] };
  }
  try {
    const tokenizer = given ?? (await found.tokenizer());
    if (!tokenizer)
      throw new Error(
        `${found.place} has no tokenizer beside it, and a model needs the one that it was trained with: name its file or folder (--tokenizer)`,
      );
    const { config, files, notes, fill } = await fillFolder(found, tokenizer, onProgress);
    await use({ files, fill });
    return { from: found.name, tokenizer, config, files, notes };
  } finally {
    await found.close();
  }
}

/**
 * The tokenizer in a folder of another program, or of a model folder of ours; or in one file of it. Throws as
 * `importFiles` does.
 */
export async function importTokenizer(
  source: Store,
  options: Pick<ImportOptions, 'file'> = {},
): Promise<ImportedTokenizer> {
  complete({ source: sourceField }, { source }, 'import');
  const { file } = complete({ file: importFields.file }, options, 'import');
  const beside = file === undefined ? await tokenizerIn(source) : null;
  if (beside) return beside;
  const found = await recognise(source, file);
  if (!('tensors' in found)) return found;
  try {
    const tokenizer = await found.tokenizer();
    if (tokenizer) return { from: found.name, tokenizer };
    throw new Error(`${found.place} has no tokenizer beside it`);
  } finally {
    await found.close();
  }
}
