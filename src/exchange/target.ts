// What an exporter is: a row of the table in export.ts.
import type { Adapter } from '../model/adapter.ts';
import type { GPTConfig } from '../model/config.ts';
import type { IntegerFormat } from '../nn/parameters.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Choices } from './options.ts';
import type { Source } from './source.ts';

/** Files in memory, by name, and what whoever uses them should know, a line each. */
export interface Exported {
  files: Map<string, Uint8Array>;
  notes: string[];
}

/** What there is to know of a target. */
export interface TargetFacts {
  /** What it makes, for the help. */
  about: string;
  /** What it is made of. */
  from: 'model' | 'tokenizer' | 'adapter';
  /** One file, or a folder with several. */
  makes: 'file' | 'folder';
  /** The options that it has, with the values of each. */
  takes: { readonly [K in keyof Choices]?: readonly NonNullable<Choices[K]>[] };
}

/** An exporter of models. */
export interface ModelTarget extends TargetFacts {
  from: 'model';
  /** Throws one line with all the parts of the model that it cannot express. Needs no weights. */
  check(config: GPTConfig, choices: Choices): void;
  build(source: Source, choices: Choices): Exported | Promise<Exported>;
  /** Whether integer weights stay as they are. Absent: never, they are exported as floats. */
  keeps?(format: IntegerFormat, choices: Choices): boolean;
}

/** An exporter of tokenizers. */
export interface TokenizerTarget extends TargetFacts {
  from: 'tokenizer';
  build(tokenizer: Tokenizer, choices: Choices): Exported;
}

/** An exporter of adapters, without the model that they belong to. */
export interface AdapterTarget extends TargetFacts {
  from: 'adapter';
  /** Throws one line with all the parts of the model that it cannot express. */
  check(config: GPTConfig): void;
  build(adapter: Adapter, config: GPTConfig): Exported;
}

export type Target = ModelTarget | TokenizerTarget | AdapterTarget;
