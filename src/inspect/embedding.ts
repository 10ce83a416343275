// What the tables hold: tokens whose vectors point the same way, and how alike the vectors of positions are.

import type { ModelFolder } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { weightValues } from '../tensor/quantized.ts';

/** A token and those nearest to it. */
export interface Neighbours {
  id: number;
  text: string;
  /** The most alike first; cosine: 1 the same direction, 0 nothing in common. */
  nearest: { id: number; text: string; cosine: number }[];
}

/** The `count` tokens whose embeddings are nearest to those of each of `ids`, by cosine. */
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

/** How alike the vectors of all positions are. */
export interface PositionSimilarity {
  positions: number;
  /** [positions, positions]: cosines. */
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

/** Rows [n, C] scaled to length 1; a row of zeros stays. */
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
