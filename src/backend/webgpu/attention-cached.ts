// Attention in generation: few queries, many keys. The lanes of a group share the keys of one query. Read
// next: rope.ts.
import type { Kernels } from '../contract.ts';
import { attentionInFloat32 } from './attention.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { finite, isNan, safeExp } from './wgsl.ts';

// A group computes one row of out, 64 keys at a time: each lane the score of one key, then each lane its
// columns (c = lane, lane + 64, ...) of the sum of the values. New keys and values are read from qkv, since
// other groups are just writing them into the cache.
const cachedShader = shader({
  name: 'attentionCached',
  buffers: { out: '>f32', keys: '>f32', values: '>f32', qkv: 'f32', starts: 'i32?' },
  numbers: { T: 'u32', H: 'u32', scale: 'f32', start: 'u32', capacity: 'u32' },
  per: 'group',
  helpers: `${finite}${isNan}${safeExp}`,
  code: `
    var<workgroup> scores: array<f32, 64>;
    var<workgroup> begin: u32;
    // Where the query, key or value (which = 0, 1, 2) of token t begins in qkv.
    fn token(bh: u32, t: u32, which: u32) -> u32 {
      return (((bh / u.H * u.T + t) * 3u + which) * u.H + bh % u.H) * HS;
    }
    fn score(bh: u32, query: u32, s: u32, start: u32) -> f32 {
      var sum = 0.0;
      if (s < start) {
        let at = (bh * u.capacity + s) * HS;
        for (var c = 0u; c < HS; c++) { sum += qkv[query + c] * keys[at + c]; }
      } else {
        let at = token(bh, s - start, 1u);
        for (var c = 0u; c < HS; c++) { sum += qkv[query + c] * qkv[at + c]; }
      }
      return u.scale * sum;
    }
    fn value(bh: u32, s: u32, c: u32, start: u32) -> f32 {
      if (s < start) { return values[(bh * u.capacity + s) * HS + c]; }
      return qkv[token(bh, s - start, 2u) + c];
    }
    fn run(group: u32, lane: u32) {
      let t = group % u.T;
      let bh = group / u.T;
      let query = token(bh, t, 0u);
      // A loop with barriers needs a bound that WGSL knows to be the same in all lanes.
      if (lane == 0u) {
        begin = u.start;
        if (has_starts) { begin += u32(starts[bh / u.H]); }
      }
      var start = workgroupUniformLoad(&begin);
      let fits = start <= u.capacity && u.T <= u.capacity - start;
      if (!fits) { start = 0u; }
      let own = (bh * u.capacity + start + t) * HS;
      for (var c = lane; fits && c < HS; c += 64u) {
        keys[own + c] = qkv[token(bh, t, 1u) + c];
        values[own + c] = qkv[token(bh, t, 2u) + c];
      }
      var o: array<f32, (HS + 63) / 64>;
      var largest = -3.0e38;
      var sum = 0.0;
      let seen = start + t + 1u;
      for (var first = 0u; first < seen; first += 64u) {
        if (first + lane < seen) { scores[lane] = score(bh, query, first + lane, start); }
        workgroupBarrier();
        let count = min(64u, seen - first);
        var top = largest;
        for (var j = 0u; j < count; j++) { top = max(top, scores[j]); }
        let shrink = safe_exp(largest - top);
        sum *= shrink;
        for (var m = 0u; m < (HS + 63) / 64; m++) { o[m] *= shrink; }
        for (var j = 0u; j < count; j++) {
          let p = safe_exp(scores[j] - top);
          sum += p;
          for (var m = 0u; m < (HS + 63) / 64; m++) {
            let c = min(lane + 64u * m, HS - 1u);
            o[m] += p * value(bh, first + j, c, start);
          }
        }
        largest = top;
        workgroupBarrier();
      }
      for (var m = 0u; lane + 64u * m < HS; m++) {
        let at = ((bh / u.H * u.T + t) * u.H + bh % u.H) * HS + lane + 64u * m;
        out[at] = select(nan(), o[m] / sum, fits);
      }
    }`,
});

// One thread copies an element of a key and of a value.
const storeShader = shader({
  name: 'attentionCached, the cache',
  buffers: { keys: '>f32', values: '>f32', qkv: 'f32' },
  numbers: { T: 'u32', H: 'u32', hs: 'u32', capacity: 'u32' },
  code: `
    fn run(i: u32) {
      let c = i % u.hs;
      let t = i / u.hs % u.T;
      let bh = i / u.hs / u.T;
      let key = (((bh / u.H * u.T + t) * 3u + 1u) * u.H + bh % u.H) * u.hs + c;
      let at = (bh * u.capacity + t) * u.hs + c;
      keys[at] = qkv[key];
      values[at] = qkv[key + u.H * u.hs];
    }`,
});

/** Tokens from which on the beginning of a text is computed as in training: a thread for each row. */
const MANY = 16;

export function attentionCachedKernels(queue: Queue): Pick<Kernels, 'attentionCached'> {
  return {
    attentionCached(out, keys, values, qkv, { B, T, H, hs, scale, start, capacity }, starts = null) {
      if (start === 0 && T >= MANY && !starts) {
        attentionInFloat32(queue, out, qkv, { B, T, H, hs, scale });
        queue.run(storeShader, { keys, values, qkv }, { T, H, hs, capacity }, { count: B * H * T * hs });
        return;
      }
      queue.run(
        cachedShader,
        { out, keys, values, qkv, starts },
        { T, H, scale, start, capacity },
        { count: B * H * T, work: 4 * B * H * T * (start + T) * hs, constants: { HS: hs } },
      );
    },
  };
}
