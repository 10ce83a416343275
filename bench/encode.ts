// A text of any size into a file of tokens, on all cores: from a file to a file, including the start of the
// program. The text is made of the paragraphs of the bundled corpora, in random order.
//   npm run bench -- encode [--size 1000] [--pattern gpt2] [--vocab-size 4096] [--turns 3]
//     [--peer tokenizers]
// --size is in MB. tokenizers: Hugging Face's, in Rust, on all threads, with our merges
// (bench/peers/hf_encode.py).
import { spawnSync } from 'node:child_process';
import { createWriteStream, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../src/base/statistics.ts';
import { loadCorpus } from '../src/corpora/index.ts';
import { createRandom } from '../src/tensor/random.ts';
import { patterns, Tokenizer } from '../src/tokenizer/index.ts';
import { count, readOptions } from './support/program.ts';

const options = readOptions({
  size: { type: 'string', default: '1000' },
  pattern: { type: 'string', default: 'gpt2' },
  'vocab-size': { type: 'string', default: '4096' },
  turns: { type: 'string', default: '3' },
  peer: { type: 'string', default: '' },
});
const turns = count('turns', options.turns);
const pattern = patterns.find((one) => one === options.pattern);
if (pattern === undefined)
  throw new Error(`--pattern ${options.pattern} is not one of ${patterns.join(', ')}`);

const folder = await mkdtemp(join(tmpdir(), 'inkhorn-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const [text, merges, out] = ['text.txt', 'tokenizer.json', 'tokens.bin'].map((name) => join(folder, name));
const source = await loadCorpus(['tiny-shakespeare', 'moby-dick']);
await pipeline(paragraphs(source.text(), 1e6 * count('size', options.size)), createWriteStream(text));
const tokenizer = Tokenizer.train(source.bytes, {
  vocabSize: count('vocab-size', options['vocab-size']),
  pattern,
});
writeFileSync(merges, JSON.stringify(tokenizer));
const MB = statSync(text).size / 1e6;

/** Random paragraphs, until there are `bytes` of them. */
function* paragraphs(of: string, bytes: number): Generator<string> {
  const all = of.split(/\n\s*\n/).map((paragraph) => `${paragraph}\n\n`);
  const random = createRandom({ seed: 1337 });
  for (let made = 0; made < bytes; ) {
    const some = Array.from({ length: 1000 }, () => all[random.int(all.length)]).join('');
    made += some.length;
    yield some;
  }
}

/** Runs a command; its seconds, and what it says. */
function timed(command: string, args: readonly string[]): { seconds: number; said: string } {
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return { seconds: (performance.now() - begun) / 1000, said: stdout + stderr };
}

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const peak =
  'data:text/javascript,process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))';
const peer = fileURLToPath(new URL('../../bench/peers/hf_encode.py', import.meta.url));
const [ours, theirs]: [number[], number[]] = [[], []];
let peakMB = 0;
for (let turn = 0; turn < turns; turn++) {
  const command = ['data', 'encode', text, '-t', merges, '-o', out, '--force'];
  const { seconds, said } = timed(process.execPath, ['--import', peak, main, ...command]);
  ours.push(seconds);
  peakMB = Math.max(peakMB, Number(/peak (\d+)/.exec(said)?.[1]) / 1000);
  if (options.peer === 'tokenizers')
    theirs.push(
      timed(process.env.INKHORN_PYTHON ?? 'python3', [peer, text, '--tokenizer', merges, '--out', out])
        .seconds,
    );
}
const rate = (seconds: number[]): string => `${(MB / median(seconds)).toFixed(1)} MB/s (median of ${turns})`;
console.log(`${MB.toFixed(0)} MB of text, pattern ${pattern}, ${tokenizer.vocabSize} tokens`);
console.log(`inkhorn: ${rate(ours)}, peak ${peakMB.toFixed(0)} MB resident`);
if (theirs.length > 0)
  console.log(
    `tokenizers: ${rate(theirs)}; inkhorn is ${(median(theirs) / median(ours)).toFixed(1)} times as fast`,
  );
