// Which windows a step reads: any, each once per epoch, within documents.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { type Dataset, dataset, drawPlaces, randomBatch } from '../../src/train/data.ts';
import { stepBatches } from '../../src/train/draws.ts';
import { shuffled } from '../../src/train/epoch.ts';
import { checkSettings, seedSettings } from '../../src/train/settings.ts';

const plain = { ...seedSettings, batchSize: 3, accumulate: 2, seed: 7 };
const B = 6;
const T = 8;

/** A text whose token i is i, so that a window shows where it begins. */
function counted(length: number): Dataset {
  const train = Int32Array.from({ length }, (_, i) => i);
  return { train, val: train, valBytesPerToken: 1, vocabSize: length };
}

/** Where the windows of steps 1 to `steps` begin. */
async function begins(data: Dataset, changes: object, steps: number): Promise<number[]> {
  const batchOf = stepBatches(data, undefined, { ...plain, ...changes }, T);
  const found: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const { ids, targets } = await batchOf(step);
    for (let b = 0; b < B; b++) {
      const window = data.train.subarray(data.train.indexOf(ids[b * T]));
      assert.deepEqual(ids.subarray(b * T, (b + 1) * T), window.subarray(0, T));
      assert.deepEqual(targets.subarray(b * T, (b + 1) * T), window.subarray(1, T + 1));
      found.push(data.train.indexOf(ids[b * T]));
    }
  }
  return found;
}

describe('windows anywhere', () => {
  test('are those of randomBatch, whatever was drawn before', async () => {
    const data = counted(1000);
    const batchOf = stepBatches(data, undefined, plain, T);
    for (const step of [5, 1, 2])
      assert.deepEqual(await batchOf(step), randomBatch(data.train, B, T, { seed: 7, index: step }));
  });

  test('reach beyond 2^32 tokens', () => {
    const count = 2 ** 40;
    const places = [0, 1, 2].flatMap((index) => drawPlaces(count, 100, { seed: 1, index }));
    assert.equal(new Set(places).size, 300);
    assert.ok(places.every((place) => Number.isInteger(place) && place < count));
    assert.ok(places.some((place) => place > 0.9 * count) && places.some((place) => place < 0.1 * count));
    assert.ok(new Set(places.map((place) => place % 256)).size > 128); // the low bits are random, too
  });
});

describe('windows by epochs', () => {
  test('read no token twice before all others, in another order each time', async () => {
    for (const length of [T + 1, 2 * T, 103, 1000]) {
      const whole = Math.floor((length - 1) / T);
      const each = whole >= 16 ? whole - 1 : whole;
      const steps = Math.ceil((3 * each) / B);
      const found = await begins(counted(length), { sampling: 'epochs' }, steps);
      const epochs = [0, 1, 2].map((e) => found.slice(e * each, (e + 1) * each));
      for (const epoch of epochs) {
        const sorted = [...epoch].sort((a, b) => a - b);
        for (let k = 1; k < each; k++) assert.equal(sorted[k] - sorted[k - 1], T);
        assert.ok(sorted[0] >= 0 && sorted[each - 1] + T < length);
      }
      if (each > 8) assert.notDeepEqual(epochs[0], epochs[1]);
    }
  });

  test('are decided by the step: a resumed run needs no cursor', async () => {
    const data = counted(500);
    const batchOf = stepBatches(data, undefined, { ...plain, sampling: 'epochs' }, T);
    const again = stepBatches(data, undefined, { ...plain, sampling: 'epochs' }, T);
    await batchOf(1);
    assert.deepEqual(await batchOf(30), await again(30));
    const other = stepBatches(data, undefined, { ...plain, seed: 8, sampling: 'epochs' }, T);
    assert.notDeepEqual(await other(30), await again(30));
  });

  test('an order is a permutation, of any length', () => {
    for (const n of [1, 2, 3, 5, 64, 65, 1000])
      for (const epoch of [0, 1]) {
        const order = Array.from({ length: n }, (_, i) => shuffled(i, n, 1337, epoch));
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          Array.from({ length: n }, (_, i) => i),
        );
      }
    const far = 2 ** 50 + 3;
    assert.ok(shuffled(far - 1, far, 2 ** 40, 9) < far);
  });

  test('cannot go with BPE dropout', () => {
    assert.throws(
      () => checkSettings({ ...plain, sampling: 'epochs', bpeDropout: 0.1 }),
      /sampling epochs cannot go with bpeDropout 0\.1: .*; leave one out$/,
    );
  });
});

describe('windows within documents', () => {
  const END = '<|endoftext|>';
  const tokenizer = new Tokenizer({ merges: [], specialTokens: [END] });
  const end = tokenizer.specialTokens.get(END) as number;
  const documents = [3, 30, 9, 8, 120, 40].map((length, k) => String.fromCharCode(97 + k).repeat(length));
  const data = dataset({ documents, separator: END }, tokenizer, { trainFraction: 0.95 });

  for (const sampling of ['random', 'epochs'] as const)
    test(`hold one document and what ends it: ${sampling}`, async () => {
      const batchOf = stepBatches(data, undefined, { ...plain, sampling, withinDocuments: true }, T);
      const seen = new Set<number>();
      for (let step = 1; step <= 60; step++) {
        const { ids, targets } = await batchOf(step);
        for (let b = 0; b < B; b++) {
          const window = [ids[b * T], ...targets.subarray(b * T, (b + 1) * T)];
          const [letter] = window;
          assert.ok(window.every((id, i) => id === letter || (id === end && i === T)));
          seen.add(letter);
        }
      }
      assert.equal(String.fromCharCode(...[...seen].sort((a, b) => a - b)), 'bcdef');
    });

  test('need documents, and one as long as a window', () => {
    const within = { ...plain, withinDocuments: true };
    assert.throws(() => stepBatches(counted(100), undefined, within, T), /needs documents .*--special/);
    assert.throws(
      () => stepBatches(data, undefined, within, 200),
      /the longest document has 121 tokens, a window needs 201: lower blockSize to 120/,
    );
  });
});
