// Requirements on every engine apart from its kernels: buffers, copies, order, errors.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { assertSame } from './support.ts';

/** Tests on one engine, which is created for them and then disposed of. */
export function backendTests(
  open: () => Promise<Backend>,
  { blocks = true }: { blocks?: boolean } = {},
): void {
  describe('buffers', () => {
    let backend: Backend;
    before(async () => {
      backend = await open();
    });
    after(() => backend.dispose());

    test('write and read keep every dtype, at offsets too', async () => {
      for (const data of [
        Float32Array.of(1.5, -2.25, 3e-39, Number.NaN, Number.POSITIVE_INFINITY, -0),
        Int32Array.of(0, -1, 2 ** 31 - 1, -(2 ** 31)),
        Int8Array.of(-128, 127, 0, 5, -6),
      ]) {
        const dtype = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'i8';
        const buffer = backend.alloc(dtype, data.length + 3);
        assert.equal(buffer.length, data.length + 3);
        assert.equal(buffer.dtype, dtype);
        backend.write(buffer, data, 2);
        assertSame(await backend.read(buffer, 2, data.length), data, 'read');
        if (blocks) assertSame(backend.readSync(buffer, 3, 2), data.subarray(1, 3), 'readSync');
        else assert.throws(() => backend.readSync(buffer, 3, 2), /^Error: readSync: .*: use `read`/);
        const out = data.slice(0, 2).fill(0);
        assert.equal(await backend.readInto(out, buffer, 3), out);
        assertSame(out, data.subarray(1, 3), 'readInto');
        await assert.rejects(backend.readInto(out, buffer, data.length + 2));
        await assert.rejects(backend.readInto(dtype === 'i8' ? new Int32Array(1) : new Int8Array(1), buffer));
        assert.equal((await backend.read(buffer)).length, data.length + 3);
        assert.equal((await backend.read(buffer, 2)).length, data.length + 1);
        backend.free(buffer);
      }
    });

    test('what is written may be changed at once, what was read is a copy', async () => {
      const buffer = backend.alloc('f32', 100_000);
      const data = new Float32Array(100_000).fill(7);
      backend.write(buffer, data);
      data.fill(8);
      const copy = await backend.read(buffer);
      assert.ok(copy.every((x) => x === 7));
      copy.fill(9);
      assert.equal((await backend.read(buffer))[0], 7);
      backend.free(buffer);
    });

    test('kernels run in the order of their calls', async () => {
      const n = 50_000;
      const a = backend.alloc('f32', n);
      const b = backend.alloc('f32', n);
      const pending: Promise<ArrayLike<number>>[] = [];
      backend.kernels.fill(a, 1);
      for (let i = 0; i < 20; i++) {
        backend.kernels.copy(b, a);
        backend.kernels.add(a, a, b); // doubles
        pending.push(backend.read(a, n - 1, 1));
      }
      const seen = (await Promise.all(pending)).map((x) => x[0]);
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, i) => 2 ** (i + 1)),
      );
      backend.free(a);
      backend.free(b);
    });

    test('a buffer may be freed while queued kernels still use it', async () => {
      const n = 200_000;
      const out = backend.alloc('f32', n);
      backend.kernels.fill(out, 0);
      for (let i = 1; i <= 10; i++) {
        const x = backend.alloc('f32', n);
        backend.kernels.fill(x, i);
        backend.kernels.add(out, out, x);
        backend.free(x);
      }
      assert.equal((await backend.read(out, n - 1, 1))[0], 55);
      backend.free(out);
    });

    test('freed buffers are reused, counted, and given up by trim', () => {
      backend.trim();
      const start = backend.memory();
      const a = backend.alloc('f32', 1000);
      const b = backend.alloc('i8', 1000);
      const both = backend.memory();
      assert.equal(both.live, start.live + 2);
      assert.equal(both.liveBytes, start.liveBytes + 5000);
      backend.free(a);
      assert.equal(backend.memory().pooled, 1);
      assert.equal(backend.memory().pooledBytes, 4000);
      const again = backend.alloc('f32', 1000);
      assert.equal(backend.memory().pooled, 0);
      backend.free(again);
      backend.free(b);
      backend.trim();
      const end = backend.memory();
      assert.deepEqual(
        [end.live, end.liveBytes, end.pooled, end.pooledBytes],
        [start.live, start.liveBytes, 0, 0],
      );
      assert.ok(end.peakBytes >= start.liveBytes + 5000);
    });

    test('sync lets the event loop turn', async () => {
      let turned = false;
      setImmediate(() => {
        turned = true;
      });
      for (let i = 0; i < 5 && !turned; i++) await backend.sync();
      assert.ok(turned);
    });
  });

  describe('errors', () => {
    let backend: Backend;
    before(async () => {
      backend = await open();
    });
    after(() => backend.dispose());

    test('a buffer is freed once, on its own engine', async () => {
      const buffer = backend.alloc('f32', 3);
      backend.free(buffer);
      assert.throws(() => backend.free(buffer), /freed twice|another engine/);
      assert.throws(() => backend.free({ dtype: 'f32', length: 3 }), /freed twice|another engine/);
    });

    test('a length that is no length', () => {
      for (const length of [-1, 1.5, Number.NaN]) assert.throws(() => backend.alloc('f32', length), /length/);
    });

    test('reading and writing outside a buffer, or another dtype', async () => {
      const buffer = backend.alloc('f32', 4);
      assert.throws(() => backend.write(buffer, new Float32Array(5)), Error);
      assert.throws(() => backend.write(buffer, new Float32Array(2), 3), Error);
      assert.throws(() => backend.write(buffer, new Int32Array(2)), Error);
      await assert.rejects(async () => backend.read(buffer, 2, 3), Error);
      assert.throws(() => backend.readSync(buffer, -1, 2), Error);
      backend.free(buffer);
    });

    test('what does not fit is named, with kernel and argument', () => {
      const [small, large] = [backend.alloc('f32', 5), backend.alloc('f32', 6)];
      const ids = backend.alloc('i32', 6);
      const { kernels } = backend;
      assert.throws(() => kernels.matmul(small, large, large, { m: 2, n: 3, k: 2 }), /matmul.*out.*5.*6/);
      assert.throws(() => kernels.matmul(large, small, large, { m: 2, n: 3, k: 3 }), /matmul.*\ba\b.*5.*6/);
      const relu = { activation: { kind: 'relu' }, slope: { kind: 'relu', x: large } } as const;
      for (const clash of [
        { ...relu },
        { activation: relu.activation, accumulate: true },
        { slope: relu.slope, accumulate: true },
      ])
        assert.throws(
          () => kernels.matmul(large, large, large, { m: 2, n: 3, k: 2, ...clash }),
          /matmul.*slope/,
        );
      assert.throws(
        () => kernels.layernorm(large, large, large, small, large, null, { rows: 2, cols: 3, eps: 0 }),
        /layernorm.*\bx\b.*5.*6/,
      );
      assert.throws(
        () => kernels.crossEntropy(large, large, large, small, { rows: 2, cols: 3 }),
        /crossEntropy.*targets.*f32/,
      );
      assert.throws(() => kernels.add(large, small, large), /add/);
      assert.throws(() => kernels.fill(ids, Number.NaN) ?? kernels.add(ids, large, large), /add|fill/);
      for (const buffer of [small, large, ids]) backend.free(buffer);
    });

    test('a dropout that would drop everything, and a cache that overflows', () => {
      const x = backend.alloc('f32', 12);
      const options = { seed: 1, step: 1, site: 1, offset: 0 };
      for (const p of [1, -0.1, Number.NaN]) {
        assert.throws(() => backend.kernels.dropout(x, x, { p, ...options }), /dropout/);
      }
      const shape = { B: 1, T: 2, H: 1, hs: 1, scale: 1, start: 3, capacity: 4 };
      assert.throws(() => backend.kernels.attentionCached(x, x, x, x, shape), /attentionCached/);
      backend.free(x);
    });
  });
}
