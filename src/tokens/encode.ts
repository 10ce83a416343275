// Encodes a text of any size into a file of tokens, on all cores and in bounded memory: the same tokens as
// `encodeText` of the whole. A killed command goes on where it was. Read next: units.ts, crew.ts, stitch.ts,
// write.ts.
import { availableParallelism } from 'node:os';
import { formatAmount } from '../base/format.ts';
import { sha256Of } from '../corpora/fetch.ts';
import { NotText } from '../corpora/read.ts';
import type { TextStream } from '../corpora/stream.ts';
import { DAMAGE_AT_MOST } from '../text/check.ts';
import { type Damage, describeDamage } from '../text/damage.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { partsOf } from '../tokenizer/parts.ts';
import { separatorId } from '../train/data.ts';
import { work } from './crew.ts';
import { cutter } from './cuts.ts';
import { type Encoded, encodeUnit } from './encode-unit.ts';
import type { EncodeData, EncodedText } from './encode-worker.ts';
import { type Description, dtypeFor, headBytes, identityOf, type Source } from './format.ts';
import { stitch } from './stitch.ts';
import { type Place, type Unit, unitsOf, type Whole } from './units.ts';
import { type TokensWriter, writeTokens } from './write.ts';

export interface EncodeFileOptions {
  /** As in `openStream`, for the description of the file. */
  inputs: readonly string[];
  asBytes: boolean;
  field?: string;
  /** The special token between documents; null: a line feed. */
  separator: string | null;
  /** Where the tokenizer was read, for messages. */
  tokenizerFile?: string;
  /** Worker threads. Default: one for each processor. */
  threads?: number;
  /** Begins anew also where the same work was begun. */
  fresh?: boolean;
  /** Called now and then with the bytes of the files read so far, and in all (0: unknown). */
  onProgress?: (done: number, total: number) => void;
  onNote?: (line: string) => void;
  /** Bytes of text encoded at a time, by one thread. Default: 1 MiB. */
  unitSize?: number;
}

/** Bytes by which units of a tokenizer without a split pattern overlap: far more than it takes to agree. */
const OVERLAP = 4096;

/**
 * Writes the tokens of `stream` to `path`. Resolves to their number, the text, and how many bytes of it an
 * earlier command had encoded. Throws one line when the text cannot be read or is none, when a special token
 * is missing, and `FolderInUse`.
 */
export async function encodeFile(
  stream: TextStream,
  tokenizer: Tokenizer,
  path: string,
  options: EncodeFileOptions,
): Promise<{ count: number; source: Source; resumed: number }> {
  const { inputs, asBytes, field, separator, onProgress, onNote } = options;
  const between = separator === null ? null : separatorId(tokenizer, separator);
  const dtype = dtypeFor(tokenizer.vocabSize);
  const own: Description['tokenizer'] = {
    sha256: identityOf(tokenizer),
    vocabSize: tokenizer.vocabSize,
    ...(options.tokenizerFile !== undefined && { file: options.tokenizerFile }),
  };
  const source = { inputs, name: stream.name, asBytes, ...(field !== undefined && { field }) };
  const largest = Number.MAX_SAFE_INTEGER;
  const longest = { ...source, documents: largest, bytes: largest, sha256: own.sha256 };
  const head = headBytes({
    dtype,
    count: largest,
    table: own.sha256,
    tokenizer: own,
    separator,
    source: longest,
  }).length;
  const work = sha256Of(Buffer.from(JSON.stringify([own.sha256, separator, source, stream.files, head])));
  const writer = await writeTokens(path, { dtype, work, head, fresh: options.fresh });
  try {
    const look = { onRead: (bytes: number) => onProgress?.(bytes, stream.size), onNote };
    const { documents, bytes, sha256 } = await encodeParts(
      stream.parts(look),
      tokenizer,
      between,
      writer,
      options,
    );
    if (documents === 0) throw new Error(`${stream.source} is empty: a corpus needs text`);
    const { count, from } = writer;
    const whole: Source = { ...source, documents, bytes, sha256 };
    writer.finish({ tokenizer: own, separator, source: whole });
    return { count, source: whole, resumed: from?.bytes ?? 0 };
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** Encodes the documents from where the writer is. */
async function encodeParts(
  parts: ReturnType<TextStream['parts']>,
  tokenizer: Tokenizer,
  separator: number | null,
  writer: TokensWriter,
  { asBytes, threads = availableParallelism(), unitSize, onNote }: EncodeFileOptions,
): Promise<Whole> {
  const overlapping = tokenizer.pattern === 'none';
  const units = unitsOf(parts, {
    cutter: cutter(tokenizer, separator === null ? tokenizer.specialTokens : new Map()),
    separate: separator !== null,
    overlap: overlapping ? OVERLAP : 0,
    from: writer.from,
    size: unitSize,
  });
  const script = new URL('./encode-worker.js', import.meta.url);
  const data: EncodeData = { parts: partsOf(tokenizer), separator, keep: overlapping };
  const encoded = withText(work<EncodedText, Whole>(units, script, data, threads));
  const done = writer.from?.done ?? 0;
  const joined = overlapping ? stitched(encoded, tokenizer, { separator, done }) : plain(encoded);
  const total = { bytes: 0, damage: 0 };
  for (;;) {
    const next = await joined.next();
    if (next.done) {
      if (total.damage > 0 && !asBytes)
        onNote?.(
          `${formatAmount(total.damage, 'byte')} of the text are not UTF-8, NUL or control characters: taken as they are`,
        );
      return next.value;
    }
    const { ids, end, damage, own } = next.value;
    total.bytes += own;
    total.damage += damage.count;
    if (!asBytes) refuseDamage(total, damage, own);
    writer.add(ids);
    await writer.reached(end);
  }
}

/** Throws when too much of a text is no text, once there is enough of it to tell. */
function refuseDamage(total: { bytes: number; damage: number }, damage: Damage, bytes: number): void {
  if (total.damage <= Math.max(DAMAGE_AT_MOST * total.bytes, 1000)) return;
  throw new NotText(
    `the text is none from about byte ${total.bytes - bytes} on (${describeDamage(damage, bytes)})`,
  );
}

/** A unit with its tokens. Its text is empty unless it was kept. */
interface EncodedUnit {
  unit: Unit;
  encoded: Encoded;
}

async function* withText<R>(
  results: AsyncGenerator<{ unit: Unit; result: EncodedText }, R>,
): AsyncGenerator<EncodedUnit, R> {
  for (;;) {
    const next = await results.next();
    if (next.done) return next.value;
    const { unit, result } = next.value;
    yield { unit: { ...unit, bytes: result.bytes ?? new Uint8Array(0) }, encoded: result };
  }
}

/** Tokens to be written. */
interface Joined {
  ids: Int32Array;
  /** How far these and those before go in the text. */
  end: Place;
  damage: Damage;
  own: number;
}

async function* plain<R>(units: AsyncGenerator<EncodedUnit, R>): AsyncGenerator<Joined, R> {
  for (;;) {
    const next = await units.next();
    if (next.done) return next.value;
    const { unit, encoded } = next.value;
    yield { ids: encoded.ids, end: unit.end, damage: encoded.damage, own: unit.own };
  }
}

/**
 * Joins units that overlap; the first `done` tokens of the first one are left out. Where the tokens of two do
 * not meet, both are encoded again as one.
 */
async function* stitched<R>(
  units: AsyncGenerator<EncodedUnit, R>,
  tokenizer: Tokenizer,
  { separator, done }: { separator: number | null; done: number },
): AsyncGenerator<Joined, R> {
  const lengthOf = (id: number): number => tokenizer.token(id).length;
  let before: Begun | null = null;
  for (;;) {
    const next = await units.next();
    if (next.done) {
      if (before) yield flush(before, before.encoded.ids.length);
      return next.value;
    }
    const { unit, encoded } = next.value;
    if (!before?.unit.open) {
      if (before) yield flush(before, before.encoded.ids.length);
      before = { unit, encoded, from: before ? 0 : done };
      continue;
    }
    const { ids, last } = before.encoded;
    const start = Math.max(before.from, ids.length - last);
    const overlap = before.unit.bytes.length - before.unit.own;
    const met = stitch(ids.subarray(start), encoded.ids.subarray(0, encoded.first), overlap, lengthOf);
    if (met) {
      yield flush(before, start + met.left, met.right);
      before = { unit, encoded, from: met.right };
    } else before = { ...together(before, next.value, tokenizer, separator), from: before.from };
  }
}

/** A unit of which the tokens from `from` on are to be written. */
type Begun = EncodedUnit & { from: number };

/** Its tokens up to `to`; of the next unit the first `done` are written then, too. */
function flush({ unit, encoded, from }: Begun, to: number, done = 0): Joined {
  const { damage } = encoded;
  return { ids: encoded.ids.subarray(from, to), end: { ...unit.end, done }, damage, own: unit.own };
}

/** The most bytes of text that are encoded again as one. */
const TOGETHER = 2 ** 26;

function together(
  a: EncodedUnit,
  b: EncodedUnit,
  tokenizer: Tokenizer,
  separator: number | null,
): EncodedUnit {
  const own = a.unit.own + b.unit.own;
  if (own > TOGETHER)
    throw new Error(
      `the tokens of ${formatAmount(own, 'byte')} of text depend on all of them, as in a long run of one character: train a tokenizer with --pattern gpt2`,
    );
  const bytes = new Uint8Array(a.unit.own + b.unit.bytes.length);
  bytes.set(a.unit.bytes.subarray(0, a.unit.own));
  bytes.set(b.unit.bytes, a.unit.own);
  const borders = [...a.unit.borders, ...b.unit.borders.map((at) => at + a.unit.own)];
  const unit = { ...b.unit, bytes, own, borders };
  return { unit, encoded: encodeUnit(tokenizer, unit, separator) };
}
