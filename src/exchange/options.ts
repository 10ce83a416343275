// The options that only some targets have. Read next: target.ts.
import { choice, type Table } from '../base/fields.ts';

/** The type of the numbers in a file, by PyTorch's names. */
export type DType = 'float32' | 'bfloat16';

/** How GGUF stores matrices: floats, or blocks of 32 integers with a scale. */
export type GgufType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0';

/** How ONNX stores matrices: floats, or integers with scales. */
export type OnnxType = 'float32' | 'int8' | 'int4';

/** The format of a tokenizer's file. */
export type TokenizerFormat = 'json' | 'tiktoken' | 'minbpe';

/** The options that only some targets have. */
export interface Choices {
  /** `hf` and `safetensors`: the type of the numbers. Default `float32`. */
  dtype?: DType;
  /**
   * `gguf` and `onnx`: the type of the matrices. Default `F32` for `gguf`, and for `onnx` the type that the
   * model has.
   */
  type?: GgufType | OnnxType;
  /**
   * `tokenizer`: Hugging Face's tokenizer.json, a .tiktoken file of ranks, or a .model file of minbpe.
   * Default `json`.
   */
  format?: TokenizerFormat;
}

export const dtypes: readonly DType[] = ['float32', 'bfloat16'];
export const ggufTypeNames: readonly GgufType[] = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'];
export const onnxTypes: readonly OnnxType[] = ['float32', 'int8', 'int4'];
export const tokenizerFormats: readonly TokenizerFormat[] = ['json', 'tiktoken', 'minbpe'];

/** A row for each of them. */
export const choiceFields: Table<Choices> = {
  dtype: choice(dtypes, { about: 'hf, safetensors: the type of the numbers' }),
  type: choice([...ggufTypeNames, ...onnxTypes], {
    about: 'gguf, onnx: the type of the matrices; those of gguf are in capitals',
  }),
  format: choice(tokenizerFormats, { about: 'tokenizer: the format of the file' }),
};
