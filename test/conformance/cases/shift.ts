import { type Case, GUARD } from '../support.ts';

export const shiftCases: Case[] = [];
for (const [B, T, C, cols] of [
  [1, 1, 1, 1],
  [1, 1, 2, 1],
  [3, 5, 17, 8],
  [2, 33, 38, 38],
  [2, 65, 240, 120],
]) {
  const size = B * T * C;
  const name = `B ${B} T ${T}, ${cols} of ${C} columns`;
  shiftCases.push({
    name: `shift ${name}`,
    run({ kernels, garbage, normal }) {
      const out = garbage(size + GUARD);
      kernels.shift(out, normal(size), { B, T, C, cols });
      return { out };
    },
  });
  for (const accumulate of [false, true]) {
    shiftCases.push({
      name: `shiftBackward ${name}${accumulate ? ' accumulate' : ''}`,
      run({ kernels, garbage, normal }) {
        const dx = accumulate ? normal(size + GUARD) : garbage(size + GUARD);
        kernels.shiftBackward(dx, normal(size), { B, T, C, cols, accumulate });
        return { dx };
      },
    });
  }
  for (const start of [0, 3]) {
    for (const starts of [null, Array.from({ length: B }, (_, b) => 2 * b)]) {
      const capacity = 3 + 2 * B + T;
      shiftCases.push({
        name: `shiftCached ${name} from ${start}${starts ? ` + ${starts}` : ''}`,
        run({ kernels, garbage, normal, put }) {
          const out = garbage(size + GUARD);
          const history = normal(B * capacity * cols + GUARD);
          const shape = { B, T, C, cols, start, capacity };
          kernels.shiftCached(out, history, normal(size), shape, starts && put(Int32Array.from(starts)));
          return { out, history };
        },
      });
    }
  }
}
