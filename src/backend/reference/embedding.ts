// Token ids to vectors. Read next: layernorm.ts.
import type { Kernels } from '../contract.ts';
import { f32, i32 } from './buffer.ts';

/** out[b, t, :] = tokens[ids[b, t], :] + positions[start + t, :]. Throws on an id outside the table. */
export const embedding: Kernels['embedding'] = (out, ids, tokens, positions, shape) => {
  const { B, T, C, start } = shape;
  const O = f32(out);
  const I = i32(ids);
  const E = f32(tokens);
  const P = positions ? f32(positions) : null;
  checkIds('embedding: ids', I, B * T, Math.floor(tokens.length / C));
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const row = (b * T + t) * C;
      const token = I[b * T + t] * C;
      const position = (start + t) * C;
      for (let c = 0; c < C; c++) O[row + c] = E[token + c] + (P ? P[position + c] : 0);
    }
  }
};

/** dTokens[ids[b, t], :] += dOut[b, t, :]; dPositions[t, :] += sum over b of dOut[b, t, :]. */
export const embeddingBackward: Kernels['embeddingBackward'] = (dTokens, dPositions, dOut, ids, shape) => {
  const { B, T, C } = shape;
  const dE = f32(dTokens);
  const dP = dPositions ? f32(dPositions) : null;
  const dO = f32(dOut);
  const I = i32(ids);
  checkIds('embeddingBackward: ids', I, B * T, Math.floor(dTokens.length / C));
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const row = (b * T + t) * C;
      const token = I[b * T + t] * C;
      for (let c = 0; c < C; c++) {
        dE[token + c] += dO[row + c];
        if (dP) dP[t * C + c] += dO[row + c];
      }
    }
  }
};

/** Throws unless the first `count` ids are from 0 to limit - 1. `name` says kernel and argument. */
export function checkIds(name: string, ids: Int32Array, count: number, limit: number): void {
  for (let i = 0; i < count; i++) {
    if (!(ids[i] >= 0 && ids[i] < limit)) {
      throw new Error(`${name}[${i}] is ${ids[i]}: it must be from 0 to ${limit - 1}`);
    }
  }
}
