// Folders that transformers.js loads, in Node and in pages, and ONNX Runtime everywhere: a decoder with a KV
// cache, of any model. Read next: decoder.ts.
import { jsonBytes } from '../../base/json.ts';
import type { GPTConfig } from '../../model/config.ts';
import { CONFIG_FILE, tokenizerFiles } from '../../model/folder.ts';
import type { IntegerFormat } from '../../nn/parameters.ts';
import { arcee, hfConfig } from '../hf/target.ts';
import { type Choices, type OnnxType, onnxTypes } from '../options.ts';
import type { Source } from '../source.ts';
import type { ModelTarget } from '../target.ts';
import { decoderFile } from './decoder.ts';
import { groupSizeFor, type IntegerMatrix, integersOf, quantisedIntegers } from './integers.ts';

/** What transformers.js calls a type, and where it looks for the file. */
const stores: Readonly<Record<OnnxType, { dtype: string; file: string }>> = {
  float32: { dtype: 'fp32', file: 'onnx/model.onnx' },
  int8: { dtype: 'q8', file: 'onnx/model_quantized.onnx' },
  int4: { dtype: 'q4', file: 'onnx/model_q4.onnx' },
};

/** The type that a model has already. */
const typeOf: Readonly<Record<IntegerFormat, OnnxType>> = { INT8: 'int8', INT4: 'int4' };

/** `--to onnx` */
export const onnx: ModelTarget = {
  about: 'a folder for transformers.js and ONNX Runtime, of any model',
  makes: 'folder',
  from: 'model',
  takes: { type: onnxTypes },
  check(config, { type }) {
    if (type === 'int4') groupSizeFor(config);
  },
  keeps: (_, { type }) => type !== 'float32',
  async build(source, choices) {
    const { config, tokenizer, weights, quantised } = source;
    const type = typeIn(choices, quantised);
    const integers = await integersFor(source, type);
    const { dtype, file } = stores[type];
    return {
      files: new Map([
        [file, decoderFile(config, { floats: weights, integers })],
        [CONFIG_FILE, jsonBytes(configOf(source, dtype), 2)],
        ['generation_config.json', jsonBytes(generationConfig(source), 2)],
        ...tokenizerFiles(tokenizer),
      ]),
      notes: notesOn(config, type, quantised),
    };
  },
};

/** The type that is asked for, or the one that the model has. Throws when its integers are of another one. */
function typeIn({ type }: Choices, quantised: IntegerFormat | null): OnnxType {
  const own = quantised === null ? 'float32' : typeOf[quantised];
  if (type === undefined || type === own || type === 'float32' || own === 'float32')
    return (type ?? own) as OnnxType;
  throw new Error(
    `the weights are ${quantised}: export them as they are (type ${own}), as floats (type float32), or quantise the model that they were made of`,
  );
}

async function integersFor(
  { model, quantised }: Source,
  type: OnnxType,
): Promise<Map<string, IntegerMatrix>> {
  if (type === 'float32') return new Map();
  return quantised ? integersOf(model) : quantisedIntegers(model, type === 'int8' ? 8 : 4);
}

/**
 * `config.json`. transformers.js reads of it the shapes of the cache, the length of the context and the
 * tokens. Arcee's has a field for each of these, whatever the width of a head. A token shift doubles the
 * layers of the cache (decoder.ts).
 */
function configOf(source: Source, dtype: string): Record<string, unknown> {
  const { nLayer, tokenShift } = source.config;
  const layers = tokenShift ? { num_hidden_layers: 2 * nLayer } : {};
  return { ...hfConfig(arcee, source, 'float32'), ...layers, 'transformers.js_config': { dtype } };
}

/** Without a limit of their own, texts may become as long as the context. */
function generationConfig({ config, tokenizer }: Source): Record<string, unknown> {
  const { eos_token_id, bos_token_id } = hfConfig(arcee, { config, tokenizer }, 'float32');
  return { bos_token_id, eos_token_id, max_length: config.blockSize };
}

function notesOn(
  { position, blockSize, tokenShift }: GPTConfig,
  type: OnnxType,
  quantised: IntegerFormat | null,
): string[] {
  const { dtype } = stores[type];
  const notes = [
    `for transformers.js the model is of dtype ${dtype}, and of type arcee, whose cache has the same shape${tokenShift ? ' with twice as many layers' : ''}`,
  ];
  if (position === 'learned')
    notes.push(`its positions end at ${blockSize} tokens, and so must texts: give max_new_tokens that fit`);
  if (type === 'int4' && !quantised)
    notes.push(
      'its weights are rounded to the nearest of 16 values: a folder of `inkhorn quantize --bits 4`, which calibrates with a text, is more exact',
    );
  return notes;
}
