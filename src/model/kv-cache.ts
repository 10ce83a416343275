// Keys and values of all tokens read so far, so that a new token costs one position instead of the whole
// context.
import type { Backend } from '../backend/contract.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import type { GPTConfig } from './config.ts';

/** One pair of [B, H, capacity, hs] tensors per block. Belongs to one model and one batch of sequences. */
export class KVCache {
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** Longest sequence it can hold: the model's block size. */
  readonly capacity: number;
  /** Positions filled so far. */
  length = 0;

  constructor(config: GPTConfig, backend: Backend, sequences = 1) {
    const { nHead, headSize, blockSize, nLayer } = config;
    const shape = [sequences, nHead, blockSize, headSize];
    this.capacity = blockSize;
    this.keys = Array.from({ length: nLayer }, () => keep(empty(shape, 'f32', backend)));
    this.values = Array.from({ length: nLayer }, () => keep(empty(shape, 'f32', backend)));
  }

  /** Forgets all positions; keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  dispose(): void {
    for (const tensor of [...this.keys, ...this.values]) tensor.dispose();
  }
}
