// Tokenizers as given to commands: `--tokenizer FILE`, or that of `--model DIR`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kindOf } from '../base/first-bytes.ts';
import { bytesAtMost, readJson } from '../base/json.ts';
import { nodeFiles, reason } from '../io/node-store.ts';
import { TOKENIZER_FILE } from '../model/folder.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { TOKENIZER_LIMITS } from '../tokenizer/tokenizer-json.ts';
import { MisuseError, misuse } from './errors.ts';
import { text, type Values } from './flags.ts';
import { findModel } from './models.ts';
import type { Output } from './output.ts';
import { tiktokenExtras, type tiktokenFlags } from './tiktoken.ts';

export const tokenizerFlag = text({ about: 'tokenizer.json, or a .tiktoken file', argument: '<file>' });

/** Reads a tokenizer.json, or a .tiktoken file. */
export async function openTokenizer(
  file: string,
  extras: Values<typeof tiktokenFlags> = {},
): Promise<Tokenizer> {
  const bytes = await nodeFiles.read(file, bytesAtMost(TOKENIZER_LIMITS)).catch((error) => {
    const within = join(file, TOKENIZER_FILE);
    const remedy = existsSync(within) ? `: did you mean ${within}?` : '';
    throw misuse(`--tokenizer ${file}: ${reason(error)}${remedy}`);
  });
  if (!file.endsWith('.tiktoken') && (extras.pattern ?? extras.special))
    throw misuse(
      `${file}: --pattern and --special belong to .tiktoken files: a tokenizer.json holds its own`,
    );
  if (!file.endsWith('.tiktoken'))
    return readJson(bytes, file, (json) => Tokenizer.fromJSON(json), TOKENIZER_LIMITS);
  try {
    const kind = kindOf(bytes) ?? 'binary data';
    if (kind !== 'text' && bytes.length > 0) throw new Error(`no .tiktoken file, but ${kind}`);
    return Tokenizer.fromTiktoken(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes),
      tiktokenExtras(bytes, extras),
    );
  } catch (error) {
    const Kind = error instanceof MisuseError ? MisuseError : Error;
    throw new Kind(`${file}: ${(error as Error).message}`);
  }
}

/** The tokenizer of `--tokenizer FILE` or of `--model DIR`; without either, the bundled model's. */
export async function tokenizerOf(
  given: { tokenizer?: string; model?: string } & Values<typeof tiktokenFlags>,
  output: Output,
): Promise<Tokenizer> {
  if (given.tokenizer !== undefined && given.model !== undefined) {
    throw misuse('--tokenizer and --model are both given: which one?');
  }
  if (given.tokenizer !== undefined) return openTokenizer(given.tokenizer, given);
  if (given.pattern ?? given.special)
    throw misuse('--pattern and --special belong to a .tiktoken file: give --tokenizer');
  const store = await findModel(given.model, output);
  return openTokenizer(join(store.location, TOKENIZER_FILE));
}
