// Texts that grow in a batch have the bits of each text alone, whatever the others are and whenever they come
// and go.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createCounting } from '../../src/backend/counting.ts';
import { createNative } from '../../src/backend/native/index.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { createWasm } from '../../src/backend/wasm/index.ts';
import { type BatchText, createBatch } from '../../src/generate/batch.ts';
import { createContext, type Overflow } from '../../src/generate/context.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { nodeWasmHost } from '../../src/platform/node-wasm.ts';
import { quantize } from '../../src/quantize/quantize.ts';

const SMALL = { nLayer: 2, nEmbd: 64, nHead: 2, headSize: 32, blockSize: 12 };
const V = 70;
const engines: Record<string, () => Promise<Backend>> = {
  reference: async () => createReference(),
  native: () => createNative({ threads: 2 }),
  wasm: () => createWasm(nodeWasmHost(), { threads: 2 }),
};

/** Float, in INT8 and in INT4, of every kind that presets and the bundled model have. */
async function models(backend: Backend): Promise<[string, GPT][]> {
  const made: [string, GPT][] = [];
  const { seed, shakespeare, speedrun } = presets;
  const bundled = { ...shakespeare, tokenShift: true };
  for (const [preset, shape] of Object.entries({ seed, shakespeare, speedrun, bundled })) {
    const config = makeConfig(shape, V, SMALL);
    const model = new GPT(config, { seed: 7, backend });
    made.push([preset, model], [`${preset} in INT8`, await quantize(model)]);
    if (preset === 'shakespeare') {
      made.push(['INT8 weights', await quantize(model, { activations: 'f32' })]);
      made.push(['INT4', await quantize(model, { bits: 4, method: 'rtn', groupSize: 32 })]);
    }
  }
  return made;
}

for (const [name, create] of Object.entries(engines)) {
  describe(`a batch on ${name}`, async () => {
    const backend = await create().catch((error: Error) => error.message);
    const skip = typeof backend === 'string' ? backend : false;

    for (const overflow of ['slide', 'shift'] as const) {
      test(`grows each text as alone, beyond its window by ${overflow}`, { skip }, async () => {
        if (typeof backend === 'string') return;
        for (const [kind, model] of await models(backend)) {
          await growAlike(model, overflow, `${kind} on ${name}`);
          model.dispose();
        }
      });
    }

    test('gives its memory back', { skip }, async () => {
      if (typeof backend === 'string') return;
      const model = new GPT(makeConfig(presets.shakespeare, V, SMALL), { seed: 7, backend });
      const before = backend.memory().live;
      await growAlike(model, 'slide', name);
      assert.equal(backend.memory().live, before);
      model.dispose();
    });
  });
}

test('prompts of all lengths take the memory of a few', async () => {
  const backend = createCounting();
  const model = new GPT(makeConfig(presets.shakespeare, 500), { backend, init: 'blank' });
  const batch = createBatch(model, 4);
  const weights = backend.memory().liveBytes;
  for (let T = 1; T <= 256; T++) {
    const ids = new Array<number>(T).fill(T % 256);
    await batch.read(ids, { grow: false, all: T % 2 === 0 });
    assert.ok(backend.memory().pooledBytes <= 2 ** 24, `${backend.memory().pooledBytes} wait after ${T}`);
  }
  batch.dispose();
  for (let T = 1; T <= 256; T++) {
    const context = createContext(model);
    await context.read(new Array<number>(T).fill(1));
    context.dispose();
  }
  const { peakBytes } = backend.memory();
  assert.ok(peakBytes < 4 * weights, `${peakBytes} of which the weights are ${weights}`);
});

/**
 * Twenty texts of different lengths in a batch of eleven: they come as others end, and grow one token a step,
 * some of them not in every step.
 */
async function growAlike(model: GPT, overflow: Overflow, what: string): Promise<void> {
  // The reference adds the position to a token of INT8 or INT4 before it rounds, once; a batch rounds twice.
  const rounding = /^seed in INT8 on reference/.test(what) ? 1e-5 : 0;
  const batch = createBatch(model, 11, overflow);
  const active = new Map<BatchText, { n: number; left: number; alone: ReturnType<typeof createContext> }>();
  const id = (n: number, step: number): number => (n * 31 + step * 17 + 3) % V;
  let begun = 0;
  for (let step = 0; begun < 20 || active.size > 0; step++) {
    while (batch.room > 0 && begun < 20) {
      const n = begun++;
      const ids = Array.from({ length: 1 + ((n * 5) % 13) }, (_, i) => id(n, i));
      const alone = createContext(model, overflow);
      const { text, logits } = await batch.read(ids, { grow: true, all: false });
      assert.deepEqual(logits, await alone.read(ids), `${what}: text ${n} begins`);
      assert.ok(text);
      active.set(text, { n, left: 2 + ((n * 7) % 9), alone });
    }
    const next = new Map(
      [...active].flatMap(([text, { n }]) => ((n + step) % 4 === 0 ? [] : [[text, id(n, step)] as const])),
    );
    const found = await batch.step(next);
    assert.equal(found.size, next.size);
    for (const [text, token] of next) {
      const one = active.get(text);
      assert.ok(one);
      const [logits, alone] = [found.get(text) as Float32Array, await one.alone.read([token])];
      const where = `${what}: text ${one.n}, step ${step}`;
      if (rounding === 0) assert.deepEqual(logits, alone, where);
      for (const [i, logit] of logits.entries()) assert.ok(Math.abs(logit - alone[i]) <= rounding, where);
      assert.deepEqual(text.visible, one.alone.visible);
      if (--one.left > 0) continue;
      one.alone.dispose();
      batch.end(text);
      active.delete(text);
    }
  }
  batch.dispose();
}
