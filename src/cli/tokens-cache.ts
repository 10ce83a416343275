// The tokens of large texts, kept in the cache for other runs. Read next: tokens-file.ts.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { formatAmount, formatBytes } from '../base/format.ts';
import { sha256Of } from '../corpora/fetch.ts';
import { cacheFolder } from '../corpora/index.ts';
import type { TextStream } from '../corpora/stream.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { identityOf } from '../tokens/format.ts';
import { openTokens, type TokensFile } from '../tokens/read.ts';
import type { Output } from './output.ts';
import type { Reading } from './texts.ts';
import { encodedLine, encodeStream } from './tokens-file.ts';

/** What no run has used for so long is removed when tokens are added. */
export const KEPT_DAYS = 60;

/** A text as it was requested. */
export interface TextRequest extends Reading {
  inputs: readonly string[] | undefined;
  field?: string;
}

/** Where the tokens of large texts are kept. */
export function tokensFolder(): string {
  return join(cacheFolder(), 'tokens');
}

/** The tokens of a stream: in the cache since an earlier run, or encoded now. */
export async function cachedTokens(
  stream: TextStream,
  tokenizer: Tokenizer,
  { inputs = [], asBytes, separator, field }: TextRequest,
  output: Output,
): Promise<TokensFile> {
  const key = sha256Of(
    Buffer.from(JSON.stringify([identityOf(tokenizer), separator, asBytes, field, stream.files])),
  );
  const folder = tokensFolder();
  const path = join(folder, `${key.slice(0, 16)}.bin`);
  if (existsSync(path)) {
    try {
      const file = openTokens(path);
      await utimes(path, new Date(), new Date()).catch(() => {}); // a read-only cache serves as well
      output.note(`the tokens of ${stream.source} are in ${path} since an earlier run`);
      return file;
    } catch (error) {
      output.note(`${(error as Error).message}: encoded again`);
    }
  }
  await mkdir(folder, { recursive: true });
  await dropUnused(folder, output);
  const done = await encodeStream(stream, tokenizer, path, { inputs, asBytes, separator, field }, output);
  const size = formatBytes(done.count * (tokenizer.vocabSize <= 65536 ? 2 : 4));
  output.note(
    `${encodedLine(done, tokenizer)}: kept in ${path} (${size}) for other runs, until ${KEPT_DAYS} days after the last`,
  );
  return openTokens(path);
}

/** The files of a folder of the cache, with the time of their last use. */
export async function keptTokens(folder: string): Promise<{ path: string; bytes: number; used: Date }[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.map(async (name) => {
    const path = join(folder, name);
    const facts = await stat(path).catch(() => null); // another process may remove it
    return facts?.isFile() ? [{ path, bytes: facts.size, used: facts.mtime }] : [];
  });
  return (await Promise.all(files)).flat();
}

/** Removes files that have not been used for KEPT_DAYS; also what killed commands left. */
async function dropUnused(folder: string, output: Output): Promise<void> {
  const oldest = Date.now() - KEPT_DAYS * 24 * 3600 * 1000;
  const unused = (await keptTokens(folder)).filter(({ used }) => used.getTime() < oldest);
  if (unused.length === 0) return;
  for (const { path } of unused) await rm(path, { force: true });
  const bytes = unused.reduce((sum, file) => sum + file.bytes, 0);
  output.note(
    `removed ${formatAmount(unused.length, 'file')} of tokens (${formatBytes(bytes)}) from ${folder}, unused for ${KEPT_DAYS} days`,
  );
}
