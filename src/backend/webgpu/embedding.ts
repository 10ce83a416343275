// Token ids to vectors. An id outside the table gives NaN: a GPU cannot throw. Read next: layernorm.ts.
import type { Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { finite } from './wgsl.ts';

const embeddingShader = shader({
  name: 'embedding',
  buffers: { out: '>f32', ids: 'i32', tokens: 'f32', positions: 'f32?' },
  numbers: { T: 'u32', C: 'u32', V: 'i32', start: 'u32' },
  code: `${finite}
    fn run(i: u32) {
      let row = i / u.C;
      let c = i % u.C;
      let id = ids[row];
      if (id < 0 || id >= u.V) { out[i] = nan(); return; }
      var x = tokens[u32(id) * u.C + c];
      if (has_positions) { x += positions[(u.start + row % u.T) * u.C + c]; }
      out[i] = x;
    }`,
});

// The rows of each token form a chain, so that one thread can add them in order: links[r] is the next row
// with the id of row r, links[rows + v] the first row with id v. `rows` ends a chain.
const chainShader = shader({
  name: 'embeddingBackward, chains',
  buffers: { links: '>u32', ids: 'i32' },
  numbers: { rows: 'u32' },
  code: `
    fn run(i: u32) {
      var row = 0u;
      var id = i32(i - min(i, u.rows));
      if (i < u.rows) { row = i + 1u; id = ids[i]; }
      while (row < u.rows && ids[row] != id) { row++; }
      links[i] = row;
    }`,
});

// Thread i computes element i of dTokens [V, C], or element i - V * C of dPositions [T, C].
const backwardShader = shader({
  name: 'embeddingBackward',
  buffers: { dTokens: '>f32', dPositions: '>f32?', dOut: 'f32', links: 'u32' },
  numbers: { B: 'u32', T: 'u32', C: 'u32', V: 'u32' },
  code: `
    fn run(i: u32) {
      let rows = u.B * u.T;
      let c = i % u.C;
      if (i < u.V * u.C) {
        var sum = dTokens[i];
        for (var row = links[rows + i / u.C]; row < rows; row = links[row]) { sum += dOut[row * u.C + c]; }
        dTokens[i] = sum;
      } else if (has_dPositions) {
        let t = i / u.C - u.V;
        var sum = dPositions[t * u.C + c];
        for (var row = t; row < rows; row += u.T) { sum += dOut[row * u.C + c]; }
        dPositions[t * u.C + c] = sum;
      }
    }`,
});

export function embeddingKernels(queue: Queue): Pick<Kernels, 'embedding' | 'embeddingBackward'> {
  return {
    embedding(out, ids, tokens, positions, { B, T, C, start }) {
      const V = Math.floor(tokens.length / C);
      queue.run(embeddingShader, { out, ids, tokens, positions }, { T, C, V, start }, { count: B * T * C });
    },
    embeddingBackward(dTokens, dPositions, dOut, ids, { B, T, C }) {
      const rows = B * T;
      const V = Math.floor(dTokens.length / C);
      queue.withScratch(rows + V, (links) => {
        queue.run(
          chainShader,
          { links, ids },
          { rows },
          { count: rows + V, work: (rows + V) * Math.min(rows, V) },
        );
        const count = (dPositions ? V + T : V) * C;
        const work = (dPositions ? 4 : 2) * (rows + V) * C;
        queue.run(backwardShader, { dTokens, dPositions, dOut, links }, { B, T, C, V }, { count, work });
      });
    },
  };
}
