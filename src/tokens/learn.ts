// What a tokenizer learns from a text of any size. With a split pattern: the counts of all its chunks, on all
// cores, exactly those of the whole text. Without one the text would have to be in memory: a sample of it.
import { availableParallelism } from 'node:os';
import type { TextStream } from '../corpora/stream.ts';
import {
  type ChunkCounts,
  countChunks,
  makeChunkCounts,
  Tokenizer,
  type TokenizerTraining,
} from '../tokenizer/index.ts';
import { partsOf } from '../tokenizer/parts.ts';
import type { CountedChunks } from './count-worker.ts';
import { work } from './crew.ts';
import { cutter } from './cuts.ts';
import { unitsOf } from './units.ts';

export interface LearnOptions extends Pick<TokenizerTraining, 'pattern' | 'specialTokens'> {
  /** Called now and then with the bytes of the files read so far, and in all. */
  onProgress?: (done: number, total: number) => void;
  threads?: number;
  /** Bytes of the sample where there is no pattern. Default: 8 MiB. */
  sample?: number;
}

/** What there is to learn from. */
export interface Learnt {
  counts: ChunkCounts;
  /** Bytes of the text, and of those that were looked at. */
  bytes: number;
  taken: number;
  /** Of a sample: the number of places. */
  places: number | null;
}

/** Learning takes about thirty bytes of memory for each byte of the sample. */
const SAMPLE = 2 ** 23;
/** Bytes of text at each place of the sample. */
const PLACE = 2 ** 16;

/** Counts the chunks of a text, or those of a sample. Throws where the text cannot be read. */
export async function countStream(
  stream: TextStream,
  { pattern = 'none', specialTokens = [], ...options }: LearnOptions,
): Promise<Learnt> {
  const untrained = new Tokenizer({ merges: [], pattern, specialTokens });
  return pattern === 'none' ? sampled(stream, untrained, options) : counted(stream, untrained, options);
}

async function counted(
  stream: TextStream,
  untrained: Tokenizer,
  { onProgress, threads = availableParallelism() }: LearnOptions,
): Promise<Learnt> {
  const parts = stream.parts({ onRead: (bytes) => onProgress?.(bytes, stream.size) });
  const units = unitsOf(parts, {
    cutter: cutter(untrained, untrained.specialTokens),
    separate: false,
    overlap: 0,
  });
  const script = new URL('./count-worker.js', import.meta.url);
  const counts = makeChunkCounts();
  const results = work<CountedChunks, unknown>(units, script, partsOf(untrained), threads);
  let bytes = 0;
  for await (const { unit, result } of results) {
    bytes += unit.own;
    let at = 0;
    result.lengths.forEach((length, k) => {
      counts.add(result.bytes, at, at + length, result.copies[k]);
      at += length;
    });
  }
  return { counts, bytes, taken: bytes, places: null };
}

/**
 * A sample of the text, from places at equal distances. How long the text is need not be known: whenever the
 * sample is full every second place is left out, and from there on every second one is taken.
 */
async function sampled(
  stream: TextStream,
  untrained: Tokenizer,
  { onProgress, sample = SAMPLE }: LearnOptions,
): Promise<Learnt> {
  const parts = stream.parts({ onRead: (bytes) => onProgress?.(bytes, stream.size) });
  const options = { cutter: cutter(untrained, untrained.specialTokens), separate: false, overlap: 0 };
  let taken: Uint8Array[] = [];
  let [every, number, bytes] = [1, 0, 0];
  for await (const { bytes: text } of unitsOf(parts, { ...options, size: Math.min(PLACE, sample) })) {
    bytes += text.length;
    if (number++ % every > 0) continue;
    taken.push(text);
    if (taken.reduce((sum, { length }) => sum + length, 0) <= sample) continue;
    taken = taken.filter((_, k) => k % 2 === 0);
    every *= 2;
  }
  const counts = makeChunkCounts();
  for (const text of taken) countChunks(text, untrained, counts);
  const size = taken.reduce((sum, { length }) => sum + length, 0);
  return { counts, bytes, taken: size, places: every === 1 ? null : taken.length };
}
