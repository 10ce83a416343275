// BPE dropout of the training part: the same bytes in every epoch, in tokens determined by seed and step.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { trainingTokens } from '../../src/train/retokenise.ts';

const text = Array.from({ length: 400 }, (_, i) => `the ${i} things that ${i % 7} men think`).join('\n');
const tokenizer = Tokenizer.train(text, { vocabSize: 300 });
const data = dataset(text, tokenizer);
const bpe = { bpeDropout: 0.1, seed: 1 };
const PER_STEP = 64;
const epoch = Math.ceil(data.train.length / PER_STEP);

describe('trainingTokens', () => {
  test('without dropout: the training part', async () => {
    assert.equal(await trainingTokens(data, undefined, { ...bpe, bpeDropout: 0 }, PER_STEP)(5), data.train);
  });

  test('with it: the same bytes, nothing of the validation part, in other tokens every epoch', async () => {
    const tokensOf = trainingTokens(data, tokenizer, bpe, PER_STEP);
    const [first, again, second] = [await tokensOf(1), await tokensOf(2), await tokensOf(epoch + 2)];
    const own = tokenizer.decode(data.train);
    for (const ids of [first, second]) assert.equal(tokenizer.decode(ids.subarray(0, ids.length)), own);
    assert.equal(first, again);
    assert.notDeepEqual(first, data.train);
    assert.notDeepEqual(first, second);
    assert.equal(own + tokenizer.decode(data.val), text);
  });

  test('is decided by the seed and the step, wherever a run begins', async () => {
    const whole = trainingTokens(data, tokenizer, bpe, PER_STEP);
    await whole(1);
    const resumed = trainingTokens(data, tokenizer, bpe, PER_STEP);
    assert.deepEqual(await resumed(epoch + 2), await whole(epoch + 2));
    const other = trainingTokens(data, tokenizer, { ...bpe, seed: 2 }, PER_STEP);
    assert.notDeepEqual(await other(1), await trainingTokens(data, tokenizer, bpe, PER_STEP)(1));
  });

  test('ends when the signal is aborted, and encodes anew when asked again', async () => {
    const tokensOf = trainingTokens(data, tokenizer, bpe, PER_STEP);
    const reason = new Error('enough');
    await assert.rejects(tokensOf(1, AbortSignal.abort(reason)), (error) => error === reason);
    assert.deepEqual(await tokensOf(1), await trainingTokens(data, tokenizer, bpe, PER_STEP)(1));
  });

  test('refuses to do without the tokenizer of the data', () => {
    assert.throws(() => trainingTokens(data, undefined, bpe, PER_STEP), /bpeDropout 0.1 needs a tokenizer/);
    const bytes = new Tokenizer({ merges: [] });
    assert.throws(() => trainingTokens(data, bytes, bpe, PER_STEP), /has 256 tokens, the data's 300/);
  });
});
