// The state_dict of the seed (itoufik/Building-a-Custom-GPT-Model-from-Scratch-Using-PyTorch on GitHub): each
// head has tensors of its own. So has that of the lecture that it follows (karpathy/ng-video-lecture). All
// sizes are those of the tensors. Read next: file.ts.
import type { Store } from '../../io/store.ts';
import { checkConfig, type GPTConfig, hiddenSize, presets } from '../../model/config.ts';
import { type BlockLayer, type OutsideLayer, parameterName } from '../../model/names.ts';
import { type ForeignModel, type ForeignTensor, plainNames } from '../foreign.ts';
import type { Mapped } from '../mapping.ts';
import { tokenizerBeside } from '../tokenizer/read.ts';
import { type TorchFile, tensorsIn } from './file.ts';

const TOKENS = 'token_embedding_table.weight';
const POSITIONS = 'position_embedding_table.weight';

/** Whether the value of a file is such a state_dict. */
export function isSeed(value: unknown): boolean {
  return value instanceof Map && value.has(TOKENS) && value.has(POSITIONS);
}

/** The model of a file that is open. */
export function seedModel(
  { value, close }: TorchFile,
  { store, file, names }: { store: Store; file: string; names: readonly string[] },
): ForeignModel {
  const place = `${store.location}/${file}`;
  const tensors = plainNames(tensorsIn(value, place), /\.heads\.\d+\.tril$/);
  return {
    name: 'seed',
    place,
    describedBy: place,
    config: configOf(tensors, place),
    tensors,
    mapped: seedTensors,
    start: null,
    tokenizer: async () => (await tokenizerBeside(store, names))?.tokenizer ?? null,
    close,
  };
}

/** The config that has tensors of these sizes. */
function configOf(tensors: ReadonlyMap<string, ForeignTensor>, place: string): GPTConfig {
  const side = (name: string, at: 0 | 1): number => {
    const { shape } = tensors.get(name) ?? { shape: [] };
    if (shape.length === 2) return shape[at];
    throw new Error(`${place}: the state_dict has no matrix ${name}`);
  };
  const count = (pattern: RegExp): number =>
    1 + Math.max(-1, ...Array.from(tensors.keys(), (name) => Number(pattern.exec(name)?.[1] ?? -1)));
  const nEmbd = side(TOKENS, 1);
  try {
    return checkConfig({
      ...presets.seed,
      vocabSize: side(TOKENS, 0),
      blockSize: side(POSITIONS, 0),
      nEmbd,
      nLayer: count(/^blocks\.(\d{1,9})\./),
      nHead: count(/^blocks\.0\.sa\.heads\.(\d{1,9})\./),
      headSize: side('blocks.0.sa.heads.0.key.weight', 0),
      mlpRatio: side('blocks.0.ffwd.net.0.weight', 0) / nEmbd,
    });
  } catch (error) {
    const { message } = error as Error;
    throw new Error(message.startsWith(place) ? message : `${place}: ${message}`, { cause: error });
  }
}

/** The tensors there. Queries, keys and values of each head are a matrix [hs, C]. */
function seedTensors(config: GPTConfig): Mapped[] {
  const { vocabSize: V, blockSize, nLayer, nHead, headSize, nEmbd: C } = config;
  const [inner, hidden] = [nHead * headSize, hiddenSize(config)];
  const outside = (theirs: string, layer: OutsideLayer, shape: number[]): Mapped[] => [
    { theirs: `${theirs}.weight`, shape, ours: parameterName(layer, 'weight') },
    { theirs: `${theirs}.bias`, shape: [shape[0]], ours: parameterName(layer, 'bias') },
  ];
  const block = (n: number): Mapped[] => {
    const both = (theirs: string, layer: BlockLayer, shape: number[]): Mapped[] => [
      { theirs: `blocks.${n}.${theirs}.weight`, shape, ours: parameterName(layer, 'weight', n) },
      { theirs: `blocks.${n}.${theirs}.bias`, shape: [shape[0]], ours: parameterName(layer, 'bias', n) },
    ];
    const heads = ['query', 'key', 'value'].flatMap((name, third) =>
      Array.from(
        { length: nHead },
        (_, head): Mapped => ({
          theirs: `blocks.${n}.sa.heads.${head}.${name}.weight`,
          shape: [headSize, C],
          ours: parameterName('attn.qkv', 'weight', n),
          part: [third * nHead + head, 3 * nHead],
        }),
      ),
    );
    return [
      ...both('ln1', 'norm1', [C]),
      ...heads,
      ...both('sa.proj', 'attn.proj', [C, inner]),
      ...both('ln2', 'norm2', [C]),
      ...both('ffwd.net.0', 'mlp.fc', [hidden, C]),
      ...both('ffwd.net.2', 'mlp.proj', [C, hidden]),
    ];
  };
  return [
    { theirs: TOKENS, shape: [V, C], ours: parameterName('tokens', 'weight') },
    { theirs: POSITIONS, shape: [blockSize, C], ours: parameterName('positions', 'weight') },
    ...Array.from({ length: nLayer }, (_, n) => block(n)).flat(),
    ...outside('ln_f', 'norm', [C]),
    ...outside('lm_head', 'head', [V, C]),
  ];
}
