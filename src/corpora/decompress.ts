// Compressed texts: gzip by Node, Zstandard by Node where it has it (22.15 and later), else by fzstd.
import * as zlib from 'node:zlib';
import { formatCount } from '../base/format.ts';

export type Compression = 'gzip' | 'zstd';

const STARTS: readonly { kind: Compression; bytes: readonly number[] }[] = [
  { kind: 'gzip', bytes: [0x1f, 0x8b, 0x08] },
  { kind: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
];

/** What the first bytes say about the compression of a stream, and the same stream again. */
export async function compressionOf(
  parts: AsyncIterable<Uint8Array>,
): Promise<{ kind: Compression | null; bytes: AsyncIterable<Uint8Array> }> {
  const iterator = parts[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array(0);
  let done = false;
  while (start.length < 4 && !done) {
    const next = await iterator.next();
    done = next.done === true;
    if (!next.done) start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  const kind = STARTS.find(({ bytes }) => bytes.every((byte, i) => start[i] === byte))?.kind ?? null;
  return { kind, bytes: again(start, iterator) };
}

async function* again(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The decompressed bytes. `name` is for messages. Throws one line when they are damaged or cut off. */
export async function* decompressed(
  parts: AsyncIterable<Uint8Array>,
  kind: Compression,
  name: string,
): AsyncGenerator<Uint8Array> {
  let length = 0;
  try {
    const plain = kind === 'gzip' ? through(parts, zlib.createGunzip()) : unzstd(parts);
    for await (const part of plain) {
      length += part.length;
      yield part;
    }
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    const after = `after ${formatCount(length)} bytes of text`;
    if (code === 'Z_BUF_ERROR' || code === UNEXPECTED_EOF || /unexpected end|truncated|EOF/i.test(message))
      throw new Error(`${name} is cut off: its ${kind} data ends in the middle, ${after}: copy it again`, {
        cause: error,
      });
    if (code !== undefined || message.includes('zstd'))
      throw new Error(`${name} is damaged: its ${kind} data is wrong ${after} (${message})`, {
        cause: error,
      });
    throw error; // the file itself could not be read
  }
}

/** fzstd's code of a stream that ends too early. */
const UNEXPECTED_EOF = 5;

function unzstd(parts: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // Types of Node 20 lack it.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => zlib.Gunzip };
  return createZstdDecompress ? through(parts, createZstdDecompress()) : byFzstd(parts);
}

/** What a stream of `zlib` makes of the parts. */
async function* through(parts: AsyncIterable<Uint8Array>, stream: zlib.Gunzip): AsyncGenerator<Uint8Array> {
  const { pipeline } = await import('node:stream/promises');
  const fed = pipeline(parts, stream).catch((error: Error) => void stream.destroy(error));
  for await (const part of stream as AsyncIterable<Buffer>) yield part;
  await fed;
}

async function* byFzstd(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import('fzstd');
  let made: Uint8Array[] = [];
  const stream = new Decompress((part) => void made.push(part.slice())); // it reuses its buffer
  for await (const part of parts) {
    // Little at a time, since all that it makes of it is in memory.
    for (let at = 0; at < part.length; at += FED) {
      stream.push(part.subarray(at, at + FED));
      yield* made;
      made = [];
    }
  }
  stream.push(new Uint8Array(0), true);
  yield* made;
}

const FED = 2 ** 16;
