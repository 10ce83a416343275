// One safetensors file with a whole model: our names, and in its metadata the config and the tokenizer.
import { toBfloat16 } from '../io/floats.ts';
import { type TensorToWrite, writeSafetensors } from '../io/safetensors.ts';
import { configRecord } from '../model/config.ts';
import { CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE } from '../model/folder.ts';
import { shapesOf } from '../model/shapes.ts';
import type { ModelTarget } from './target.ts';

/** `--to safetensors` */
export const safetensors: ModelTarget = {
  about: 'one file with our names; config and tokenizer are in its metadata',
  makes: 'file',
  from: 'model',
  takes: ['dtype'],
  check() {}, // it has every part
  build({ config, tokenizer, weights }, { dtype = 'float32' }) {
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, shape] of shapesOf(config))
      tensors.set(name, stored(weights.get(name) ?? new Float32Array(0), shape, dtype));
    const metadata = {
      format: 'pt', // what readers of PyTorch's ask for
      [CONFIG_FILE]: JSON.stringify(configRecord(config)),
      [TOKENIZER_FILE]: JSON.stringify(tokenizer),
    };
    return { files: new Map([[MODEL_FILE, writeSafetensors(tensors, metadata)]]), notes: [] };
  },
};

/** Float32, or bfloat16 rounded to nearest. */
export function stored(
  data: Float32Array,
  shape: readonly number[],
  dtype: 'float32' | 'bfloat16',
): TensorToWrite {
  if (dtype === 'float32') return { shape, data };
  return { dtype: 'BF16', shape, data: new Uint8Array(toBfloat16(data).buffer) };
}
