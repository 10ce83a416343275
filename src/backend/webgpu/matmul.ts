// The matrix product: which shader computes it, and in how many parts. Read next: matmul-shaders.ts.
import { ACTIVATION_KINDS, type Kernels } from '../contract.ts';
import { kindNumber } from './activation.ts';
import { addParts, productOf } from './matmul-shaders.ts';
import type { Queue } from './queue.ts';

/** The kind of a product without activation. */
const NO_CURVE = ACTIVATION_KINDS.length;

/** Threads of 4 x 4 results below which k is divided into parts, and the fewest terms of a part. */
const FEW_THREADS = 32_768;
const LEAST_TERMS = 256;

/** Rows and columns from which on a product is computed in tiles, where those are faster. */
const LEAST_TILED = 48;

/** Into how many parts k is divided: depends on the shape alone, so that the bits do too. */
function partsOf(m: number, n: number, k: number): number {
  const threads = Math.ceil(m / (m < 4 ? 1 : 4)) * Math.ceil(n / 4);
  return Math.max(1, Math.min(Math.ceil(FEW_THREADS / threads), Math.floor(k / LEAST_TERMS)));
}

export function matmulKernels(queue: Queue): Pick<Kernels, 'matmul'> {
  return {
    matmul(out, a, b, options) {
      const { m, n, k, transA = false, transB = false, activation, slope } = options;
      if (m * n === 0) return;
      const rows = queue.tiles && Math.min(m, n) >= LEAST_TILED ? 8 : m < 4 ? 1 : 4;
      const [wideA, wideB] = [(transA ? m : k) % 4 === 0, (transB ? k : n) % 4 === 0];
      const row = productOf({ transA, transB, wideA, wideB, rows });
      // The threads of a few rows lie side by side, others 8 x 8; those of tiles have 8 columns.
      const [high, wide] = rows === 8 ? [8, 16] : m <= 4 ? [1, 64] : [8, 8];
      const parts = partsOf(m, n, k);
      const terms = Math.ceil(k / parts / 4) * 4;
      const count = Math.ceil(m / rows / high) * Math.ceil(n / 4 / wide) * parts;
      const work = 2 * m * n * Math.max(k, 1);
      const shape = { m, n, k, terms, high, wide };
      const accumulate = options.accumulate ? 1 : 0;
      const curve = activation?.kind ?? slope?.kind;
      const kind = curve === undefined ? NO_CURVE : kindNumber(curve);
      const end = { bias: options.bias ?? null, pre: activation?.pre ?? null, x: slope?.x ?? null };
      const constants = { BF16: queue.bf16 };
      if (parts === 1) {
        queue.run(row, { out, a, b, ...end }, { ...shape, accumulate, kind }, { count, work, constants });
        return;
      }
      queue.withScratch(parts * m * n, (sums) => {
        const plain = { out: sums, a, b, bias: null, pre: null, x: null };
        queue.run(row, plain, { ...shape, accumulate: 0, kind: NO_CURVE }, { count, work, constants });
        queue.run(
          addParts,
          { out, parts: sums, ...end },
          { n, parts_of_k: parts, accumulate, kind },
          { count: m * n, work: m * n * (parts + 4) },
        );
      });
    },
  };
}
