// Exports a model or its tokenizer: checks the options, asks the target for its files, writes all of them or
// none. A new target is one file and one row of `targets`. Read next: hf.ts.
import { choice, complete, type Table } from '../base/fields.ts';
import type { Store } from '../io/store.ts';
import type { ModelFolder } from '../model/folder.ts';
import { gguf } from './gguf.ts';
import { hf } from './hf.ts';
import { type Choices, choiceFields } from './options.ts';
import { safetensors } from './safetensors.ts';
import { sourceOf } from './source.ts';
import type { Exported, Target } from './target.ts';
import { tokenizer } from './tokenizer.ts';

/** What a model can be exported to. */
export type TargetName = 'hf' | 'gguf' | 'safetensors' | 'tokenizer';

/** Every target by its name. */
export const targets: Readonly<Record<TargetName, Target>> = { hf, gguf, safetensors, tokenizer };

export const targetNames: readonly TargetName[] = Object.keys(targets) as TargetName[];

/** The options of `exportFiles` and `exportModel`. */
export interface ExportOptions extends Choices {
  /** The target. */
  to: TargetName;
}

/** A row for each. */
export const exportFields: Table<ExportOptions> = {
  to: choice(targetNames, { about: 'what to export to', required: true }),
  ...choiceFields,
};

/** Throws one line when an option is wrong, or belongs to other targets. Returns the target. */
export function targetOf(options: ExportOptions): Target {
  const { to, ...choices } = complete(exportFields, options, 'export');
  const target = targets[options.to];
  for (const [name, value] of Object.entries(choices)) {
    if (value === undefined || target.takes.includes(name as keyof Choices)) continue;
    const others = targetNames.filter((other) => targets[other].takes.includes(name as keyof Choices));
    throw new Error(`${name} ${value} has no effect with target ${to}: only ${others.join(', ')} have it`);
  }
  return target;
}

/**
 * The files of a model for another program, in memory. Integer weights are dequantised first, and a note says
 * so. Throws one line, with all the parts of the model that the target cannot express; for a weight that is
 * not finite; for an option of another target.
 */
export async function exportFiles(contents: ModelFolder, options: ExportOptions): Promise<Exported> {
  const target = targetOf(options);
  if (target.from === 'tokenizer') return target.build(contents.tokenizer, options);
  target.check(contents.model.config, options);
  const source = await sourceOf(contents);
  const { files, notes } = target.build(source, options);
  const { quantised } = source;
  const remark = `its ${quantised} weights are exported as the numbers that they stand for`;
  return { files, notes: quantised ? [remark, ...notes] : notes };
}

/** Writes what `exportFiles` makes into a store: all of it or nothing. Resolves to the same. */
export async function exportModel(
  store: Store,
  contents: ModelFolder,
  options: ExportOptions,
): Promise<Exported> {
  const exported = await exportFiles(contents, options);
  await store.writeAll(exported.files);
  return exported;
}
