// `inkhorn data encode`: the tokens of a text of any size, in a file that `train --data` takes.

import { type Context, defineCommand } from '../command.ts';
import { misuse } from '../errors.ts';
import { type Flags, integer, text, toggle } from '../flags.ts';
import { modelFlag } from '../models.ts';
import { claimOutFile } from '../out-folder.ts';
import { asBytesFlag } from '../texts.ts';
import { tiktokenFlags } from '../tiktoken.ts';
import { tokenizerFlag, tokenizerOf } from '../tokenizers.ts';
import { encodedLine, encodeStream, fieldFlag, openTextStream } from '../tokens-file.ts';

const flags = {
  tokenizer: { ...tokenizerFlag, short: 't' },
  model: { ...modelFlag, about: 'take the tokenizer of this model', initial: undefined },
  pattern: { ...tiktokenFlags.pattern, rare: true },
  separator: text({
    about:
      'put this special token, such as <|endoftext|>, between documents, in place of a line feed; the tokenizer must have it',
    argument: '<name>',
  }),
  field: fieldFlag,
  asBytes: { ...asBytesFlag, about: 'take the files byte by byte, whatever they are' },
  out: text({ about: 'file to write, tokens.bin or such', argument: '<file>', short: 'o' }),
  threads: integer({ about: 'worker threads', initial: "the machine's cores" }, 1, 256),
  force: toggle({ about: 'replace the file, and begin anew where the same work was begun' }),
} satisfies Flags;

export const dataEncode = defineCommand({
  examples: [
    [
      'data encode notes/ -t notes.json -o tokens.bin',
      'all texts of a folder; `train --data tokens.bin` reads them',
    ],
    [
      "data encode 'web/*.jsonl.zst' --field text -t t.json --separator '<|endoftext|>' -o web.bin",
      'JSON Lines',
    ],
    ['data encode - -t t.json -o dump.bin', 'standard input, as in `pdftotext book.pdf - | inkhorn ...`'],
  ],
  flags,
  async run({ args: inputs, flags: given, output }: Context<typeof flags>): Promise<void> {
    const { out, field, asBytes = false, separator = null, threads, force, pattern } = given;
    if (out === undefined) throw misuse('--out is missing: name a file, tokens.bin or such');
    if (given.tokenizer === undefined && given.model === undefined)
      throw misuse('--tokenizer is missing: `inkhorn tokenizer train` makes one; or --model DIR has one');
    if (field !== undefined && asBytes)
      throw misuse('--field takes text out of JSON, --as-bytes takes files as they are');
    await claimOutFile(out, force);
    const special = given.tokenizer?.endsWith('.tiktoken') && separator !== null ? [separator] : undefined;
    const tokenizer = await tokenizerOf({ ...given, pattern, special }, output);
    const stream = await openTextStream(inputs, { field, asBytes });
    const tokenizerFile = given.tokenizer ?? given.model;
    const asked = { inputs, field, asBytes, separator, tokenizerFile, threads, fresh: force };
    const done = await encodeStream(stream, tokenizer, out, asked, output);
    const { count: tokens, source, resumed, seconds } = done;
    output.data({ out, tokens, vocabSize: tokenizer.vocabSize, separator, ...source, resumed, seconds });
    output.print(`${out}: ${encodedLine(done, tokenizer, threads)}`);
  },
});
