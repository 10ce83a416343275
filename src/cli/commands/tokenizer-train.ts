// `inkhorn tokenizer train`: byte-pair encoding, learnt from a text.
import { formatAmount } from '../../base/format.ts';
import { jsonBytes } from '../../base/json.ts';
import { type MergeStep, patterns, printable, type Tokenizer } from '../../tokenizer/index.ts';

import { type Context, defineCommand } from '../command.ts';
import { misuse } from '../errors.ts';
import { choice, type Flags, integer, text, texts, toggle } from '../flags.ts';
import { checkLearning } from '../memory.ts';
import { type OpenedText, openRequest } from '../opened-text.ts';
import { claimOutFile, forceFlag, writeOutFile } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { withProgress } from '../progress.ts';
import { learnTokenizer, trainTokenizer } from '../short-text.ts';
import { asBytesFlag, dataFlag } from '../texts.ts';
import { fieldFlag } from '../tokens-file.ts';

const flags = {
  data: dataFlag,
  asBytes: asBytesFlag,
  field: fieldFlag,
  out: text({ about: 'tokenizer.json, or a name that ends in .tiktoken', argument: '<file>', short: 'o' }),
  vocabSize: integer(
    {
      about: 'tokens in all: 256 bytes, the merges, the special ones',
      option: 'vocabSize',
      initial: '500, fewer of a short text',
    },
    256,
  ),
  pattern: choice({ about: 'how text is split before merging', initial: 'none' }, patterns),
  special: texts({ about: 'a special token, such as <|endoftext|>; may be given several times' }),
  verbose: toggle({ about: 'print every merge, with how often its pair stood in the text' }),
  force: forceFlag,
} satisfies Flags;

export const tokenizerTrain = defineCommand({
  examples: [
    ['tokenizer train --data moby-dick --out whale.json', '500 tokens, merges across words'],
    ['tokenizer train -d notes/ -o notes.json --vocab-size 4096 --pattern gpt4', 'words kept apart'],
    ['tokenizer train -d moby-dick -o whale.json --verbose', 'every merge as it is made'],
  ],
  flags,
  meant: () => '--data',
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    const { out, vocabSize, pattern = 'none', special: specialTokens = [], verbose, force } = given;
    if (out === undefined) throw misuse('--out is missing: name a file, tokenizer.json or such');
    await claimOutFile(out, force);
    const { asBytes = false, field } = given;
    const text = await openRequest(
      { inputs: given.data, asBytes, separator: null, field },
      output,
      (length) => checkLearning(length, pattern),
    );
    const onMerge = verbose ? mergePrinter(output) : undefined;
    const begun = performance.now();
    const { tokenizer, bytes } = await learn(text, { vocabSize, pattern, specialTokens, onMerge }, output);
    const seconds = (performance.now() - begun) / 1000;
    const tokens = text.kind === 'memory' ? await countTokens(tokenizer, text.corpus.bytes) : null;
    const bytesPerToken = tokens === null ? null : bytes / tokens;
    await writeOutFile(out, encodeFile(out, tokenizer));
    if (out.endsWith('.tiktoken')) {
      const special = [...tokenizer.specialTokens].map(([name, id]) => ` --special '${name}=${id}'`).join('');
      output.note(
        `${out} cannot hold its pattern and special tokens: give --pattern ${pattern}${special} with it`,
      );
    }
    output.data({
      type: 'tokenizer',
      out,
      vocabSize: tokenizer.vocabSize,
      pattern,
      bytes,
      tokens,
      bytesPerToken,
      seconds,
    });
    output.print(
      `${out}: ${formatAmount(tokenizer.vocabSize, 'token')}, learnt from ${formatAmount(bytes, 'byte')} in ${seconds.toFixed(2)} s`,
    );
    if (tokens !== null && bytesPerToken !== null)
      output.print(
        `${text.source} becomes ${formatAmount(tokens, 'token')}, ${bytesPerToken.toFixed(2)} bytes each`,
      );
  },
});

/** A tokenizer, and the bytes that it was learnt from. */
async function learn(
  text: OpenedText,
  options: Parameters<typeof trainTokenizer>[1],
  output: Output,
): Promise<{ tokenizer: Tokenizer; bytes: number }> {
  if (text.kind === 'stream') return learnTokenizer(text.stream, options, output);
  if (text.kind === 'tokens') throw misuse(`--data ${text.source} is a file of tokens: name its text`);
  const { bytes } = text.corpus;
  return { tokenizer: await trainTokenizer(bytes, options, output), bytes: bytes.length };
}

/** Of the text that it was trained on. */
function countTokens(tokenizer: Tokenizer, bytes: Uint8Array): Promise<number> {
  return withProgress('encoding the text', 'bytes', async (onProgress) => {
    let tokens = 0;
    const parts = tokenizer.encodePartsAsync(bytes, { allowedSpecial: 'all', onProgress });
    for await (const part of parts) tokens += part.length;
    return tokens;
  });
}

/** ` 256  e␣       (101, 32)  27,643 times`. */
function mergePrinter(output: Output): (merge: MergeStep & { bytes: Uint8Array }) => void {
  return ({ id, pair: [left, right], count, bytes }) => {
    const token = printable(bytes);
    output.data({ type: 'merge', id, pair: [left, right], count, token });
    output.print(
      `${String(id).padStart(5)}  ${token.padEnd(16)} (${left}, ${right})  ${formatAmount(count, 'time')}`,
    );
  };
}

function encodeFile(out: string, tokenizer: Tokenizer): Uint8Array {
  if (out.endsWith('.tiktoken')) return new TextEncoder().encode(tokenizer.toTiktoken());
  return jsonBytes(tokenizer.toJSON(), 2);
}
