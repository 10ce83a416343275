// Tests the definition: the reference engine against closed forms, and against the same mathematics written
// differently.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Activation,
  type DeviceBuffer,
  type Dropout,
  type HostArray,
  STATISTICS_HEADER,
} from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { philox } from '../../src/base/philox.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { assertClose, assertSame } from './support.ts';

const backend = createReference();
const { kernels } = backend;
const random = createRandom({ seed: 4 });
const flag = backend.alloc('f32', 1);

const zeros = (n: number): DeviceBuffer => put(new Float32Array(n));
const normals = (n: number): Float32Array => Float32Array.from({ length: n }, () => random.normal());
const values = (b: DeviceBuffer): Float32Array => backend.readSync(b) as Float32Array;
/** Calls a kernel and waits for it: after a tenth of a second of work the engine defers kernels. */
function now(kernel: () => void): void {
  kernel();
  backend.readSync(flag);
}
function put(data: HostArray): DeviceBuffer {
  const dtype = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'i8';
  const buffer = backend.alloc(dtype, data.length);
  backend.write(buffer, data);
  return buffer;
}

describe('reference engine', () => {
  test('freed memory is filled with NaN', () => {
    const buffer = put(Float32Array.of(1, 2, 3));
    backend.free(buffer);
    const again = backend.alloc('f32', 3);
    assertSame(values(again), Float32Array.of(Number.NaN, Number.NaN, Number.NaN), 'freed');
  });
});

describe('matmul', () => {
  for (const [m, n, k] of [
    [1, 1, 1],
    [3, 5, 300],
    [4, 4, 256],
    [5, 3, 257],
    [17, 9, 600],
  ]) {
    test(`${m} x ${n} x ${k} is the triple loop, stored either way`, () => {
      const [a, b, bias, before] = [normals(m * k), normals(k * n), normals(n), normals(m * n)];
      const want = new Float64Array(m * n);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          for (let p = 0; p < k; p++) want[i * n + j] += a[i * k + p] * b[p * n + j];
        }
      }
      for (const transA of [false, true]) {
        for (const transB of [false, true]) {
          const A = put(transA ? transposed(a, m, k) : a);
          const B = put(transB ? transposed(b, k, n) : b);
          const out = put(before);
          kernels.matmul(out, A, B, { m, n, k, transA, transB });
          assertClose(values(out), want, 'product', 1e-6);
          kernels.matmul(out, A, B, { m, n, k, transA, transB, bias: put(bias) });
          assertClose(
            values(out),
            want.map((x, i) => x + bias[i % n]),
            'with bias',
            1e-6,
          );
          kernels.matmul(out, A, B, { m, n, k, transA, transB, bias: put(bias), accumulate: true });
          assertClose(
            values(out),
            want.map((x, i) => 2 * (x + bias[i % n])),
            'accumulated',
            1e-6,
          );
        }
      }
    });
  }
});

function transposed(x: Float32Array, rows: number, cols: number): Float32Array {
  return Float32Array.from({ length: rows * cols }, (_, i) => x[(i % rows) * cols + Math.floor(i / rows)]);
}

describe('elementwise', () => {
  test('copy within one buffer may overlap', () => {
    const x = put(Float32Array.of(1, 2, 3, 4, 5));
    kernels.copy(x, x, 1, 0, 4);
    assert.deepEqual([...values(x)], [1, 1, 2, 3, 4]);
    assert.throws(() => kernels.copy(x, x, 3, 0, 3), /copy: out has 5 elements, 3 from 3 on do not fit/);
    assert.throws(() => kernels.copy(x, put(new Int32Array(5))), /copy: out is f32, x is i32/);
  });

  test('sums', () => {
    const x = put(Float32Array.of(1, 2, 3, 4, 5, 6));
    const out = put(Float32Array.of(10, 20, 30));
    kernels.sumRows(out, x, 2, 3);
    assert.deepEqual([...values(out)], [15, 27, 39]);
    kernels.sumSquares(out, x, false);
    assert.equal(values(out)[0], 91);
    kernels.sumSquares(out, x, true);
    assert.equal(values(out)[0], 182);
    kernels.axpy(x, x, -0.5);
    assert.deepEqual([...values(x)], [0.5, 1, 1.5, 2, 2.5, 3]);
  });
});

describe('embedding', () => {
  test('adds the position, and sends gradients back where they came from', () => {
    const shape = { B: 2, T: 2, C: 2, start: 1 };
    const ids = put(Int32Array.of(2, 0, 2, 1));
    const out = zeros(8);
    const tokens = put(Float32Array.of(1, 2, 3, 4, 5, 6));
    const positions = put(Float32Array.of(100, 100, 10, 20, 30, 40));
    kernels.embedding(out, ids, tokens, positions, shape);
    assert.deepEqual([...values(out)], [15, 26, 31, 42, 15, 26, 33, 44]);
    const [dTokens, dPositions] = [put(Float32Array.of(1, 0, 0, 0, 0, 0)), zeros(4)];
    kernels.embeddingBackward(dTokens, dPositions, put(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)), ids, shape);
    assert.deepEqual([...values(dTokens)], [4, 4, 7, 8, 6, 8]);
    assert.deepEqual([...values(dPositions)], [6, 8, 10, 12]);
  });

  test('an id outside the table is named', () => {
    const shape = { B: 1, T: 2, C: 2, start: 0 };
    for (const id of [-1, 3]) {
      assert.throws(
        () => now(() => kernels.embedding(zeros(4), put(Int32Array.of(0, id)), zeros(6), null, shape)),
        new RegExp(`embedding: ids\\[1\\] is ${id}: it must be from 0 to 2`),
      );
    }
  });
});

describe('normalisation', () => {
  test('layernorm of 1, 2, 3, 4', () => {
    const [out, mean, rstd] = [zeros(4), zeros(1), zeros(1)];
    const x = put(Float32Array.of(1, 2, 3, 4));
    const [weight, bias] = [put(Float32Array.of(1, 1, 2, 2)), put(Float32Array.of(0, 1, 0, 1))];
    kernels.layernorm(out, mean, rstd, x, weight, bias, { rows: 1, cols: 4, eps: 0 });
    const s = 1 / Math.sqrt(1.25);
    assertClose(values(mean), [2.5], 'mean', 1e-7);
    assertClose(values(rstd), [s], 'rstd', 1e-7);
    assertClose(values(out), [-1.5 * s, -0.5 * s + 1, 2 * 0.5 * s, 2 * 1.5 * s + 1], 'out', 1e-7);
  });

  test('rmsnorm of 3, 4', () => {
    const [out, rrms] = [zeros(2), zeros(1)];
    kernels.rmsnorm(out, rrms, put(Float32Array.of(3, 4)), put(Float32Array.of(1, 2)), {
      rows: 1,
      cols: 2,
      eps: 0,
    });
    assertClose(values(rrms), [1 / Math.sqrt(12.5)], 'rrms', 1e-7);
    assertClose(values(out), [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)], 'out', 1e-7);
  });

  test('accumulate adds to dx; parameters always accumulate', () => {
    const [rows, cols] = [3, 7];
    const [x, weight, dOut] = [put(normals(rows * cols)), put(normals(cols)), put(normals(rows * cols))];
    const [mean, rstd, dx, dWeight, dBias] = [
      zeros(rows),
      zeros(rows),
      zeros(rows * cols),
      zeros(cols),
      zeros(cols),
    ];
    kernels.layernorm(zeros(rows * cols), mean, rstd, x, weight, null, { rows, cols, eps: 1e-5 });
    for (const accumulate of [false, true]) {
      kernels.layernormBackward(dx, dWeight, dBias, dOut, x, weight, mean, rstd, { rows, cols, accumulate });
    }
    const [once, weightOnce] = [zeros(rows * cols), zeros(cols)];
    kernels.layernormBackward(once, weightOnce, null, dOut, x, weight, mean, rstd, {
      rows,
      cols,
      accumulate: false,
    });
    assertClose(
      values(dx),
      values(once).map((g) => 2 * g),
      'dx',
      1e-6,
    );
    assertClose(
      values(dWeight),
      values(weightOnce).map((g) => 2 * g),
      'dWeight',
      1e-6,
    );
    const sums = Float32Array.from({ length: cols }, (_, c) =>
      values(dOut).reduce((sum, g, i) => (i % cols === c ? sum + 2 * g : sum), 0),
    );
    assertClose(values(dBias), sums, 'dBias', 1e-6);
  });
});

describe('activation', () => {
  const at = (kind: Activation, x: number[]): { f: number[]; slope: number[] } => {
    const [X, out, dx] = [put(Float32Array.from(x)), zeros(x.length), zeros(x.length)];
    kernels.activation(out, X, kind);
    kernels.activationBackward(dx, put(new Float32Array(x.length).fill(1)), X, kind);
    return { f: [...values(out)], slope: [...values(dx)] };
  };

  test('relu and relu2, with their derivatives at and around 0', () => {
    assert.deepEqual(at('relu', [-2, 0, 3]), { f: [0, 0, 3], slope: [0, 0, 1] });
    assert.deepEqual(at('relu2', [-2, 0, 3]), { f: [0, 0, 9], slope: [0, 0, 6] });
  });

  test('gelu by tabulated values of the normal distribution', () => {
    const { f, slope } = at('gelu', [0, 1, -1, 2, -5, 40, -40]);
    assertClose(
      f,
      [0, 0.8413447460685429, -0.15865525393145705, 1.9544997361036416, -5 * 2.8665157187919391e-7, 40, 0],
      'gelu',
      1e-8,
    );
    assert.ok(Math.abs(f[4] / (-5 * 2.8665157187919391e-7) - 1) < 1e-6, 'the tail is right too');
    assertClose(
      slope,
      [0.5, 1.0833154705876864, -0.08331547058768629, 1.0852318, -7.147e-6, 1, 0],
      'slope',
      1e-7,
    );
  });

  test('gelu-tanh is within 5e-4 of gelu, as GPT-2 computes it', () => {
    const { f, slope } = at('gelu-tanh', [0, 1, -1, 2, -5, 40, -40]);
    const want = [0, 0.8411919906082768, -0.1588080093917232, 1.954597694087775, -2.2917961972e-7, 40, 0];
    assertClose(f, want, 'gelu-tanh', 1e-8);
    assertClose(
      slope,
      [0.5, 1.0829640838457826, -0.0829640838457826, 1.0860993, -1.546e-6, 1, 0],
      'slope',
      1e-7,
    );
    const x = Array.from({ length: 161 }, (_, i) => (i - 80) / 10);
    const [exact, other] = [at('gelu', x), at('gelu-tanh', x)];
    const apart = Math.max(...exact.f.map((v, i) => Math.abs(v - other.f[i])));
    assert.ok(apart > 4e-4 && apart < 5e-4, `${apart}`);
  });

  test('silu', () => {
    const { f, slope } = at('silu', [0, 1, -1, 200, -200]);
    assertClose(f, [0, 0.7310585786300049, -0.2689414213699951, 200, 0], 'silu', 1e-8);
    assertClose(slope, [0.5, 0.9276705118714867, 0.07232948812851325, 1, 0], 'slope', 1e-7);
  });
});

/** The multiplier of element i, computed directly from the text of the contract. */
function keptOrNot(i: number, { p, seed, step, site }: Dropout): number {
  const g = Math.floor(i / 64) * 16 + (i % 16);
  const counter = [g % 2 ** 32, Math.floor(g / 2 ** 32), site, step];
  const word = philox(counter, [seed % 2 ** 32, Math.floor(seed / 2 ** 32)])[Math.floor(i / 16) % 4];
  return word >= Math.floor(p * 2 ** 32) ? 1 / (1 - p) : 0;
}

describe('dropout', () => {
  const mask = (n: number, options: Dropout): Float32Array => {
    const out = zeros(n);
    kernels.dropout(out, put(new Float32Array(n).fill(1)), options);
    return values(out);
  };

  test('keeps what the contract says, element by element', () => {
    for (const offset of [0, 64, 37, 2 ** 36 + 5]) {
      const options = { p: 0.3, seed: 2 ** 45 + 3, step: 9, site: 8, offset };
      assertSame(
        mask(300, options),
        Float32Array.from({ length: 300 }, (_, i) => keptOrNot(offset + i, options)),
        `offset ${offset}`,
      );
    }
  });

  test('drops its share, and differently for each seed, step and site', () => {
    const options = { p: 0.2, seed: 1, step: 2, site: 3, offset: 0 };
    const first = mask(100_000, options);
    const share = first.filter((x) => x === 0).length / first.length;
    assert.ok(Math.abs(share - 0.2) < 0.005, `${share} dropped`);
    for (const other of [{ seed: 2 }, { step: 3 }, { site: 4 }, { offset: 1 }]) {
      const second = mask(100_000, { ...options, ...other });
      const both = second.filter((x, i) => x === 0 && first[i] === 0).length / first.length;
      assert.ok(Math.abs(both - 0.04) < 0.004, `${JSON.stringify(other)}: ${both} dropped twice`);
    }
  });
});

describe('attention', () => {
  const [B, T, H, hs] = [2, 21, 3, 7];
  const shape = { B, T, H, hs, scale: 0.3 };
  const qkv = normals(B * T * 3 * H * hs);
  /** q (0), k (1) or v (2) of sequence b, token t, head h. */
  const vector = (x: Float32Array, which: number, b: number, t: number, h: number): Float32Array => {
    const at = (((b * T + t) * 3 + which) * H + h) * hs;
    return x.subarray(at, at + hs);
  };
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);

  /**
   * The T x T matrices in full: probabilities and mask of head h of sequence b, and the log of the sum.
   */
  function materialised(x: Float32Array, b: number, h: number, dropout: Dropout | null) {
    const rows = Array.from({ length: T }, (_, t) => {
      const e = Array.from({ length: T }, (_, s) =>
        s <= t ? Math.exp(shape.scale * dot(vector(x, 0, b, t, h), vector(x, 1, b, s, h))) : 0,
      );
      const sum = e.reduce((a, c) => a + c, 0);
      const first = (dropout?.offset ?? 0) + ((b * H + h) * T + t) * 64;
      return {
        p: e.map((y) => y / sum),
        mask: e.map((_, s) => (dropout ? keptOrNot(first + s, dropout) : 1)),
        lse: Math.log(sum),
      };
    });
    return rows;
  }

  for (const dropout of [null, { p: 0.4, seed: 3, step: 1, site: 2, offset: 128 }]) {
    test(`equals the materialised softmax${dropout ? ' with dropout' : ''}`, () => {
      const [out, lse] = [zeros(B * T * H * hs), zeros(B * H * T)];
      kernels.attention(out, lse, put(qkv), shape, dropout);
      const want = new Float64Array(B * T * H * hs);
      const wantLse = new Float64Array(B * H * T);
      for (let b = 0; b < B; b++) {
        for (let h = 0; h < H; h++) {
          for (const [t, { p, mask, lse }] of materialised(qkv, b, h, dropout).entries()) {
            wantLse[(b * H + h) * T + t] = lse;
            for (let s = 0; s < T; s++) {
              for (let c = 0; c < hs; c++) {
                want[((b * T + t) * H + h) * hs + c] += mask[s] * p[s] * vector(qkv, 2, b, s, h)[c];
              }
            }
          }
        }
      }
      assertClose(values(out), want, 'out', 1e-6);
      assertClose(values(lse), wantLse, 'lse', 1e-6);
    });
  }

  test('probabilities', () => {
    const probs = zeros(B * H * T * T);
    kernels.attentionProbabilities(probs, put(qkv), shape);
    const want: number[] = [];
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) want.push(...materialised(qkv, b, h, null).flatMap(({ p }) => p));
    }
    assertClose(values(probs), want, 'probs', 1e-6);
  });

  test('the future changes nothing', () => {
    const [out, changed, lse] = [zeros(B * T * H * hs), zeros(B * T * H * hs), zeros(B * H * T)];
    kernels.attention(out, lse, put(qkv), shape, null);
    const later = qkv.slice();
    for (let b = 0; b < B; b++) later.fill(9, (b * T + T - 1) * 3 * H * hs, (b * T + T) * 3 * H * hs);
    kernels.attention(changed, lse, put(later), shape, null);
    for (let b = 0; b < B; b++) {
      const [from, to] = [b * T * H * hs, (b * T + T - 1) * H * hs];
      assertSame(values(changed).subarray(from, to), values(out).subarray(from, to), 'the past');
    }
  });

  for (const pieces of [[T], [1, 1, 19], [7, 9, 5], Array(T).fill(1)]) {
    test(`cached, in pieces of ${pieces.join(', ')}, equals the whole`, () => {
      const capacity = T + 3;
      const [out, lse] = [zeros(B * T * H * hs), zeros(B * H * T)];
      kernels.attention(out, lse, put(qkv), shape, null);
      const [keys, cached] = [zeros(B * H * capacity * hs), zeros(B * H * capacity * hs)];
      let start = 0;
      for (const n of pieces) {
        const part = new Float32Array(B * n * 3 * H * hs);
        const want = new Float32Array(B * n * H * hs);
        for (let b = 0; b < B; b++) {
          const from = b * T + start;
          part.set(qkv.subarray(from * 3 * H * hs, (from + n) * 3 * H * hs), b * n * 3 * H * hs);
          want.set(values(out).subarray(from * H * hs, (from + n) * H * hs), b * n * H * hs);
        }
        const piece = zeros(B * n * H * hs);
        kernels.attentionCached(piece, keys, cached, put(part), { ...shape, T: n, start, capacity });
        assertClose(values(piece), want, `tokens from ${start} on`, 1e-6);
        start += n;
      }
    });
  }
});

describe('rope', () => {
  const [B, T, H, hs, base] = [2, 5, 2, 7, 100];
  const turned = (x: Float32Array, start: number, inverse = false): Float32Array => {
    const out = zeros(x.length);
    kernels.rope(out, put(x), { B, T, H, hs, start, base, inverse });
    return values(out);
  };
  const qkv = normals(B * T * 3 * H * hs);

  test('turns columns i and i + 3 of 7, leaves the last one and v alone', () => {
    const got = turned(qkv, 4);
    for (let i = 0; i < qkv.length; i++) {
      const [c, which, t] = [i % hs, Math.floor(i / (H * hs)) % 3, Math.floor(i / (3 * H * hs)) % T];
      let want = qkv[i];
      if (which < 2 && c < 6) {
        const angle = (4 + t) * base ** (-(2 * (c % 3)) / 6);
        want =
          c < 3
            ? qkv[i] * Math.cos(angle) - qkv[i + 3] * Math.sin(angle)
            : qkv[i] * Math.cos(angle) + qkv[i - 3] * Math.sin(angle);
      }
      assert.ok(Math.abs(got[i] - want) < 1e-6, `element ${i}: ${got[i]}, want ${want}`);
    }
  });

  test('the inverse turns back, and scores depend on distances only', () => {
    assertClose(turned(turned(qkv, 11), 11, true), qkv, 'there and back', 1e-6);
    const score = (x: Float32Array): number => {
      let sum = 0; // q of token 4 with k of token 1, first head
      for (let c = 0; c < hs; c++) sum += x[4 * 3 * H * hs + c] * x[(1 * 3 + 1) * H * hs + c];
      return sum;
    };
    assert.ok(Math.abs(score(turned(qkv, 0)) - score(turned(qkv, 57))) < 1e-5);
  });
});

describe('cross-entropy', () => {
  test('of equal logits is log V; of a certain one 0; of large ones finite', () => {
    const [losses, lse] = [zeros(3), zeros(3)];
    const logits = put(Float32Array.of(2, 2, 2, 2, 0, 90, 0, 0, 1e4, 0, -1e4, 0));
    const targets = put(Int32Array.of(3, 1, 1));
    kernels.crossEntropy(losses, lse, logits, targets, { rows: 3, cols: 4 });
    assertClose(values(losses), [Math.log(4), 0, 1e4], 'losses', 1e-7);
    assertClose(values(lse), [2 + Math.log(4), 90, 1e4], 'lse', 1e-7);
    const d = zeros(12);
    kernels.crossEntropyBackward(d, logits, lse, targets, { rows: 3, cols: 4, factor: 4 });
    assertClose(values(d), [1, 1, 1, -3, 0, 0, 0, 0, 4, -4, 0, 0], 'dLogits', 1e-6);
  });

  test('a target outside the vocabulary is named', () => {
    for (const target of [-1, 4]) {
      assert.throws(
        () =>
          now(() =>
            kernels.crossEntropy(zeros(1), zeros(1), zeros(4), put(Int32Array.of(target)), {
              rows: 1,
              cols: 4,
            }),
          ),
        new RegExp(`crossEntropy: targets\\[0\\] is ${target}: it must be from 0 to 3`),
      );
    }
  });
});

describe('optimizers', () => {
  test('adamw: five steps by the book', () => {
    const options = { lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-6, weightDecay: 0.1, gradScale: 0.5 };
    const [param, m, v] = [put(Float32Array.of(1, -2, 0)), zeros(3), zeros(3)];
    const grads = [0.3, -0.1, 0];
    const [x, mean, square] = [
      [1, -2, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    for (let t = 1; t <= 5; t++) {
      kernels.adamw(param, put(Float32Array.from(grads, (g) => g * t)), m, v, { ...options, t });
      for (const [i, grad] of grads.entries()) {
        const g = 0.5 * grad * t;
        x[i] *= 1 - 0.01 * 0.1;
        mean[i] += 0.1 * (g - mean[i]);
        square[i] += 0.01 * (g * g - square[i]);
        x[i] -= (0.01 * (mean[i] / (1 - 0.9 ** t))) / (Math.sqrt(square[i] / (1 - 0.99 ** t)) + 1e-6);
      }
      assertClose(values(param), x, `step ${t}`, 1e-6);
    }
    assertClose(values(m), mean, 'm', 1e-6);
    assertClose(values(v), square, 'v', 1e-6);
  });

  test('sgd with and without momentum', () => {
    const [param, velocity, grad] = [put(Float32Array.of(1)), zeros(1), put(Float32Array.of(2))];
    const options = { lr: 0.1, momentum: 0.5, weightDecay: 0, gradScale: 1 };
    kernels.sgd(param, grad, velocity, options);
    kernels.sgd(param, grad, velocity, options);
    assertClose(values(param), [1 - 0.2 - 0.3], 'two steps', 1e-6);
    kernels.sgd(param, grad, null, { ...options, momentum: 0, weightDecay: 1, gradScale: 0 });
    assertClose(values(param), [0.45], 'decay alone', 1e-6);
    assert.throws(() => kernels.sgd(param, grad, null, options), /sgd: momentum 0.5 needs a velocity buffer/);
  });
});

describe('statistics', () => {
  test('by hand', () => {
    const out = zeros(STATISTICS_HEADER + 4);
    const active = put(Int32Array.of(5, 0, 0));
    const x = put(Float32Array.of(1, -1, 0, 2.5, Number.NaN, 9));
    kernels.statistics(out, active, x, { rows: 2, cols: 3, lo: 0, hi: 4, bins: 4 });
    assert.deepEqual([...values(out)], [11.5, 89.25, -1, 9, 2, 1, 2, 1, 1, 1]);
    assert.deepEqual([...backend.readSync(active)], [7, 0, 1]);
  });
});

describe('int8', () => {
  test('rows come back to within half a step, scales are max / 127', () => {
    const [rows, cols] = [5, 60];
    const x = normals(rows * cols);
    const [q, scale, back] = [put(new Int8Array(rows * cols)), zeros(rows), zeros(rows * cols)];
    kernels.quantizeRows(q, scale, put(x), rows, cols);
    kernels.dequantizeRows(back, q, scale, rows, cols);
    for (let r = 0; r < rows; r++) {
      const row = x.subarray(r * cols, (r + 1) * cols);
      const step = Math.max(...row.map(Math.abs)) / 127;
      assertClose([values(scale)[r]], [step], 'scale', 1e-7);
      row.forEach((value, c) => {
        assert.ok(Math.abs(values(back)[r * cols + c] - value) <= 0.5001 * step);
      });
    }
  });

  test('halves go to the even neighbour', () => {
    const x = Float32Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.49, -3.51);
    const [q, scale] = [put(new Int8Array(9)), zeros(1)];
    kernels.quantizeRows(q, scale, put(x), 1, 9);
    assert.deepEqual([...backend.readSync(q)], [127, 0, 2, 2, 0, -2, -2, 3, -4]);
  });

  test('linearInt8 is the product with the dequantised weight, and with the dequantised activations too', () => {
    const [m, n, k] = [3, 5, 40];
    const [x, bias] = [put(normals(m * k)), put(normals(n))];
    const [q, scale, weight] = [put(new Int8Array(n * k)), zeros(n), zeros(n * k)];
    kernels.quantizeRows(q, scale, put(normals(n * k)), n, k);
    kernels.dequantizeRows(weight, q, scale, n, k);
    const [want, got] = [zeros(m * n), zeros(m * n)];
    kernels.matmul(want, x, weight, { m, n, k, transB: true, bias });
    kernels.linearInt8(got, x, q, scale, bias, { m, n, k, activations: 'f32' });
    assertClose(values(got), values(want), 'weight only', 1e-6);

    const [xq, xScale, rounded] = [put(new Int8Array(m * k)), zeros(m), zeros(m * k)];
    kernels.quantizeRows(xq, xScale, x, m, k);
    kernels.dequantizeRows(rounded, xq, xScale, m, k);
    kernels.matmul(want, rounded, weight, { m, n, k, transB: true, bias });
    kernels.linearInt8(got, x, q, scale, bias, { m, n, k, activations: 'int8' });
    assertClose(values(got), values(want), 'int8 x int8', 1e-6);
  });

  test('embeddingInt8 is the embedding of the dequantised table', () => {
    const shape = { B: 2, T: 3, C: 9, start: 1 };
    const ids = put(Int32Array.of(3, 0, 1, 1, 2, 3));
    const [q, scale, table, positions] = [put(new Int8Array(36)), zeros(4), zeros(36), put(normals(36))];
    kernels.quantizeRows(q, scale, put(normals(36)), 4, 9);
    kernels.dequantizeRows(table, q, scale, 4, 9);
    const [want, got] = [zeros(54), zeros(54)];
    kernels.embedding(want, ids, table, positions, shape);
    kernels.embeddingInt8(got, ids, q, scale, positions, shape);
    assertClose(values(got), values(want), 'out', 1e-6);
  });

  test('an int32 sum that could overflow is refused', () => {
    const k = 133_145;
    const [x, weight] = [zeros(k), put(new Int8Array(k))];
    assert.throws(
      () => kernels.linearInt8(zeros(1), x, weight, zeros(1), null, { m: 1, n: 1, k, activations: 'int8' }),
      /linearInt8: k 133145 is above 133144/,
    );
  });
});
