// One safetensors file with a whole model: our names, and in its metadata the config and the tokenizer. Both
// directions.
import { readJson } from '../base/json.ts';
import { toBfloat16 } from '../io/floats.ts';
import { type TensorToWrite, writeSafetensors } from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { checkConfig, configRecord, type GPTConfig } from '../model/config.ts';
import { CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE } from '../model/folder.ts';
import { shapesOf } from '../model/shapes.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { TOKENIZER_LIMITS } from '../tokenizer/tokenizer-json.ts';
import { type ForeignModel, openSafetensors } from './foreign.ts';
import type { Mapped } from './mapping.ts';
import { dtypes } from './options.ts';
import { checkRange, LARGEST_BFLOAT16 } from './range.ts';
import type { ModelTarget } from './target.ts';

/** `--to safetensors` */
export const safetensors: ModelTarget = {
  about: 'one file with our names; config and tokenizer are in its metadata',
  makes: 'file',
  from: 'model',
  takes: { dtype: dtypes },
  check() {}, // it has every part
  build({ config, tokenizer, weights }, { dtype = 'float32' }) {
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, shape] of shapesOf(config))
      tensors.set(name, stored(name, weights.get(name) ?? new Float32Array(0), shape, dtype));
    const metadata = {
      format: 'pt', // what readers of PyTorch's ask for
      [CONFIG_FILE]: JSON.stringify(configRecord(config)),
      [TOKENIZER_FILE]: JSON.stringify(tokenizer),
    };
    return { files: new Map([[MODEL_FILE, writeSafetensors(tensors, metadata)]]), notes: [] };
  },
};

/** Whether a file of tensors has such metadata. */
export async function holdsModel(store: Store, name: string): Promise<boolean> {
  const { metadata, close } = await openSafetensors(store, name);
  await close();
  return CONFIG_FILE in metadata && TOKENIZER_FILE in metadata;
}

/** Opens a file that `--to safetensors` wrote. */
export async function openOwn(store: Store, name: string): Promise<ForeignModel> {
  const { metadata, tensors, close } = await openSafetensors(store, name);
  const place = `${store.location}/${name}`;
  try {
    const config = readJson(metadata[CONFIG_FILE], `${place}: ${CONFIG_FILE} in its metadata`, checkConfig);
    const mapped = (wanted: GPTConfig): Mapped[] =>
      Array.from(shapesOf(wanted), ([ours, shape]) => ({ theirs: ours, shape, ours }));
    const tokenizer = async (): Promise<Tokenizer> =>
      readJson(
        metadata[TOKENIZER_FILE],
        `${place}: ${TOKENIZER_FILE} in its metadata`,
        (value) => Tokenizer.fromJSON(value),
        TOKENIZER_LIMITS,
      );
    const from = { name: 'Inkhorn', place, describedBy: `the metadata of ${place}` };
    return { ...from, config, tensors, mapped, start: null, tokenizer, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Float32, or bfloat16 rounded to nearest. Throws where a weight lies beyond it; `name` is for that. */
export function stored(
  name: string,
  data: Float32Array,
  shape: readonly number[],
  dtype: 'float32' | 'bfloat16',
): TensorToWrite {
  if (dtype === 'float32') return { shape, data };
  checkRange(name, data, dtype, LARGEST_BFLOAT16, { float32: Number.POSITIVE_INFINITY });
  return { dtype: 'BF16', shape, data: new Uint8Array(toBfloat16(data).buffer) };
}
