// The tokenizer on one text, one thread, in two contests: learning 500 merges, with pattern none as in the
// reference run and with gpt2; and encoding the whole text, from bytes to ids, including splitting.
// `--definition` also learns once by the definition (src/tokenizer/train.ts), which must give the same
// merges.
//   npm run bench -- tokenizer [--data tiny-shakespeare] [--merges 500] [--turns 7] [--definition]
//     [--peer tokenizers] [--json]
// tokenizers: Hugging Face's, in Rust, on one thread (bench/peers/hf_tokenizers.py). It encodes with our
// merges.
import { deepEqual } from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCorpus } from '../src/corpora/index.ts';
import { type Pattern, Tokenizer } from '../src/tokenizer/index.ts';
import { train } from '../src/tokenizer/train.ts';
import { trainFast } from '../src/tokenizer/train-fast.ts';
import { openPeers } from './peers/open.ts';
import { type Contestant, takeTurns } from './support/contest.ts';
import { contestant } from './support/inkhorn.ts';
import { count, type Figure, peerOption, readOptions, show } from './support/program.ts';

const PATTERNS: readonly Pattern[] = ['none', 'gpt2'];

const options = readOptions({
  ...peerOption,
  data: { type: 'string', default: 'tiny-shakespeare' },
  merges: { type: 'string', default: '500' },
  turns: { type: 'string', default: '7' },
  definition: { type: 'boolean', default: false },
});
const merges = count('merges', options.merges);
const turns = count('turns', options.turns);
const { name, bytes } = await loadCorpus(options.data);
const MB = bytes.length / 1e6;
const missing = new Set<string>();

const tokenizers = PATTERNS.map((pattern) => Tokenizer.train(bytes, { vocabSize: 256 + merges, pattern }));
// Peers read the text and the merges from files.
const folder = await mkdtemp(join(tmpdir(), 'inkhorn-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const text = join(folder, 'text.txt');
await writeFile(text, bytes);
for (const [i, pattern] of PATTERNS.entries())
  await writeFile(join(folder, `${pattern}.json`), JSON.stringify(tokenizers[i]));

const learning = await contest(
  `Learning ${merges} merges from ${name}, ${MB.toFixed(2)} MB`,
  PATTERNS.map((pattern) => {
    const includes = `${merges} merges from the text${pattern === 'none' ? ' in one piece' : ', split'}`;
    return contestant({ name: `inkhorn (train, ${pattern})`, includes, amount: MB }, async () => {
      Tokenizer.train(bytes, { vocabSize: 256 + merges, pattern });
    });
  }),
  PATTERNS.map((pattern) => ['train', text, '--pattern', pattern, '--merges', options.merges]),
);
const encoding = await contest(
  `Encoding ${name} with ${256 + merges} tokens`,
  PATTERNS.map((pattern, i) => {
    const includes = `the whole text, ${tokenizers[i].encode(bytes).length} tokens`;
    return contestant({ name: `inkhorn (encode, ${pattern})`, includes, amount: MB }, async () => {
      tokenizers[i].encode(bytes);
    });
  }),
  PATTERNS.map((pattern) => [
    'encode',
    text,
    '--pattern',
    pattern,
    '--tokenizer',
    join(folder, `${pattern}.json`),
  ]),
);
show([learning, encoding], { threads: 1, turns, json: options.json, missing: [...missing] });
if (options.definition) compareWithDefinition();

/** Ours and the peer's, for each pattern. */
async function contest(title: string, ours: readonly Contestant[], work: string[][]): Promise<Figure> {
  const peers = await openPeers(options.peer, { tokenizers: work });
  for (const line of peers.missing) missing.add(line);
  const timings = await takeTurns([...ours, ...peers.found], turns);
  const theirs = timings.slice(ours.length);
  return { title, unit: 'MB/s', timings, pairs: theirs.map((peer, i) => [timings[i], peer]) };
}

function compareWithDefinition(): void {
  const begun = performance.now();
  const wanted = train([bytes], merges);
  const seconds = (performance.now() - begun) / 1000;
  deepEqual(trainFast(bytes, Int32Array.of(bytes.length), merges), wanted);
  const ratio = seconds / learning.timings[0].median;
  console.error(`by definition: ${seconds.toFixed(1)} s, ${ratio.toFixed(0)} times as long; the same merges`);
}
