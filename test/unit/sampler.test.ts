import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  checkSampling,
  draw,
  exponentials,
  filters,
  heat,
  keepMinP,
  keepTopK,
  keepTopP,
  mostLikely,
  penalizeRepetition,
  sample,
} from '../../src/generate/sampler.ts';

const logitsOf = (...probabilities: number[]): Float32Array => Float32Array.from(probabilities, Math.log);

/** The tokens that remain after a filter. */
const left = (weights: Float64Array): number[] => [...weights.keys()].filter((id) => weights[id] > 0);

describe('filters', () => {
  const weights = Float64Array.of(2, 8, 1, 6, 3); // probabilities 0.1, 0.4, 0.05, 0.3, 0.15

  test('top-k keeps the k most likely, and what is equal to the last of them', () => {
    assert.deepEqual(left(keepTopK(weights, 2)), [1, 3]);
    assert.deepEqual(left(keepTopK(weights, 9)), [0, 1, 2, 3, 4]);
    assert.deepEqual(left(keepTopK(Float64Array.of(1, 3, 1, 1), 2)), [0, 1, 2, 3]);
  });

  test('top-p keeps the smallest set that has the probability', () => {
    assert.deepEqual(left(keepTopP(weights, 0.39)), [1]);
    assert.deepEqual(left(keepTopP(weights, 0.41)), [1, 3]);
    assert.deepEqual(left(keepTopP(weights, 0.84)), [1, 3, 4]);
    assert.deepEqual(left(keepTopP(weights, 0.999)), [0, 1, 2, 3, 4]);
  });

  test('top-p leaves out what an earlier filter excluded', () => {
    assert.deepEqual(left(keepTopP(keepTopK(weights, 2), 0.9999999)), [1, 3]);
  });

  test('min-p keeps tokens of a share of the largest probability', () => {
    assert.deepEqual(left(keepMinP(weights, 0.5)), [1, 3]);
    assert.deepEqual(left(keepMinP(weights, 0.2)), [0, 1, 3, 4]);
  });

  test('any repetition penalty leaves logits that can be drawn from', () => {
    const logits = Float32Array.of(2, -2, 3, 0);
    for (const repetitionPenalty of [1e-300, 1e-39, 1e39, 1e300])
      for (const temperature of [0, 1e-300, 1, 1e300]) {
        const options = checkSampling({ repetitionPenalty, temperature });
        const { id, logprob } = sample(logits, options, [0, 1, 2, 3], 0.5);
        assert.ok(id < 4 && Number.isFinite(logprob));
      }
    const certain = checkSampling({ repetitionPenalty: 1e-300 });
    assert.equal(sample(logits, certain, [0], 0.99).id, 0);
    const never = checkSampling({ repetitionPenalty: 1e300 });
    assert.equal(sample(Float32Array.of(-2, -3, -1e3), never, [0, 1], 0.5).id, 2);
  });

  test('repetition penalty makes positive and negative logits of the context smaller, once each', () => {
    const out = penalizeRepetition(Float32Array.of(2, -2, 3, 0), [0, 1, 0, 3], 2);
    assert.deepEqual([...out], [1, -4, 3, 0]);
  });

  test('temperature scales differences, and a tiny one does not overflow', () => {
    assert.deepEqual([...heat(Float32Array.of(3, 1, 2), 0.5)], [0, -4, -2]);
    assert.deepEqual(left(exponentials(heat(Float32Array.of(5, 80, 79), 1e-42)).weights), [1]);
  });

  test('leave their input as it is', () => {
    const before = [...weights];
    const chain = filters(checkSampling({ topK: 3, topP: 0.8, minP: 0.1 }));
    assert.equal(chain.length, 3);
    chain.reduce<Float64Array>((x, filter) => filter(x), weights);
    assert.deepEqual([...weights], before);
    const logits = logitsOf(0.2, 0.8);
    sample(logits, checkSampling({ temperature: 0.7, repetitionPenalty: 1.2 }), [1], 0.5);
    assert.deepEqual(logits, logitsOf(0.2, 0.8));
  });

  test('always leave the most likely token of any distribution', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 1e-9, max: 1, noNaN: true, minExcluded: true }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (values, topK, topP, minP) => {
          const logits = Float32Array.from(values);
          const best = mostLikely(logits, 1)[0].id;
          const options = checkSampling({ topK, topP, minP });
          const out = filters(options).reduce((x, filter) => filter(x), exponentials(logits).weights);
          assert.ok(out[best] > 0);
          assert.ok(out[sample(logits, options, [], 0.999999).id] > 0);
        },
      ),
    );
  });
});

describe('drawing', () => {
  test('takes each token for its share of the random numbers', () => {
    const counts = [0, 0, 0];
    for (let i = 0; i < 1000; i++) counts[draw(Float64Array.of(1, 4, 5), (i + 0.5) / 1000)]++;
    assert.deepEqual(counts, [100, 400, 500]);
  });

  test('never takes an excluded token, at either end', () => {
    const weights = Float64Array.of(0, 1, 1, 0);
    assert.equal(draw(weights, 0), 1);
    assert.equal(draw(weights, 1 - 2 ** -32), 2);
  });

  test('with temperature 0 takes the most likely, the first of equals, whatever the random number', () => {
    const options = checkSampling({ temperature: 0 });
    for (const u of [0, 0.5, 0.99]) assert.equal(sample(Float32Array.of(1, 4, 4, 0), options, [], u).id, 1);
  });

  test('with temperature 0 still minds the repetition penalty', () => {
    const options = checkSampling({ temperature: 0, repetitionPenalty: 2 });
    assert.equal(sample(Float32Array.of(1, 4, 3), options, [1], 0).id, 2);
  });

  test('reports the log-probability by the model alone, whatever changes the draw', () => {
    for (const options of [
      {},
      { topP: 0.5 },
      { temperature: 0.5, topK: 1 },
      { repetitionPenalty: 1.3, topK: 1 },
    ]) {
      const { id, logprob } = sample(logitsOf(0.2, 0.7, 0.1), checkSampling(options), [1], 0.4);
      assert.equal(id, 1);
      assert.ok(Math.abs(logprob - Math.log(0.7)) < 1e-6);
    }
  });

  test('reports the most likely tokens with their log-probabilities', () => {
    const top = mostLikely(logitsOf(0.2, 0.5, 0.3), 2);
    assert.deepEqual(
      top.map(({ id }) => id),
      [1, 2],
    );
    assert.ok(Math.abs(top[0].logprob - Math.log(0.5)) < 1e-6);
  });

  test('refuses logits that are not finite', () => {
    const options = checkSampling({});
    assert.throws(() => sample(Float32Array.of(1, Number.NaN), options, [], 0.5), /token 1 is NaN/);
    assert.throws(() => sample(Float32Array.of(1, Infinity), options, [], 0.5), /token 1 is Infinity/);
  });
});

describe('checkSampling', () => {
  test('fills in defaults that change nothing', () => {
    const options = checkSampling({});
    assert.equal(filters(options).length, 0);
    assert.equal(options.temperature, 1);
  });

  const bad: [object, RegExp][] = [
    [{ temperature: -1 }, /temperature -1 is not a number >= 0$/],
    [{ temperature: Number.NaN }, /temperature NaN/],
    [{ topK: 0 }, /topK 0 .* whole number >= 1: leave it out to draw from all$/],
    [{ topK: 2.5 }, /topK 2.5/],
    [{ topP: 0 }, /topP 0 is not a number > 0 and <= 1: 1 draws from all$/],
    [{ topP: 1.5 }, /topP 1.5/],
    [{ minP: 1 }, /minP 1 .* >= 0 and < 1/],
    [{ minP: -0.1 }, /minP -0.1/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty 0 .* > 0/],
    [{ temperature: '1' }, /temperature "1" is not a number >= 0/],
  ];
  for (const [options, message] of bad) {
    test(`refuses ${JSON.stringify(options)}`, () => assert.throws(() => checkSampling(options), message));
  }
});
