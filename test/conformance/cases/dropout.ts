import type { Case } from '../support.ts';

const base = { p: 0.2, seed: 1337, step: 3, site: 7, offset: 0 };

export const dropoutCases: Case[] = [];
for (const [name, n, options] of [
  ['1 element', 1, base],
  ['16 elements', 16, base],
  ['17 elements', 17, base],
  ['228 elements', 228, base],
  ['4099 elements', 4099, base],
  ['70001 elements', 70001, base],
  ['an offset of whole blocks', 500, { ...base, offset: 64 * 17 }],
  ['an offset inside a block', 500, { ...base, offset: 37 }],
  ['an offset beyond 2^32', 500, { ...base, offset: 2 ** 36 + 640 }],
  ['an offset across 2^34, where the second counter word begins', 500, { ...base, offset: 2 ** 34 - 130 }],
  ['a seed beyond 2^32', 500, { ...base, seed: 2 ** 52 + 12345 }],
  ['a large step and site', 500, { ...base, step: 4_000_000_000, site: 3_000_000_000 }],
  ['p 0', 500, { ...base, p: 0 }],
  ['p 0.999', 4099, { ...base, p: 0.999 }],
] as const) {
  dropoutCases.push(
    {
      name: `dropout: ${name}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(n);
        kernels.dropout(out, normal(n), options);
        return { out };
      },
    },
    {
      name: `dropout in place: ${name}`,
      run({ kernels, normal }) {
        const out = normal(n);
        kernels.dropout(out, out, options);
        return { out };
      },
    },
    {
      name: `dropout with a residual: ${name}`,
      run({ kernels, garbage, normal }) {
        const [out, same] = [garbage(n), normal(n)];
        kernels.dropout(out, normal(n), options, normal(n));
        kernels.dropout(same, normal(n), options, same);
        return { out, same };
      },
    },
  );
}
