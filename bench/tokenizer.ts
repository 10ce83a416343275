// The tokenizer on one text, one thread: learning 500 tokens with pattern none, as the reference run does, by the definition
// (train.ts, run once) and incrementally (train-fast.ts), which must give the same merges; then encoding the whole text with
// each pattern, from bytes to ids, splitting included. Medians of --reps runs after one to warm up, which is shown as well.
//   node dist/bench/tokenizer.js [--data tiny-shakespeare] [--vocab-size 500] [--reps 7] [--json]
import { deepEqual } from 'node:assert/strict';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { median } from '../src/cli/measure.ts';
import { loadCorpus } from '../src/corpora/index.ts';
import { patterns, Tokenizer } from '../src/tokenizer/index.ts';
import { train } from '../src/tokenizer/train.ts';
import { trainFast } from '../src/tokenizer/train-fast.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'tiny-shakespeare' },
    'vocab-size': { type: 'string', default: '500' },
    reps: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
});
const [vocabSize, reps] = [Number(values['vocab-size']), Number(values.reps)];
const { name, bytes } = await loadCorpus(values.data);
const MB = bytes.length / 1e6;

/** What `work` returns, and the seconds of its first call and of `reps` more. */
function time<T>(work: () => T): { result: T; first: number; seconds: number[] } {
  const call = (): { result: T; seconds: number } => {
    const begun = performance.now();
    const result = work();
    return { result, seconds: (performance.now() - begun) / 1000 };
  };
  const { result, seconds } = call();
  return { result, first: seconds, seconds: Array.from({ length: reps }, () => call().seconds) };
}

const fast = time(() => trainFast(bytes, Int32Array.of(bytes.length), vocabSize - 256));
const begun = performance.now();
const merges = train([bytes], vocabSize - 256);
const definitionSeconds = (performance.now() - begun) / 1000;
deepEqual(fast.result, merges);
const training = {
  definitionSeconds,
  firstSeconds: fast.first,
  seconds: fast.seconds,
  medianSeconds: median(fast.seconds),
  ratio: definitionSeconds / median(fast.seconds),
};

const encoding = patterns.map((pattern) => {
  const tokenizer = Tokenizer.train(bytes, { vocabSize, pattern });
  const { result, first, seconds } = time(() => tokenizer.encode(bytes));
  deepEqual(tokenizer.decodeBytes(result), Uint8Array.from(bytes));
  const rates = seconds.map((s) => MB / s);
  return {
    pattern,
    tokens: result.length,
    bytesPerToken: bytes.length / result.length,
    firstMBPerSecond: MB / first,
    medianMBPerSecond: median(rates),
    minMBPerSecond: Math.min(...rates),
    maxMBPerSecond: Math.max(...rates),
  };
});

const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`;
if (values.json) {
  console.log(
    JSON.stringify({ machine, data: name, bytes: bytes.length, vocabSize, reps, training, encoding }),
  );
} else {
  console.log(`${machine}; ${name}, ${bytes.length} bytes, ${vocabSize} tokens, one thread`);
  const range = `${Math.min(...fast.seconds).toFixed(3)} to ${Math.max(...fast.seconds).toFixed(3)}`;
  console.log(
    `train: ${training.medianSeconds.toFixed(3)} s (${range}, first ${fast.first.toFixed(3)}); by definition ${definitionSeconds.toFixed(1)} s, ${training.ratio.toFixed(0)} times as long; same merges`,
  );
  for (const { pattern, tokens, bytesPerToken, ...rate } of encoding)
    console.log(
      `encode, ${pattern}: ${rate.medianMBPerSecond.toFixed(1)} MB/s (${rate.minMBPerSecond.toFixed(1)} to ${rate.maxMBPerSecond.toFixed(1)}, first ${rate.firstMBPerSecond.toFixed(1)}); ${tokens} tokens, ${bytesPerToken.toFixed(2)} bytes each`,
    );
}
