// Exports a model or its tokenizer: checks the options, asks the target for its files, writes all of them or
// none. A new target is one file and one row of `targets`. Read next: hf/target.ts.
import { choice, complete, type Table } from '../base/fields.ts';
import type { Store } from '../io/store.ts';
import { type Adapter, adapterField, checkAdapter, checkBase } from '../model/adapter.ts';
import { checkContents, loadConfig, loadTokenizer, type ModelFolder, storeField } from '../model/folder.ts';
import { namedParameters } from '../nn/parameters.ts';
import { gguf } from './gguf/target.ts';
import { peft } from './hf/peft.ts';
import { hf } from './hf/target.ts';
import { onnx } from './onnx/target.ts';
import { type Choices, choiceFields } from './options.ts';
import { safetensors } from './safetensors.ts';
import { sourceOf } from './source.ts';
import type { Exported, Target, TargetFacts } from './target.ts';
import { tokenizer } from './tokenizer/write.ts';

/** What a model can be exported to. */
export type TargetName = 'hf' | 'gguf' | 'onnx' | 'peft' | 'safetensors' | 'tokenizer';

/** Every target by its name. */
export const targets: Readonly<Record<TargetName, Target>> = {
  hf,
  gguf,
  onnx,
  peft,
  safetensors,
  tokenizer,
};

/** What there is to know of each: what it makes of what, and the options that it has. */
export const targetFacts: Readonly<Record<TargetName, TargetFacts>> = targets;

export const targetNames: readonly TargetName[] = Object.keys(targets) as TargetName[];

/** The options of `exportFiles` and `exportModel`. */
export interface ExportOptions extends Choices {
  /** The target. */
  to: TargetName;
  /** `peft`: the adapter. */
  adapter?: Adapter;
}

/** A row for each. */
export const exportFields: Table<ExportOptions> = {
  to: choice(targetNames, { about: 'what to export to', required: true }),
  ...choiceFields,
  adapter: adapterField,
};

/** Throws one line when an option is wrong, or belongs to other targets. Returns the target. */
export function targetOf(options: ExportOptions): Target {
  const { to, adapter, ...choices } = complete(exportFields, options, 'export');
  if (targets[options.to].from === 'adapter' && !adapter)
    throw new Error(`target ${to} is for adapters: give one, which train --lora 8 --keep-adapter saves`);
  if (targets[options.to].from !== 'adapter' && adapter)
    throw new Error(`adapter has no effect with target ${to}: give it to load, which merges it`);
  for (const [name, value] of Object.entries(choices)) {
    const valuesOf = (target: TargetName): readonly string[] =>
      targets[target].takes[name as keyof Choices] ?? [];
    if (value === undefined || valuesOf(options.to).includes(value)) continue;
    const own = valuesOf(options.to);
    if (own.length > 0)
      throw new Error(`${name} ${value} is not one of ${own.join(', ')}, which target ${to} has`);
    const others = targetNames.filter((other) => valuesOf(other).includes(value));
    throw new Error(
      `${name} ${value} has no effect with target ${to}: only ${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} it`,
    );
  }
  return targets[options.to];
}

/**
 * Throws the line with which `exportFiles` refuses the model in a folder, where its config or its tokenizer
 * is the reason. The weights are not read.
 */
export async function checkExport(store: Store, options: ExportOptions): Promise<void> {
  complete({ store: storeField }, { store }, 'export');
  const target = targetOf(options);
  if (target.from === 'tokenizer') target.build(await loadTokenizer(store), options);
  else target.check(await loadConfig(store), options);
}

/**
 * The files of a model for another program, in memory. Where the program cannot have integer weights as they
 * are, they are dequantised, and a note says so. Throws one line, with all the parts of the model that the
 * target cannot express; for a weight that is not finite; for an option of another target.
 */
export async function exportFiles(contents: ModelFolder, options: ExportOptions): Promise<Exported> {
  const target = targetOf(options);
  checkContents(contents, 'export', target.from === 'tokenizer' ? ['tokenizer'] : undefined);
  if (target.from === 'tokenizer') return target.build(contents.tokenizer, options);
  const { config } = contents.model;
  if (target.from === 'adapter') {
    const adapter = options.adapter as Adapter;
    target.check(config);
    checkAdapter(adapter, config);
    await checkBase(namedParameters(contents.model), adapter);
    return target.build(adapter, config);
  }
  target.check(config, options);
  const source = await sourceOf(contents);
  const { files, notes } = await target.build(source, options);
  const { quantised } = source;
  if (!quantised || target.keeps?.(quantised, options)) return { files, notes };
  const remark = `its ${quantised} weights are exported as the numbers that they stand for`;
  return { files, notes: [remark, ...notes] };
}

/** Writes what `exportFiles` makes into a store: all of it or nothing. Resolves to the same. */
export async function exportModel(
  store: Store,
  contents: ModelFolder,
  options: ExportOptions,
): Promise<Exported> {
  complete({ store: storeField }, { store }, 'export');
  const exported = await exportFiles(contents, options);
  await writeExported(store, exported.files);
  return exported;
}

/**
 * Writes files of a folder, and of folders in it (`onnx/model.onnx`): all of them or nothing. Those inside
 * come first: no program takes a folder for a model before it has its `config.json`.
 */
export async function writeExported(store: Store, files: Exported['files']): Promise<void> {
  const inside = new Map<string, Map<string, Uint8Array>>();
  for (const [path, bytes] of files) {
    const [name, folder = ''] = path.split('/').reverse();
    inside.set(folder, (inside.get(folder) ?? new Map()).set(name, bytes));
  }
  const top = inside.get('') ?? new Map();
  inside.delete('');
  for (const [folder, named] of inside) await store.folder(folder).writeAll(named);
  try {
    await store.writeAll(top);
  } catch (error) {
    for (const [folder, named] of inside)
      for (const name of named.keys()) await store.folder(folder).remove(name);
    throw error;
  }
}
