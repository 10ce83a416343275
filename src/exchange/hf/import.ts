// Hugging Face's folders: GPT-2, Arcee, and what is Llama without a gate in its MLP. The tensors are those of
// target.ts, read the other way. Read next: config.ts.
import { formatAmount } from '../../base/format.ts';
import { object, record, string } from '../../base/schema.ts';
import { readJsonFile } from '../../io/json-file.ts';
import { checkName, firstBytes, type Store } from '../../io/store.ts';
import type { GPTConfig } from '../../model/config.ts';
import { CONFIG_FILE, MODEL_FILE } from '../../model/folder.ts';
import {
  closeAll,
  type ForeignModel,
  type ForeignTensor,
  type ForeignTensors,
  openSafetensors,
  plainNames,
  together,
} from '../foreign.ts';
import type { Mapped } from '../mapping.ts';
import { tokenizerBeside } from '../tokenizer/read.ts';
import { isTorch, openStateDict } from '../torch/file.ts';
import { type HfDescription, hfHead, readGpt2, readLlama } from './config.ts';
import { arcee, gpt2, type HfFamily } from './target.ts';

/** How models of one `model_type` are read. */
interface Reader {
  family: HfFamily;
  /** What the names of tensors begin with, except in files of the model without its head. */
  base: string;
  /** Tensors of older versions that can be computed: masks, frequencies. */
  stored: RegExp;
  read(config: unknown, gated: boolean): HfDescription;
}

const frequencies = /\.rotary_emb\.inv_freq$/;
const readers: Readonly<Record<string, Reader>> = {
  gpt2: { family: gpt2, base: 'transformer.', stored: /\.attn\.(?:masked_)?bias$/, read: readGpt2 },
  arcee: {
    family: arcee,
    base: 'model.',
    stored: frequencies,
    read: readLlama({ eps: 1e-5, act: 'relu2', context: 4096 }),
  },
  llama: {
    family: arcee,
    base: 'model.',
    stored: frequencies,
    read: readLlama({ eps: 1e-6, act: 'silu', context: 2048 }),
  },
};

/**
 * Opens the model in a folder with these files. `weights`: the file of its weights, where that has no usual
 * name.
 */
export async function openHf(
  store: Store,
  names: readonly string[],
  weights?: string,
): Promise<ForeignModel> {
  const describedBy = `${store.location}/${CONFIG_FILE}`;
  const head = await readJsonFile(store, CONFIG_FILE, hfHead);
  const { model_type: type, architectures, bos_token_id: bos } = head;
  const reader = Object.hasOwn(readers, type) ? readers[type] : null;
  if (!reader)
    throw new Error(
      `${describedBy}: model_type ${JSON.stringify(type)} cannot be imported: gpt2, arcee, and llama without a gate can`,
    );
  if ((head.quantization_config ?? null) !== null)
    throw new Error(
      `${describedBy}: the weights are quantised (quantization_config): import the model in float32, float16 or bfloat16`,
    );
  const files = await openWeights(store, weights ?? WEIGHTS.find((name) => names.includes(name)));
  try {
    const tensors = withBase(plainNames(files.tensors, reader.stored), reader.base);
    const gated = [...tensors.keys()].some((name) => name.endsWith('.mlp.gate_proj.weight'));
    const { config, without, kvHeads } = await readJsonFile(store, CONFIG_FILE, (value) =>
      reader.read(value, gated),
    );
    const mapped = (wanted: typeof config): Mapped[] =>
      reader.family
        .tensors(wanted)
        .filter(({ theirs }) => !without?.test(theirs))
        .map((one) => sharing(one, config, kvHeads));
    const start = Number.isInteger(bos) && (bos as number) >= 0 ? (bos as number) : null;
    return {
      name: architectures?.[0] ?? reader.family.name,
      place: store.location,
      describedBy,
      config,
      tensors,
      mapped,
      start,
      notes: kvHeads === config.nHead ? [] : [sharingNote(config, kvHeads)],
      tokenizer: async () => (await tokenizerBeside(store, names))?.tokenizer ?? null,
      close: files.close,
    };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** The tensor of a class whose heads of queries share `kvHeads` heads of keys and values. */
function sharing(one: Mapped, { nHead, headSize }: GPTConfig, kvHeads: number): Mapped {
  if (kvHeads === nHead || !/\.self_attn\.[kv]_proj\./.test(one.theirs)) return one;
  const [, ...columns] = one.shape;
  const shared = { rows: headSize, times: nHead / kvHeads };
  return { ...one, shape: [kvHeads * headSize, ...columns], shared };
}

function sharingNote({ nHead }: GPTConfig, kvHeads: number): string {
  return `its ${formatAmount(nHead, 'head')} share ${kvHeads} of keys and values: here each has a copy of its own, which computes the same and takes more memory`;
}

/** Files of the model alone, without a head, leave out the beginning of all names. */
function withBase(tensors: Map<string, ForeignTensor>, base: string): Map<string, ForeignTensor> {
  if ([...tensors.keys()].some((name) => name.startsWith(base))) return tensors;
  return new Map(
    Array.from(tensors, ([name, tensor]) => [name === 'lm_head.weight' ? name : base + name, tensor]),
  );
}

const shardIndex = object<{ weight_map: Record<string, string> }>({ weight_map: record(string) });

/** The usual names of weights, best first; each may be an index of several files. */
export const WEIGHTS: readonly string[] = [MODEL_FILE, 'pytorch_model.bin'].flatMap((name) => [
  name,
  `${name}.index.json`,
]);

/** The weights of a folder: one file, or several that an index lists. */
async function openWeights(store: Store, file: string | undefined): Promise<ForeignTensors> {
  if (file === undefined)
    throw new Error(`${store.location} has no weights: expected one of ${WEIGHTS.join(', ')}`);
  return file.endsWith('.index.json') ? openShards(store, file) : openFileOf(store, file);
}

/** The tensors of one file: of PyTorch by its first bytes, else safetensors. */
async function openFileOf(store: Store, name: string): Promise<ForeignTensors> {
  return isTorch(await firstBytes(store, name)) ? openStateDict(store, name) : openSafetensors(store, name);
}

/** The files that an index lists. Throws when a tensor is not in the file that the index says. */
async function openShards(store: Store, index: string): Promise<ForeignTensors> {
  const { weight_map: shardOf } = await readJsonFile(store, index, shardIndex);
  const shards = new Set(Object.values(shardOf));
  for (const shard of shards) checkName(shard);
  const files: ForeignTensors[] = [];
  try {
    for (const shard of shards) files.push(await openFileOf(store, shard));
    const all = together(files);
    for (const [name, shard] of Object.entries(shardOf))
      if (!all.tensors.has(name))
        throw new Error(
          `${store.location}/${shard}: tensor ${name} is missing, which ${index} says is in it`,
        );
    return all;
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}
