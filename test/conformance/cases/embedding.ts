import { type Case, GUARD } from '../support.ts';

export const embeddingCases: Case[] = [];
for (const { B, T, C, V, start } of [
  { B: 1, T: 1, C: 1, V: 1, start: 0 },
  { B: 1, T: 1, C: 232, V: 500, start: 255 },
  { B: 3, T: 7, C: 17, V: 5, start: 0 },
  { B: 2, T: 33, C: 38, V: 500, start: 4 },
  { B: 4, T: 257, C: 7, V: 13, start: 0 },
  { B: 9, T: 16, C: 232, V: 20, start: 1 },
]) {
  for (const positions of [true, false]) {
    const name = `B ${B} T ${T} C ${C} V ${V} start ${start}${positions ? '' : ' no positions'}`;
    embeddingCases.push({
      name: `embedding ${name}`,
      run({ kernels, garbage, ids, normal }) {
        const out = garbage(B * T * C + GUARD);
        const table = positions ? normal((start + T) * C) : null;
        kernels.embedding(out, ids(B * T, V), normal(V * C), table, { B, T, C, start });
        return { out };
      },
    });
    embeddingCases.push({
      name: `embeddingBackward ${name}`,
      run({ kernels, ids, normal }) {
        const dTokens = normal(V * C);
        const dPositions = positions ? normal((T + 2) * C) : null;
        kernels.embeddingBackward(dTokens, dPositions, normal(B * T * C), ids(B * T, V), { B, T, C });
        return { dTokens, dPositions };
      },
    });
  }
}
