// The choice between the two shaders of the matrix product, on a clock of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceBuffer } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { chooseFaster } from '../../src/backend/webgpu/faster.ts';

/** A GPU whose products take these times, and much longer at first. */
function gpu(registers: number, tiles: number) {
  let time = 0;
  let products = 0;
  const live = new Set<DeviceBuffer>();
  const queue = { tiles: false };
  const measured = {
    queue,
    kernels: {
      ...createReference().kernels,
      matmul() {
        products++;
        time += (queue.tiles ? tiles : registers) + (products <= 8 ? 1000 * registers : 0);
      },
    },
    alloc(dtype: DeviceBuffer['dtype'], length: number) {
      const buffer = { dtype, length };
      live.add(buffer);
      return buffer;
    },
    free: (buffer: DeviceBuffer) => void live.delete(buffer),
    finished: async () => {},
  };
  const choose = (name: string): Promise<void> => chooseFaster(name, measured, () => time);
  return { queue, live, choose, products: () => products };
}

test('the faster of registers and tiles is taken, after one measurement for each GPU', async () => {
  const slowTiles = gpu(2, 3);
  await slowTiles.choose('first');
  assert.equal(slowTiles.queue.tiles, false);
  assert.equal(slowTiles.live.size, 0);
  const fastTiles = gpu(3, 2);
  await fastTiles.choose('second');
  assert.equal(fastTiles.queue.tiles, true);
  const again = gpu(2, 3);
  await again.choose('second');
  assert.equal(again.queue.tiles, true, 'kept by name');
  assert.equal(again.products(), 0);
});
