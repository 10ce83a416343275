// The split of a text: which part trains, which validates, which is left out.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset, fittingContext } from '../../src/train/data.ts';

const bytesOnly = new Tokenizer({ merges: [] });
const text = Uint8Array.from({ length: 200 }, (_, i) => i);

describe('dataset', () => {
  test('the first 90 % train, the rest validates', () => {
    const { train, val } = dataset(text, bytesOnly);
    assert.deepEqual([...train], [...text.subarray(0, 180)]);
    assert.deepEqual([...val], [...text.subarray(180)]);
  });

  test('an inner split leaves the validation part out and cuts the training part by the same share', () => {
    const { train, val } = dataset(text, bytesOnly, { validate: 'inner' });
    assert.deepEqual([...train], [...text.subarray(0, 162)]);
    assert.deepEqual([...val], [...text.subarray(162, 180)]);
    const half = dataset(text, bytesOnly, { validate: 'inner', trainFraction: 0.5 });
    assert.deepEqual([half.train.length, half.val[0], half.val.length], [50, 50, 50]);
  });

  test('refuses what is no split', () => {
    const bad = (options: object, problem: RegExp): void =>
      assert.throws(() => dataset(text, bytesOnly, options), problem);
    bad({ trainFraction: 1 }, /trainFraction 1 is not a number > 0 and < 1: 0.9 trains on the first 90 %/);
    bad({ validate: 'test' }, /validate "test" is not one of validation, inner/);
    bad({ fraction: 0.5 }, /unknown option 'fraction' for dataset: .*; did you mean 'trainFraction'\?/);
    bad({ validate: 'inner', trainFraction: 0.05 }, /too short to split .* 0 and 10 of them/);
    bad(
      { trainFraction: 0.001 },
      /^Error: the text has 200 tokens: .* 0 and 200 of them, .*: use trainFraction 0\.9, or .* takes 2,000\)/,
    );
    bad({ trainFraction: 1e-12 }, /takes 2,000,000,000,000\)/);
  });
});

describe('the context that nobody has chosen', () => {
  const data = dataset(text, bytesOnly); // 180 and 20 tokens

  test('is that of the preset where a window fits, else half of the tokens', () => {
    for (const [blockSize, fitting] of [
      [128, 128],
      [179, 179],
      [180, 90],
      [256, 90],
    ])
      assert.equal(fittingContext(data, { blockSize, sampled: false }), fitting);
  });

  test('fits the validation part, too, where windows of it are drawn', () => {
    assert.equal(fittingContext(data, { blockSize: 16, sampled: true }), 16);
    assert.equal(fittingContext(data, { blockSize: 128, sampled: true }), 10);
  });
});
