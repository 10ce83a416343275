import { type Case, GUARD } from '../support.ts';

export const crossEntropyCases: Case[] = [];
for (const [rows, cols, std] of [
  [1, 1, 1],
  [1, 500, 1],
  [7, 17, 3],
  [33, 38, 3],
  [130, 500, 3],
  [257, 33, 3],
  [2, 50257, 3],
  [17, 500, 200], // exp() of such logits overflows unless the maximum is subtracted
]) {
  const name = `${rows} x ${cols}${std > 10 ? ' large logits' : ''}`;
  crossEntropyCases.push({
    name: `crossEntropy ${name}`,
    run({ kernels, garbage, ids, normal }) {
      const losses = garbage(rows + GUARD);
      const lse = garbage(rows + GUARD);
      kernels.crossEntropy(losses, lse, normal(rows * cols, std), ids(rows, cols), { rows, cols });
      return { losses, lse };
    },
  });
  for (const inPlace of [false, true]) {
    crossEntropyCases.push({
      name: `crossEntropyBackward ${name}${inPlace ? ' in place' : ''}`,
      // lse has few digits left, or is a sum of many terms.
      tolerance: std > 10 || cols > 10_000 ? 1e-4 : 1e-5,
      run({ kernels, garbage, ids, normal }) {
        const logits = normal(rows * cols, std);
        const targets = ids(rows, cols);
        const lse = garbage(rows);
        kernels.crossEntropy(garbage(rows), lse, logits, targets, { rows, cols });
        const dLogits = inPlace ? logits : garbage(rows * cols + GUARD);
        kernels.crossEntropyBackward(dLogits, logits, lse, targets, { rows, cols, factor: 1 / rows });
        return { dLogits };
      },
    });
  }
  if (cols === 1) continue; // its loss is 0 apart from rounding
  crossEntropyCases.push({
    name: `crossEntropy ${name} smoothed`,
    tolerance: std > 10 ? 1e-4 : 1e-5,
    run({ kernels, garbage, ids, normal }) {
      const [logits, targets] = [normal(rows * cols, std), ids(rows, cols)];
      const losses = garbage(rows + GUARD);
      const lse = garbage(rows);
      const dLogits = garbage(rows * cols + GUARD);
      kernels.crossEntropy(losses, lse, logits, targets, { rows, cols, smoothing: 0.1 });
      const shape = { rows, cols, factor: 1 / rows, smoothing: 0.1 };
      kernels.crossEntropyBackward(dLogits, logits, lse, targets, shape);
      return { losses, dLogits };
    },
  });
}

crossEntropyCases.push({
  name: 'crossEntropy of a row with NaN: a run that has diverged must show',
  run({ kernels, garbage, put, ids }) {
    const [rows, cols] = [3, 70];
    const logits = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i));
    logits[cols + 66] = Number.NaN;
    const losses = garbage(rows);
    const lse = garbage(rows);
    kernels.crossEntropy(losses, lse, put(logits), ids(rows, cols), { rows, cols });
    return { losses, lse };
  },
});
