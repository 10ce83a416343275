// The options that only some targets have. Read next: target.ts.
import { choice, type Table } from '../base/fields.ts';

/** The type of the numbers in a file, by PyTorch's names. */
export type DType = 'float32' | 'bfloat16';

/** How GGUF stores matrices: floats, or blocks of 32 integers with a scale. */
export type GgufType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0';

/** The format of a tokenizer's file. */
export type TokenizerFormat = 'json' | 'tiktoken' | 'minbpe';

/** The options that only some targets have. */
export interface Choices {
  /** `hf` and `safetensors`: the type of the numbers. Default `float32`. */
  dtype?: DType;
  /** `gguf`: the type of the matrices. Default `F32`. */
  type?: GgufType;
  /**
   * `tokenizer`: Hugging Face's tokenizer.json, a .tiktoken file of ranks, or a .model file of minbpe.
   * Default `json`.
   */
  format?: TokenizerFormat;
}

/** A row for each of them. */
export const choiceFields: Table<Choices> = {
  dtype: choice(['float32', 'bfloat16'], { about: 'hf, safetensors: the type of the numbers' }),
  type: choice(['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'], { about: 'gguf: the type of the matrices' }),
  format: choice(['json', 'tiktoken', 'minbpe'], { about: 'tokenizer: the format of the file' }),
};
