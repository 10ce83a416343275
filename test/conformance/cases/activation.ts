import { ACTIVATION_KINDS } from '../../../src/backend/contract.ts';
import type { Case } from '../support.ts';

export const activationCases: Case[] = [];
for (const kind of ACTIVATION_KINDS) {
  for (const n of [1, 7, 17, 33, 228, 4099, 70001]) {
    activationCases.push(
      {
        name: `activation ${kind} ${n}`,
        run({ kernels, garbage, normal }) {
          const out = garbage(n);
          kernels.activation(out, normal(n, 3), kind);
          return { out };
        },
      },
      {
        name: `activation ${kind} ${n} in place`,
        run({ kernels, normal }) {
          const out = normal(n, 3);
          kernels.activation(out, out, kind);
          return { out };
        },
      },
      {
        name: `activationBackward ${kind} ${n}`,
        run({ kernels, garbage, normal }) {
          const dx = garbage(n);
          kernels.activationBackward(dx, normal(n), normal(n, 3), kind);
          return { dx };
        },
      },
      {
        name: `activationBackward ${kind} ${n} in place`,
        run({ kernels, normal }) {
          const dx = normal(n);
          kernels.activationBackward(dx, dx, normal(n, 3), kind);
          return { dx };
        },
      },
    );
  }
  // Far from 0, f and f' are 0 or their asymptotes. Nothing may overflow there.
  const wide = [0, -0, 1e-30, -1e-30, 5, -5, 12, -12, 30, -30, 100, -100, 1e4, -1e4];
  activationCases.push(
    {
      name: `activation ${kind} of small and large values`,
      run({ kernels, garbage, put }) {
        const out = garbage(wide.length);
        kernels.activation(out, put(Float32Array.from(wide)), kind);
        return { out };
      },
    },
    {
      name: `activationBackward ${kind} of small and large values`,
      run({ kernels, garbage, put }) {
        const dx = garbage(wide.length);
        kernels.activationBackward(
          dx,
          put(new Float32Array(wide.length).fill(1)),
          put(Float32Array.from(wide)),
          kind,
        );
        return { dx };
      },
    },
    {
      name: `activation ${kind} keeps NaN`,
      run({ kernels, garbage, put }) {
        const out = garbage(17);
        const x = new Float32Array(17).fill(1);
        x[3] = Number.NaN;
        x[16] = Number.NaN;
        kernels.activation(out, put(x), kind);
        return { out };
      },
    },
  );
}

for (const n of [1, 17, 4099]) {
  for (const inPlace of [false, true]) {
    activationCases.push(
      {
        name: `softcap ${n}${inPlace ? ' in place' : ''}`,
        run({ kernels, garbage, normal }) {
          const x = normal(n, 30);
          const out = inPlace ? x : garbage(n);
          kernels.softcap(out, x, 15);
          return { out };
        },
      },
      {
        name: `softcapBackward ${n}${inPlace ? ' in place' : ''}`,
        run({ kernels, garbage, normal }) {
          const y = garbage(n);
          kernels.softcap(y, normal(n, 10), 15);
          const dOut = normal(n);
          const dx = inPlace ? dOut : garbage(n);
          kernels.softcapBackward(dx, dOut, y, 15);
          return { dx };
        },
      },
    );
  }
}
activationCases.push({
  name: 'softcap of small and large values, and NaN',
  run({ kernels, garbage, put }) {
    const x = [0, 1e-30, -1e-3, 14, -15, 100, -100, 1e4, -1e4, 1e30, -1e30, Number.NaN];
    const out = garbage(x.length);
    kernels.softcap(out, put(Float32Array.from(x)), 15);
    return { out };
  },
});
