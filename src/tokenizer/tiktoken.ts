// `.tiktoken` files: one token a line, its bytes in base64, then its rank. The merges are not written but can be found again:
// encoding a token's bytes with the merges before it must leave two tokens, the two that it is made of.
import { fromBase64, toBase64 } from './base64.ts';
import { encode, type Merge } from './bpe.ts';
import { makePairTable } from './pair-table.ts';
import type { Tokenizer, TokenizerParts } from './tokenizer.ts';
import { printable } from './utf8.ts';

/** The file of a tokenizer, without its special tokens. */
export function toTiktoken(tokenizer: Tokenizer): string {
  let file = '';
  for (let id = 0; id < 256 + tokenizer.merges.length; id++)
    file += `${toBase64(tokenizer.token(id))} ${id}\n`;
  return file;
}

/** The merges and byte tokens of a file. Throws, naming the line, when it is damaged or merges cannot give its tokens. */
export function fromTiktoken(file: string): Pick<TokenizerParts, 'merges' | 'byteIds'> {
  const tokens = parseLines(file);
  const byteIds = byteIdsOf(tokens.slice(0, 256));
  const merges: Merge[] = [];
  const ranks = makePairTable();
  for (const token of tokens.slice(256)) {
    const parts = encode({ byteIds, merges, ranks }, token);
    if (parts.length !== 2) {
      const found = parts.length === 1 ? `is token ${parts[0]} again` : 'is not made of two tokens before it';
      throw damaged(256 + merges.length, `'${printable(token)}' ${found}`);
    }
    ranks.set(parts[0], parts[1], merges.length);
    merges.push([parts[0], parts[1]]);
  }
  return { merges, byteIds };
}

function parseLines(file: string): Uint8Array[] {
  const lines = file.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, rank) => {
    const [, base64, number] = /^(\S+) (\d+)\r?$/.exec(line) ?? [];
    const token = base64 === undefined ? undefined : fromBase64(base64);
    if (!token) throw damaged(rank, `'${line.slice(0, 40)}' is not base64, a space and a rank`);
    if (Number(number) !== rank)
      throw damaged(rank, `rank ${number} should be ${rank}: ranks count up from 0`);
    return token;
  });
}

function byteIdsOf(tokens: readonly Uint8Array[]): Int32Array {
  const byteIds = new Int32Array(256).fill(-1);
  tokens.forEach((token, id) => {
    if (token.length !== 1)
      throw damaged(id, `'${printable(token)}' is not one byte: the first 256 tokens must be`);
    if (byteIds[token[0]] >= 0) throw damaged(id, `byte ${token[0]} is token ${byteIds[token[0]]} already`);
    byteIds[token[0]] = id;
  });
  if (tokens.length < 256) throw damaged(tokens.length, 'missing: a file has 256 byte tokens at least');
  return byteIds;
}

function damaged(rank: number, what: string): Error {
  return new Error(`.tiktoken line ${rank + 1}: ${what}`);
}
