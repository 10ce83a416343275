// `inkhorn tokenizer encode`, `decode`, `show`: applies a tokenizer to a text, and shows its contents.

import { revealJson } from '../../base/controls.ts';
import { formatAmount } from '../../base/format.ts';
import { STDIN } from '../../corpora/index.ts';
import { printable, type Tokenizer } from '../../tokenizer/index.ts';

import { type Context, defineCommand } from '../command.ts';
import { misuse } from '../errors.ts';
import { type Flags, text, toggle } from '../flags.ts';
import { idText, readIds } from '../id-stream.ts';
import { modelFlag } from '../models.ts';
import type { Output } from '../output.ts';
import { createProgress } from '../progress.ts';
import { checkSpecial, encodeTextParts, specialFlags } from '../special.ts';
import { asBytesFlag, openText } from '../texts.ts';
import { tiktokenFlags } from '../tiktoken.ts';
import { tokenizerFlag, tokenizerOf } from '../tokenizers.ts';

const source = {
  tokenizer: { ...tokenizerFlag, short: 't' },
  model: modelFlag,
  ...tiktokenFlags,
} satisfies Flags;

const encodeFlags = {
  ...source,
  file: text({ about: 'encode this file; - is standard input', argument: '<file>', short: 'f' }),
  asBytes: { ...asBytesFlag, about: 'encode the bytes of the file as they are, whatever it is' },
  pieces: toggle({ about: 'one token per line, with its text' }),
  ...specialFlags,
} satisfies Flags;

export const tokenizerEncode = defineCommand({
  examples: [
    ['tokenizer encode -t whale.json "Call me Ishmael."', 'token ids'],
    ['tokenizer encode -m runs/first --pieces "To be"', 'one token per line, with its text'],
    ['tokenizer encode -t whale.json --file notes.txt --json', 'ids and figures as JSON'],
  ],
  flags: encodeFlags,
  async run({ args: [argument], flags, output }: Context<typeof encodeFlags>): Promise<void> {
    const { file, pieces } = flags;
    if (argument !== undefined && file !== undefined)
      throw misuse('a text and --file are both given: which one?');
    checkSpecial(flags);
    const tokenizer = await tokenizerOf(flags, output);
    const bytes =
      argument === undefined ? await textInput(file, output, flags) : new TextEncoder().encode(argument);
    const facts = { tokens: 0, bytes: bytes.length, bytesPerToken: null as number | null };
    const progress = createProgress('encoding the text', 'bytes');
    const encoded = encodeTextParts(tokenizer, bytes, flags, progress.update);
    const parts = counted(encoded, facts, output.tty ? progress.end : () => {});
    try {
      await pourIds(parts, tokenizer, { pieces, output });
    } finally {
      progress.end();
    }
    if (facts.tokens > 0) facts.bytesPerToken = facts.bytes / facts.tokens;
    if (output.json) await output.pour(`],${JSON.stringify(facts).slice(1)}\n`);
    const ratio = facts.bytesPerToken === null ? '' : `, ${facts.bytesPerToken.toFixed(2)} bytes per token`;
    output.note(`${formatAmount(facts.bytes, 'byte')}, ${formatAmount(facts.tokens, 'token')}${ratio}`);
  },
});

/**
 * Writes the ids as they come: as the beginning of a JSON document, one per line with its text, or separated
 * by spaces.
 */
async function pourIds(
  parts: AsyncIterable<Int32Array>,
  tokenizer: Tokenizer,
  { pieces, output }: { pieces?: boolean; output: Output },
): Promise<void> {
  if (output.json) {
    await output.pour('{"ids":[');
    for await (const text of idText(parts, ',')) await output.pour(text);
  } else if (pieces) await pourPieces(parts, tokenizer, output);
  else {
    for await (const text of idText(parts, ' ')) await output.pour(text);
    await output.pour('\n');
  }
}

/** The same parts, with their tokens counted. `begin` is called before the first one. */
async function* counted(
  parts: AsyncIterable<Int32Array>,
  facts: { tokens: number },
  begin: () => void,
): AsyncGenerator<Int32Array> {
  for await (const part of parts) {
    begin();
    facts.tokens += part.length;
    yield part;
  }
}

/** One token per line, with its text: a table for each part of the text. */
async function pourPieces(
  parts: AsyncIterable<Int32Array>,
  tokenizer: Tokenizer,
  output: Output,
): Promise<void> {
  for await (const part of parts)
    for (let at = 0; at < part.length; at += PIECES) {
      const rows = Array.from(part.subarray(at, at + PIECES), (id) => [
        String(id),
        printable(tokenizer.token(id)),
      ]);
      output.table(['id', { title: 'token', align: 'left' }], rows);
      await output.pour(''); // waits for the reader
    }
}

/** Number of tokens per table. */
const PIECES = 10_000;

export const tokenizerDecode = defineCommand({
  examples: [
    ['tokenizer decode -t whale.json 72 105 261', 'text'],
    ['tokenizer encode -t a.json --file x.txt | inkhorn tokenizer decode -t a.json', 'x.txt, byte by byte'],
  ],
  flags: source,
  async run({ args, flags, output }: Context<typeof source>): Promise<void> {
    const tokenizer = await tokenizerOf(flags, output);
    const given = args.length > 0 ? [new TextEncoder().encode(`${args.join(' ')}\n`)] : standardInput();
    const facts = { bytes: 0, tokens: 0 };
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const quoted = (text: string): string => revealJson(JSON.stringify(text).slice(1, -1));
    const pour = (text: string): Promise<void> => output.pour(output.json ? quoted(text) : text);
    if (output.json) await output.pour('{"text":"');
    for await (const ids of readIds(given, tokenizer)) {
      const bytes = tokenizer.decodeBytes(ids);
      facts.tokens += ids.length;
      facts.bytes += bytes.length;
      if (output.json || output.tty) await pour(decoder.decode(bytes, { stream: true }));
      else await output.pour(bytes);
    }
    if (output.json || output.tty) await pour(decoder.decode());
    if (output.json) await output.pour(`",${JSON.stringify(facts).slice(1)}\n`);
    if (output.tty) output.print();
  },
});

export const tokenizerShow = defineCommand({
  examples: [
    ['tokenizer show -t whale.json', 'the whole vocabulary'],
    ['tokenizer show -m runs/first --json', 'the same as JSON'],
  ],
  flags: source,
  meant: (word, place) =>
    /^\d+$/.test(word) ? 'inkhorn tokenizer decode' : place === 'folder' ? '--model' : '--tokenizer',
  async run({ flags, output }: Context<typeof source>): Promise<void> {
    const tokenizer = await tokenizerOf(flags, output);
    const { vocabSize, pattern, specialTokens } = tokenizer;
    const tokens = Array.from({ length: vocabSize }, (_, id) => describeToken(tokenizer, id));
    output.data({ vocabSize, pattern, specialTokens: Object.fromEntries(specialTokens), tokens });
    output.table(
      ['id', { title: 'token', align: 'left' }, { title: 'made of', align: 'left' }],
      tokens.map(({ id, token, merge, special }) => {
        const other = special ? 'special' : tokenizer.hasToken(id) ? '' : 'no token has this id';
        return [String(id), token, merge ? madeOf(tokenizer, merge) : other];
      }),
    );
    output.note(`${formatAmount(vocabSize, 'token')}, pattern ${pattern}, ${specialTokens.size} special`);
  },
});

function describeToken(
  tokenizer: Tokenizer,
  id: number,
): { id: number; token: string; merge: readonly [number, number] | null; special: boolean } {
  const special = [...tokenizer.specialTokens.values()].includes(id);
  return { id, token: printable(tokenizer.token(id)), merge: tokenizer.mergeOf(id) ?? null, special };
}

/** `e + ␣  (101, 32)`. */
function madeOf(tokenizer: Tokenizer, [left, right]: readonly [number, number]): string {
  return `${printable(tokenizer.token(left))} + ${printable(tokenizer.token(right))}  (${left}, ${right})`;
}

/** The text of a file, or of standard input if none is given. */
async function textInput(
  file: string | undefined,
  output: Output,
  { asBytes }: { asBytes?: boolean },
): Promise<Uint8Array> {
  if (file !== undefined && file !== STDIN) return openText(file, '--file', output, asBytes);
  if (process.stdin.isTTY) throw misuse('nothing to read: give it as an argument, or on standard input');
  return openText(STDIN, 'standard input', output, asBytes);
}

function standardInput(): AsyncIterable<Buffer> {
  if (process.stdin.isTTY) throw misuse('nothing to read: give it as an argument, or on standard input');
  return process.stdin;
}
