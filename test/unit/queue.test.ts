// What every engine with a queue promises: calls return at once, and all happens in the order of the calls.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { engines } from '../support/engines.ts';
import { busyWork, filled } from '../support/work.ts';

for (const { name, create, skip } of (await engines()).filter((engine) => engine.name !== 'reference')) {
  const withEngine = async (body: (engine: Backend) => Promise<void>): Promise<void> => {
    const engine = await create({ threads: 2 });
    try {
      await body(engine);
    } finally {
      engine.dispose();
    }
  };

  describe(`the queue of ${name}`, { skip }, () => {
    test('the event loop turns while kernels run, and sync waits for them', () =>
      withEngine(async (engine) => {
        const work = busyWork(engine);
        let turns = 0;
        let waiting = true;
        const turn = (): void => {
          turns++;
          if (waiting) setImmediate(turn);
        };
        setImmediate(turn);
        work(200);
        await engine.sync();
        waiting = false;
        assert.ok(turns > 5, `${turns} turns`);
      }));

    test('more calls than the queue holds', () =>
      withEngine(async (engine) => {
        const [x, one] = [filled(engine, 3, 1), filled(engine, 3, 1)];
        for (let i = 0; i < 20_000; i++) engine.kernels.add(x, x, one);
        assert.deepEqual([...(await engine.read(x))], [20_001, 20_001, 20_001]);
      }));

    test('a write waits for the kernels queued before it, but takes its data at once', () =>
      withEngine(async (engine) => {
        const [x, y] = [filled(engine, 4, 1), filled(engine, 4, 0)];
        busyWork(engine)(10);
        engine.kernels.copy(y, x);
        const data = new Float32Array(4).fill(2);
        engine.write(x, data);
        data.fill(3);
        assert.deepEqual([...(await engine.read(y))], [1, 1, 1, 1]);
        assert.deepEqual([...(await engine.read(x))], [2, 2, 2, 2]);
      }));

    test('buffers of sizes that do not come again are given back, after the kernels that use them', () =>
      withEngine(async (engine) => {
        const [sum, work] = [filled(engine, 1, 0), busyWork(engine)];
        for (let i = 0; i < 40; i++) {
          const [x, y] = [filled(engine, 2 ** 18 + i, i), filled(engine, 2 ** 18 + i, 1)];
          work(1);
          engine.kernels.add(x, x, y);
          engine.kernels.sumRows(sum, x, 1, 1);
          engine.free(x);
          engine.free(y);
        }
        assert.deepEqual([...(await engine.read(sum))], [(40 * 41) / 2]);
        const { liveBytes, pooledBytes } = engine.memory();
        assert.ok(liveBytes + pooledBytes < 2 ** 25, `${pooledBytes}`);
      }));
  });
}
