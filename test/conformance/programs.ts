// Requirements on recorded programs, beyond giving the same bits as calls (runCase checks that).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend, DeviceBuffer, HostArray } from '../../src/backend/contract.ts';
import { assertSame } from './support.ts';

/** Shapes of products with a weight [n, k]: one row (generation), few, and many (a whole window). */
const shapes = [
  { m: 1, n: 45, k: 37 },
  { m: 3, n: 45, k: 37 },
  { m: 33, n: 70, k: 1030 },
];

/** Tests on one engine, which is created for them and then disposed of. */
export function programTests(open: () => Promise<Backend>): void {
  describe('programs', () => {
    let backend: Backend;
    before(async () => {
      backend = await open();
    });
    after(() => backend.dispose());

    const put = (data: HostArray): DeviceBuffer => {
      const dtype = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'i8';
      const buffer = backend.alloc(dtype, data.length);
      backend.write(buffer, data);
      return buffer;
    };
    const wave = (length: number, phase = 0): Float32Array =>
      Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7 + phase));

    test('nothing runs while it is recorded, and every replay runs all of it', async () => {
      const [sum, one] = [put(Float32Array.of(5)), put(Float32Array.of(1))];
      const program = backend.record(() => {
        backend.kernels.axpy(sum, one, 2);
        backend.kernels.axpy(sum, one, 1);
      });
      assert.equal((await backend.read(sum))[0], 5);
      for (let i = 0; i < 2000; i++) program.replay(0);
      assert.equal((await backend.read(sum))[0], 5 + 3 * 2000);
      backend.kernels.axpy(sum, one, 1); // calls and replays keep their order
      program.replay(0);
      backend.kernels.scale(sum, sum, 2);
      program.replay(0);
      program.dispose();
      assert.equal((await backend.read(sum))[0], (5 + 3 * 2000 + 1 + 3) * 2 + 3);
      for (const buffer of [sum, one]) backend.free(buffer);
    });

    for (const { m, n, k } of shapes) {
      test(`a replay sees what its weight has become since (${m} x ${n} x ${k})`, async () => {
        const [x, weight, step] = [put(wave(m * k)), put(wave(n * k, 1)), put(wave(n * k, 2))];
        const [out, want] = [backend.alloc('f32', m * n), backend.alloc('f32', m * n)];
        const product = (to: DeviceBuffer): void =>
          backend.kernels.matmul(to, x, weight, { m, n, k, transB: true });
        const program = backend.record(() => product(out));
        const agree = async (when: string): Promise<void> => {
          program.replay(0);
          product(want);
          assertSame(await backend.read(out), await backend.read(want), when);
        };
        await agree('first');
        backend.write(weight, wave(n * k, 3));
        await agree('after a write of all');
        backend.write(weight, Float32Array.of(7, 8), n * k - 2);
        await agree('after a write of the end');
        backend.kernels.axpy(weight, step, 0.5);
        await agree('after a kernel');
        const change = backend.record(() => backend.kernels.axpy(weight, step, 0.25));
        change.replay(0);
        await agree('after another program');
        change.replay(0);
        change.dispose();
        await agree('after the last replay of another program');
        program.dispose();
        for (const buffer of [x, weight, step, out, want]) backend.free(buffer);
      });

      test(`a program may change its own weight (${m} x ${n} x ${k})`, async () => {
        const run = async (replays: number): Promise<HostArray> => {
          const [x, weight, step] = [put(wave(m * k)), put(wave(n * k, 1)), put(wave(n * k, 2))];
          const out = put(new Float32Array(m * n));
          const work = (): void => {
            backend.kernels.matmul(out, x, weight, { m, n, k, transB: true, accumulate: true });
            backend.kernels.axpy(weight, step, 0.5);
          };
          if (replays === 0) for (let i = 0; i < 3; i++) work();
          else {
            const program = backend.record(work);
            for (let i = 0; i < replays; i++) program.replay(0);
            program.dispose();
          }
          const result = await backend.read(out);
          for (const buffer of [x, weight, step, out]) backend.free(buffer);
          return result;
        };
        assertSame(await run(3), await run(0), 'three replays against three calls');
      });
    }

    for (const m of [1, 6]) {
      test(`an int8 weight that changes, of ${m === 1 ? 'a product of one row' : `${m} rows`}`, async () => {
        const [n, k] = [70, 41];
        const bytes = (phase: number): Int8Array =>
          Int8Array.from({ length: n * k }, (_, i) => ((i + phase) * 89) % 128);
        const [x, scale, weight] = [put(wave(m * k)), put(wave(n, 1)), put(bytes(0))];
        const [out, want] = [backend.alloc('f32', m * n), backend.alloc('f32', m * n)];
        const product = (to: DeviceBuffer): void =>
          backend.kernels.linearInt8(to, x, weight, scale, null, { m, n, k, activations: 'int8' });
        const program = backend.record(() => product(out));
        const agree = async (phase: number): Promise<void> => {
          product(want);
          program.replay(0);
          const first = await backend.read(want);
          assertSame(await backend.read(out), first, `contents ${phase}`);
          product(want); // with the copy of the weight that the replay has made
          assertSame(await backend.read(want), first, `contents ${phase}, again`);
        };
        for (const phase of [0, 1, 2]) {
          backend.write(weight, bytes(phase));
          await agree(phase);
        }
        program.dispose();
        product(want);
        assertSame(await backend.read(want), await backend.read(out), 'without the program');
        for (const buffer of [x, scale, weight, out, want]) backend.free(buffer);
      });
    }

    test('two programs on one weight, of different shapes, in turns', async () => {
      const [n, k] = [40, 48];
      const [x, weight] = [put(wave(20 * k)), put(wave(n * k, 1))];
      const row = backend.alloc('f32', n);
      const rows = backend.alloc('f32', 20 * n);
      const turned = backend.alloc('f32', k); // the same weight, seen as [k, n]
      const { kernels } = backend;
      const programs = [
        backend.record(() => kernels.matmul(row, x, weight, { m: 1, n, k, transB: true })),
        backend.record(() => kernels.matmul(rows, x, weight, { m: 20, n, k, transB: true })),
        backend.record(() => kernels.matmul(turned, x, weight, { m: 1, n: k, k: n, transB: true })),
      ];
      const results = [];
      for (const phase of [1, 2]) {
        backend.write(weight, wave(n * k, phase));
        for (const program of programs) program.replay(0);
        for (const buffer of [row, rows, turned]) results.push(await backend.read(buffer));
      }
      for (const phase of [1, 2]) {
        backend.write(weight, wave(n * k, phase));
        const want = [row, rows, turned];
        kernels.matmul(row, x, weight, { m: 1, n, k, transB: true });
        kernels.matmul(rows, x, weight, { m: 20, n, k, transB: true });
        kernels.matmul(turned, x, weight, { m: 1, n: k, k: n, transB: true });
        for (const buffer of want)
          assertSame(results.shift() as HostArray, await backend.read(buffer), `phase ${phase}`);
      }
      for (const program of programs) program.dispose();
      for (const buffer of [x, weight, row, rows, turned]) backend.free(buffer);
    });

    test('what is freed while recording stays with the program until it ends', async () => {
      backend.trim();
      const start = backend.memory();
      const [x, out] = [put(wave(100)), backend.alloc('f32', 100)];
      const early = put(wave(100, 1));
      const program = backend.record(() => {
        for (let i = 0; i < 3; i++) {
          const doubled = backend.alloc('f32', 100);
          backend.kernels.add(doubled, x, x);
          backend.kernels.add(out, doubled, early);
          backend.free(doubled);
        }
        backend.free(early);
      });
      assert.equal(backend.memory().live, start.live + 4); // x, out, early, and one buffer three times
      const others = Array.from({ length: 4 }, () => put(new Float32Array(100).fill(9)));
      program.replay(0);
      const want = wave(100, 1).map((v, i) =>
        Math.fround(v + Math.fround(2 * Math.fround(Math.sin(i * 0.7)))),
      );
      assertSame(await backend.read(out), want, 'out');
      for (const other of others)
        assertSame(await backend.read(other), new Float32Array(100).fill(9), 'another buffer');
      program.dispose();
      for (const buffer of [x, out, ...others]) backend.free(buffer);
      backend.trim();
      const { live, liveBytes, pooled } = backend.memory();
      assert.deepEqual([live, liveBytes, pooled], [start.live, start.liveBytes, 0]);
    });

    test('replays queued before the end still run', async () => {
      const [sum, one] = [put(new Float32Array(300_000)), put(new Float32Array(300_000).fill(1))];
      const program = backend.record(() => backend.kernels.add(sum, sum, one));
      for (let i = 0; i < 10; i++) program.replay(0);
      program.dispose();
      assert.equal((await backend.read(sum, 299_999, 1))[0], 10);
      for (const buffer of [sum, one]) backend.free(buffer);
    });

    test('a start beyond the table or the cache, or one that is none', () => {
      const [ids, tokens, positions] = [put(Int32Array.of(1, 2)), put(wave(12)), put(wave(15))];
      const x = backend.alloc('f32', 6);
      const shape = { B: 1, T: 2, C: 3, start: 0 };
      const program = backend.record(() => backend.kernels.embedding(x, ids, tokens, positions, shape));
      program.replay(3);
      for (const start of [4, -1, 0.5, Number.NaN])
        assert.throws(() => program.replay(start), Error, `${start}`);
      program.dispose();
      for (const buffer of [ids, tokens, positions, x]) backend.free(buffer);
    });

    test('programs do not nest, and end once', async () => {
      const x = put(Float32Array.of(1));
      const { kernels } = backend;
      assert.throws(() => backend.record(() => void backend.record(() => {})), /recording/);
      assert.throws(
        () =>
          backend.record(() => {
            kernels.scale(x, x, 2);
            throw new RangeError('mine');
          }),
        RangeError,
      );
      kernels.scale(x, x, 3); // runs, since the recordings have ended
      assert.equal((await backend.read(x))[0], 3);
      const program = backend.record(() => kernels.scale(x, x, 2));
      assert.throws(() => backend.record(() => program.replay(0)), /record/);
      program.dispose();
      program.dispose(); // does nothing
      assert.throws(() => program.replay(0), /disposed/);
      backend.free(x);
    });
  });
}
