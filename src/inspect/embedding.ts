// The geometry of the embedding tables: tokens with similar vectors, and the similarity of positions.

import type { ModelFolder } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { weightValues } from '../tensor/quantized.ts';

/** A token and its nearest neighbours. */
export interface Neighbours {
  id: number;
  text: string;
  /** Nearest first. Cosine: 1 is the same direction, 0 a right angle. */
  nearest: { id: number; text: string; cosine: number }[];
}

/** For each of `ids` the `count` tokens with the nearest embeddings, by cosine. */
export async function neighbours(
  { model, tokenizer }: ModelFolder,
  ids: readonly number[],
  count = 8,
): Promise<Neighbours[]> {
  const { vocabSize: V, nEmbd: C } = model.config;
  const strange = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < V));
  if (strange !== undefined)
    throw new Error(`token ${strange} is none of the model's: they are 0 to ${V - 1}`);
  const vectors = unitRows(await weightValues(model.tokens.weight), C);
  return ids.map((id) => {
    const nearest = Array.from({ length: V }, (_, other) => ({
      id: other,
      cosine: dot(vectors, id, other, C),
    }))
      .filter((other) => other.id !== id)
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, count)
      .map((other) => ({ ...other, text: tokenizer.tokenText(other.id) }));
    return { id, text: tokenizer.tokenText(id), nearest };
  });
}

/** The similarity of the vectors of all positions. */
export interface PositionSimilarity {
  positions: number;
  /** Cosines, [positions, positions]. */
  cosines: Float32Array;
}

/**
 * The cosine of every pair of positions; null for a model that has no table of positions (`rope`, `none`).
 */
export async function positionSimilarity(model: GPT): Promise<PositionSimilarity | null> {
  if (!model.positions) return null;
  const { blockSize: T, nEmbd: C } = model.config;
  const vectors = unitRows(await weightValues(model.positions.weight), C);
  const cosines = Float32Array.from({ length: T * T }, (_, i) => dot(vectors, Math.floor(i / T), i % T, C));
  return { positions: T, cosines };
}

/** Rows [n, C] scaled to length 1. A row of zeros stays. */
function unitRows(x: Float32Array, C: number): Float32Array {
  const y = x.slice();
  for (let from = 0; from < y.length; from += C) {
    const row = y.subarray(from, from + C);
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)) || 1;
    for (let c = 0; c < C; c++) row[c] /= length;
  }
  return y;
}

function dot(x: Float32Array, a: number, b: number, C: number): number {
  let sum = 0;
  for (let c = 0; c < C; c++) sum += x[a * C + c] * x[b * C + c];
  return sum;
}
