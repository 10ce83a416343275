// Checkpoints of nanoGPT (github.com/karpathy/nanoGPT): GPT-2 with matrices [out, in], biases or none, and
// GELU by erf. Read next: file.ts, ../hf/target.ts.
import { boolean, integer, nullable, number, object, otherwise, type Schema } from '../../base/schema.ts';
import type { Store } from '../../io/store.ts';
import { checkConfig, presets } from '../../model/config.ts';
import { type ForeignModel, plainNames } from '../foreign.ts';
import { gpt2Tensors } from '../hf/target.ts';
import { tokenizerBeside } from '../tokenizer/read.ts';
import { type TorchFile, tensorsIn } from './file.ts';

/** `model_args` of a checkpoint. */
interface ModelArgs {
  n_layer: number;
  n_head: number;
  n_embd: number;
  block_size: number;
  /** Older checkpoints lack it: their models have biases. */
  bias: boolean;
  vocab_size: number | null;
  dropout: number;
}

const count = integer({ min: 1 });
const modelArgs: Schema<ModelArgs> = object<ModelArgs>({
  n_layer: count,
  n_head: count,
  n_embd: count,
  block_size: count,
  bias: otherwise(boolean, true),
  vocab_size: otherwise(nullable(count), null),
  dropout: otherwise(number({ min: 0, below: 1 }), 0),
});

/** The model and its arguments in the value of a checkpoint; null: it is none of nanoGPT. */
export function nanoGptIn(value: unknown): { model: unknown; args: Map<unknown, unknown> } | null {
  if (!(value instanceof Map)) return null;
  const args = value.get('model_args');
  return args instanceof Map && value.has('model') ? { model: value.get('model'), args } : null;
}

/** The model of a checkpoint that is open. */
export function nanoGpt(
  { model, args }: { model: unknown; args: Map<unknown, unknown> },
  { close }: TorchFile,
  { store, file, names }: { store: Store; file: string; names: readonly string[] },
): ForeignModel {
  const place = `${store.location}/${file}`;
  const tensors = plainNames(tensorsIn(model, place), /^transformer\.h\.\d+\.attn\.bias$/);
  try {
    const found = modelArgs(Object.fromEntries([...args].map(([name, value]) => [String(name), value])));
    const { n_embd, n_head, bias } = found;
    if (n_embd % n_head !== 0) throw new Error(`n_head ${n_head} does not divide n_embd ${n_embd}`);
    const rows = tensors.get('transformer.wte.weight')?.shape[0];
    const config = checkConfig({
      ...presets.seed,
      vocabSize: found.vocab_size ?? rows,
      blockSize: found.block_size,
      nLayer: found.n_layer,
      nHead: n_head,
      nEmbd: n_embd,
      headSize: n_embd / n_head,
      mlpRatio: 4,
      activation: 'gelu',
      bias,
      qkvBias: bias,
      headBias: false,
      tieWeights: true,
      dropout: found.dropout,
      init: 'gpt2',
    });
    return {
      name: 'nanoGPT',
      place,
      describedBy: `model_args of ${place}`,
      config,
      tensors,
      mapped: (wanted) => gpt2Tensors(wanted, true),
      start: null,
      tokenizer: async () => (await tokenizerBeside(store, names))?.tokenizer ?? null,
      close,
    };
  } catch (error) {
    throw new Error(`${place}: model_args: ${(error as Error).message}`, { cause: error });
  }
}
