// The asynchronous functions of the tokenizer: the same results as the synchronous ones, progress, and
// aborting.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runInSlices, runThrough } from '../../src/base/slices.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { patterns, Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset, datasetAsync } from '../../src/train/data.ts';

const random = createRandom({ seed: 1, stream: 0 });
const words = ['the ', 'cat ', 'sat ', 'on ', 'a ', 'mat;\n', '12345 ', "don't ", 'Ünïcode ', '<|end|>'];
const text = new TextEncoder().encode(
  Array.from({ length: 200_000 }, () => words[random.int(words.length)]).join(''),
);
const specialTokens = ['<|end|>'];

/** The reported progress; asserts that it never decreases or exceeds the total. */
function watcher(): { reports: number; onProgress(done: number, total: number, unit?: string): void } {
  let [last, lastUnit] = [0, ''];
  return {
    reports: 0,
    onProgress(done, total, unit = '') {
      this.reports++;
      if (unit !== lastUnit) last = 0;
      lastUnit = unit;
      assert.ok(done >= last && done <= total, `${done} of ${total} after ${last}`);
      last = done;
    },
  };
}

for (const pattern of patterns) {
  describe(`pattern ${pattern}`, () => {
    const options = { vocabSize: 280, pattern, specialTokens };
    const tokenizer = Tokenizer.train(text, options);

    test('the same merges, the same tokens; the event loop turns', async () => {
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      const [training, encoding, parts, splitting] = [watcher(), watcher(), watcher(), watcher()];
      const report = (w: ReturnType<typeof watcher>) => ({ onProgress: w.onProgress.bind(w) });
      const trained = await Tokenizer.trainAsync(text, { ...options, ...report(training) });
      assert.deepEqual(trained.merges, tokenizer.merges);
      const allowed = { allowedSpecial: 'all' } as const;
      const ids = tokenizer.encode(text, allowed);
      assert.deepEqual(await tokenizer.encodeAsync(text, { ...allowed, ...report(encoding) }), ids);
      const found: number[] = [];
      for await (const part of tokenizer.encodePartsAsync(text, { ...allowed, ...report(parts) }))
        for (const id of part) found.push(id);
      assert.deepEqual(Int32Array.from(found), ids);
      assert.deepEqual(
        await datasetAsync(text, tokenizer, { trainFraction: 0.8, ...report(splitting) }),
        dataset(text, tokenizer, { trainFraction: 0.8 }),
      );
      clearInterval(timer);
      const reports = training.reports + encoding.reports + parts.reports + splitting.reports;
      assert.ok(reports > 0 && turns > 0, `${reports} reports, ${turns} turns`);
    });

    test('ends when asked: before the first slice, and between two', async () => {
      const reason = new Error('enough');
      const aborted = AbortSignal.abort(reason);
      const isReason = (error: Error): boolean => error === reason;
      await assert.rejects(Tokenizer.trainAsync(text, { ...options, signal: aborted }), isReason);
      await assert.rejects(tokenizer.encodeAsync(text, { signal: aborted }), isReason);
      await assert.rejects(datasetAsync(text, tokenizer, { signal: aborted }), isReason);
      await assert.rejects(
        tokenizer.encodePartsAsync(text, { allowedSpecial: 'all', signal: aborted }).next(),
        isReason,
      );
      const later = new AbortController();
      const onMerge = (): void => later.abort(reason);
      await assert.rejects(
        Tokenizer.trainAsync(text, { ...options, vocabSize: 20_000, onMerge, signal: later.signal }),
        isReason,
      );
    });
  });
}

test('documents with a token between are encoded alike', async () => {
  const tokenizer = new Tokenizer({ merges: [], specialTokens });
  const documents = ['one', new TextEncoder().encode('twö'), '', 'four <|end|>'];
  const separated = { documents, separator: '<|end|>' };
  assert.deepEqual(await datasetAsync(separated, tokenizer), dataset(separated, tokenizer));
});

test('very long tokens, which are merged from a queue', async () => {
  const tokenizer = Tokenizer.train('a'.repeat(3000), { vocabSize: 268 });
  assert.ok(tokenizer.token(267).length > 512);
  const long = 'a'.repeat(100_001);
  assert.deepEqual(await tokenizer.encodeAsync(long), tokenizer.encode(long));
  assert.equal(tokenizer.decode(tokenizer.encode(long)), long);
});

test('BPE dropout draws the same numbers', async () => {
  const tokenizer = Tokenizer.train(text.subarray(0, 100_000), { vocabSize: 300 });
  const draws = (): { p: number; random: { uniform(): number } } => ({
    p: 0.1,
    random: createRandom({ seed: 7, stream: 4 }),
  });
  const ids = tokenizer.encode(text, { dropout: draws() });
  assert.deepEqual(await tokenizer.encodeAsync(text, { dropout: draws() }), ids);
});

test('what is wrong is a rejection, or thrown before the first part', async () => {
  const tokenizer = new Tokenizer({ merges: [], specialTokens });
  await assert.rejects(Tokenizer.trainAsync('', { vocabSize: 256 }), /the text to train on is empty/);
  await assert.rejects(tokenizer.encodeAsync('a<|end|>'), /holds special token/);
  assert.throws(() => tokenizer.encodePartsAsync('a<|end|>'), /holds special token/);
  assert.throws(() => tokenizer.encodePartsAsync('a', { partLength: 0 }), /partLength 0/);
});

test('a computation runs through, or in slices, with one result', async () => {
  function* count(): Generator<number, string, void> {
    for (let i = 0; i < 10; i++) yield i;
    return 'done';
  }
  assert.equal(runThrough(count()), 'done');
  assert.equal(await runInSlices(count()), 'done');
});
