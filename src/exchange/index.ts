// The entry point `inkhorn/exchange`: models and tokenizers in the formats of other programs, in Node and in
// pages. Read next: export.ts, import.ts.
//
//   const { model, tokenizer } = await load(folderStore('runs/first/best'));
//   await exportModel(folderStore('out'), { model, tokenizer }, { to: 'hf', dtype: 'bfloat16' });
//   await importModel(folderStore('gpt2'), folderStore('mine'));
export {
  checkExport,
  type ExportOptions,
  exportFields,
  exportFiles,
  exportModel,
  type TargetName,
  targetFacts,
  targetNames,
} from './export.ts';
export {
  type Imported,
  type ImportedTokenizer,
  type ImportOptions,
  importFields,
  importFiles,
  importModel,
  importTokenizer,
} from './import.ts';
export type { Choices, DType, GgufType, OnnxType, TokenizerFormat } from './options.ts';
export type { Exported, TargetFacts } from './target.ts';
export { tiktokenPattern } from './tokenizer/write.ts';
