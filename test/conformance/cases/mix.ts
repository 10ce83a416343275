import { type Case, GUARD } from '../support.ts';

export const mixCases: Case[] = [];
for (const [rows, cols, from, to] of [
  [1, 1, 0, 1],
  [7, 17, 0, 17],
  [33, 38, 5, 22],
  [130, 720, 480, 720],
  [3, 500, 0, 33],
]) {
  for (const inPlace of [false, true]) {
    const name = `${rows} x ${cols}, columns ${from} to ${to}${inPlace ? ' in place' : ''}`;
    mixCases.push({
      name: `mix ${name}`,
      run({ kernels, garbage, normal }) {
        const a = normal(rows * cols + (inPlace ? GUARD : 0));
        const out = inPlace ? a : garbage(rows * cols + GUARD);
        kernels.mix(out, a, normal(rows * cols), normal(1), { rows, cols, from, to });
        return { out };
      },
    });
    for (const accumulate of [false, true]) {
      mixCases.push({
        name: `mixBackward ${name}${accumulate ? ' accumulate' : ''}`,
        tolerance: 1e-4, // dWeight is a single sum, whose terms cancel
        run({ kernels, garbage, normal }) {
          const dOut = normal(rows * cols + (inPlace ? GUARD : 0));
          const da = inPlace ? dOut : garbage(rows * cols + GUARD);
          const db = accumulate ? normal(rows * cols + GUARD) : garbage(rows * cols + GUARD);
          const dWeight = normal(1);
          const [a, b] = [normal(rows * cols), normal(rows * cols)];
          kernels.mixBackward(da, db, dWeight, dOut, a, b, normal(1), { rows, cols, from, to, accumulate });
          return { da, db, dWeight };
        },
      });
    }
  }
}
