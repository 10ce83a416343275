// `inkhorn tokenizer encode`, `decode`, `show`: what a tokenizer does to a text, and what it is made of.
import { readFile } from 'node:fs/promises';
import { reason } from '../../platform/node-store.ts';
import { formatCount } from '../../report/format.ts';
import { printable, type Tokenizer } from '../../tokenizer/index.ts';

import { type Context, defineCommand } from '../command.ts';
import { asked, misuse } from '../errors.ts';
import { type Flags, text, toggle } from '../flags.ts';
import { modelFlag, tokenizerFlag, tokenizerOf } from '../models.ts';
import { encodeText, specialFlags } from '../special.ts';

const source = {
  tokenizer: { ...tokenizerFlag, short: 't' },
  model: { ...modelFlag, initial: undefined },
} satisfies Flags;

const encodeFlags = {
  ...source,
  file: text({ about: 'encode this file', argument: '<file>', short: 'f' }),
  pieces: toggle({ about: 'one token per line, with its text' }),
  ...specialFlags,
} satisfies Flags;

export const tokenizerEncode = defineCommand({
  name: 'tokenizer encode',
  about:
    'the tokens of a text, and the compression ratio; the text is an argument, --file, or standard input',
  examples: [
    ['tokenizer encode -t whale.json "Call me Ishmael."', 'token ids'],
    ['tokenizer encode -m runs/first --pieces "To be"', 'one token per line, with its text'],
    ['tokenizer encode -t whale.json --file notes.txt --json', 'ids and figures as JSON'],
  ],
  args: [['[text]', 'what to encode']],
  flags: encodeFlags,
  async run({ args: [argument], flags, output }: Context<typeof encodeFlags>): Promise<void> {
    const { file, pieces } = flags;
    if (argument !== undefined && file !== undefined)
      throw misuse('a text and --file are both given: which one?');
    const tokenizer = await tokenizerOf(flags, output);
    const bytes = argument === undefined ? await readInput(file) : new TextEncoder().encode(argument);
    const ids = encodeText(tokenizer, bytes, flags);
    const bytesPerToken = ids.length > 0 ? bytes.length / ids.length : null;
    output.data({ ids: [...ids], tokens: ids.length, bytes: bytes.length, bytesPerToken });
    if (pieces) {
      output.table(
        ['id', { title: 'token', align: 'left' }],
        Array.from(ids, (id) => [String(id), printable(tokenizer.token(id))]),
      );
    } else {
      output.print(ids.join(' '));
    }
    const ratio = bytesPerToken === null ? '' : `, ${bytesPerToken.toFixed(2)} bytes per token`;
    output.note(`${formatCount(bytes.length)} bytes, ${formatCount(ids.length)} tokens${ratio}`);
  },
});

export const tokenizerDecode = defineCommand({
  name: 'tokenizer decode',
  about: 'the text of token ids, given as arguments or on standard input, separated by spaces or commas',
  examples: [
    ['tokenizer decode -t whale.json 72 105 261', 'text'],
    ['tokenizer encode -t a.json --file x.txt | inkhorn tokenizer decode -t a.json', 'x.txt, byte by byte'],
  ],
  args: [['[ids...]', 'token ids']],
  flags: source,
  async run({ args, flags, output }: Context<typeof source>): Promise<void> {
    const tokenizer = await tokenizerOf(flags, output);
    const words = args.length > 0 ? args.join(' ') : new TextDecoder().decode(await readInput());
    const ids = words.split(/[\s,[\]]+/).filter((word) => word !== '');
    const bytes = await asked(() => tokenizer.decodeBytes(ids.map((word) => tokenId(word, tokenizer))));
    output.data({
      text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
      bytes: bytes.length,
      tokens: ids.length,
    });
    output.speak(bytes);
    if (output.tty) output.print();
  },
});

export const tokenizerShow = defineCommand({
  name: 'tokenizer show',
  about: 'every token: its id, its text, and the two tokens it was merged from',
  examples: [
    ['tokenizer show -t whale.json', 'the whole vocabulary'],
    ['tokenizer show -m runs/first --json', 'the same as JSON'],
  ],
  flags: source,
  async run({ flags, output }: Context<typeof source>): Promise<void> {
    const tokenizer = await tokenizerOf(flags, output);
    const { vocabSize, pattern, specialTokens } = tokenizer;
    const tokens = Array.from({ length: vocabSize }, (_, id) => describeToken(tokenizer, id));
    output.data({ vocabSize, pattern, specialTokens: Object.fromEntries(specialTokens), tokens });
    output.table(
      ['id', { title: 'token', align: 'left' }, { title: 'made of', align: 'left' }],
      tokens.map(({ id, token, merge, special }) => [
        ...[String(id), token, merge ? madeOf(tokenizer, merge) : special ? 'special' : ''],
      ]),
    );
    output.note(`${formatCount(vocabSize)} tokens, pattern ${pattern}, ${specialTokens.size} special`);
  },
});

function describeToken(
  tokenizer: Tokenizer,
  id: number,
): { id: number; token: string; merge: readonly [number, number] | null; special: boolean } {
  const merge = id >= 256 ? (tokenizer.merges[id - 256] ?? null) : null;
  return { id, token: printable(tokenizer.token(id)), merge, special: id >= 256 && merge === null };
}

/** `e + ␣  (101, 32)`. */
function madeOf(tokenizer: Tokenizer, [left, right]: readonly [number, number]): string {
  return `${printable(tokenizer.token(left))} + ${printable(tokenizer.token(right))}  (${left}, ${right})`;
}

function tokenId(word: string, { vocabSize }: Tokenizer): number {
  const id = Number(word);
  if (/^\d+$/.test(word) && id < vocabSize) return id;
  throw misuse(`${JSON.stringify(word)} is not a token id: they go from 0 to ${vocabSize - 1}`);
}

/** A file, or standard input when there is none. */
async function readInput(file?: string): Promise<Uint8Array> {
  if (file !== undefined) {
    return readFile(file).catch((error) => {
      throw misuse(`--file ${file}: ${reason(error)}`);
    });
  }
  if (process.stdin.isTTY) throw misuse('nothing to read: give it as an argument, or on standard input');
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
