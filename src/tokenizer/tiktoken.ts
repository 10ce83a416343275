// `.tiktoken` files: one token per line, its bytes in base64, then its rank. The merges are not in the file
// but can be found again: encoding a token's bytes with all earlier merges must leave two tokens, which are
// its pair.
import { fromBase64, toBase64 } from './base64.ts';
import { encode, type Merge } from './bpe.ts';
import { makePairTable } from './pair-table.ts';
import type { TokenizerContents, TokenizerParts } from './parts.ts';
import { printable } from './utf8.ts';

/**
 * The file of a tokenizer, without its special tokens. Throws when the ids are not in the order of the
 * merges.
 */
export function toTiktoken(tokenizer: TokenizerContents): string {
  const { merges, ids } = tokenizer;
  let file = '';
  let last = -1;
  for (let number = 0; number < 256 + merges.length; number++) {
    const id = ids ? ids[number] : number;
    if (id < last)
      throw new Error(
        `token ${id} follows ${last}: in a .tiktoken file ids ascend, bytes first, then merges`,
      );
    file += `${toBase64(tokenizer.token(id))} ${id}\n`;
    last = id;
  }
  return file;
}

/**
 * The merges, byte tokens and ids of a file. Ranks must ascend; there may be gaps (in p50k_base that of a
 * special token). Throws, naming the line, when the file is damaged or merges cannot give its tokens.
 */
export function fromTiktoken(file: string): Pick<TokenizerParts, 'merges' | 'byteIds' | 'ids'> {
  const lines = parseLines(file);
  const tokens = lines.map(({ token }) => token);
  const byteIds = byteIdsOf(tokens.slice(0, 256));
  const merges: Merge[] = [];
  const ranks = makePairTable();
  for (const token of tokens.slice(256)) {
    const parts = encode({ byteIds, merges, ranks }, token);
    if (parts.length !== 2) {
      const found =
        parts.length === 1 ? `is token ${lines[parts[0]].rank} again` : 'is not made of two tokens before it';
      throw damaged(256 + merges.length, `'${printable(token)}' ${found}`);
    }
    ranks.set(parts[0], parts[1], merges.length);
    merges.push([parts[0], parts[1]]);
  }
  const gaps = lines.some(({ rank }, number) => rank !== number);
  return { merges, byteIds, ...(gaps && { ids: Int32Array.from(lines, ({ rank }) => rank) }) };
}

function parseLines(file: string): { token: Uint8Array; rank: number }[] {
  const lines = file.split('\n');
  if (lines.at(-1) === '') lines.pop();
  let next = 0;
  return lines.map((line, number) => {
    const [, base64, digits] = /^(\S+) (\d+)\r?$/.exec(line) ?? [];
    const token = base64 === undefined ? undefined : fromBase64(base64);
    if (!token) throw damaged(number, `'${line.slice(0, 40)}' is not base64, a space and a rank`);
    const rank = Number(digits);
    if (!(rank >= next && rank <= 2 ** 24))
      throw damaged(number, `rank ${digits} should be ${next} or more (and 2^24 at most): ranks ascend`);
    next = rank + 1;
    return { token, rank };
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
