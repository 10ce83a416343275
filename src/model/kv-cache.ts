// Keys and values of all tokens read so far, so that a new token costs one position instead of the whole
// context.
import type { Backend } from '../backend/contract.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { type GPTConfig, shiftedColumns } from './config.ts';

/** Belongs to one model and one batch of B sequences. */
export class KVCache {
  /** [B, H, capacity, hs] of each block. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** For `tokenShift`: what the next token reads of each, [B, capacity, nEmbd / 2] per block; else empty. */
  readonly shifted: Readonly<Record<'attn' | 'mlp', readonly Tensor[]>>;
  /** Longest sequence it can hold: the model's block size. */
  readonly capacity: number;
  /** Positions filled so far. */
  length = 0;

  constructor(config: GPTConfig, backend: Backend, sequences = 1) {
    const { nHead, headSize, blockSize, nLayer } = config;
    const perBlock = (...shape: number[]): Tensor[] =>
      Array.from({ length: nLayer }, () => keep(empty([sequences, ...shape], 'f32', backend)));
    const columns = shiftedColumns(config);
    const history = (): Tensor[] => (columns > 0 ? perBlock(blockSize, columns) : []);
    this.capacity = blockSize;
    this.keys = perBlock(nHead, blockSize, headSize);
    this.values = perBlock(nHead, blockSize, headSize);
    this.shifted = { attn: history(), mlp: history() };
  }

  /** All that it holds; the first axis of each is that of the sequences. */
  get tensors(): Tensor[] {
    return [...this.keys, ...this.values, ...this.shifted.attn, ...this.shifted.mlp];
  }

  /** Forgets all positions; keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }
}
