// A stream of documents as units of work: about a megabyte of text each, cut where cuts.ts allows. Read next:
// encode-unit.ts.
import { createHash } from 'node:crypto';
import { formatCount } from '../base/format.ts';
import type { DocumentPart } from '../corpora/corpus.ts';
import type { Cutter } from './cuts.ts';

/** A part of a text whose documents are joined by line feeds. */
export interface Unit {
  /** The text, and behind `own` bytes the beginning of the next unit, where the two are to be stitched. */
  bytes: Uint8Array<ArrayBuffer>;
  own: number;
  /** The places of line feeds that stand for a separator, ascending and below `own`. */
  borders: number[];
  /** Whether its tokens are to be stitched to those of the next unit. */
  open: boolean;
  /** Where it ends. */
  end: Place;
}

/** A place in a text. */
export interface Place {
  /** Bytes before it. */
  bytes: number;
  /** Their SHA-256. */
  sha256: string;
  /** Tokens behind it that are done, where units overlap. */
  done?: number;
}

export interface UnitOptions {
  cutter: Cutter;
  /** Whether a separator stands between documents, in place of the line feed. */
  separate: boolean;
  /** Bytes by which a unit within a document reaches into the next one; 0: they need no stitching. */
  overlap: number;
  /** Where to begin. */
  from?: Place;
  /** Bytes of a unit. Default: 1 MiB. */
  size?: number;
}

const SIZE = 2 ** 20;
/** The most bytes of a unit: no text goes on so long without a place to cut it. */
const LONGEST = 2 ** 28;

const LINE_FEED = Uint8Array.of(0x0a);

/** What the units were made of, in all. */
export interface Whole extends Place {
  documents: number;
}

/**
 * The units of a text. Returns what they were made of. Throws when the text before `from` is another one, and
 * when there is no place to cut the text for too long.
 */
export async function* unitsOf(
  parts: AsyncIterable<DocumentPart>,
  { cutter, separate, overlap, from, size = SIZE }: UnitOptions,
): AsyncGenerator<Unit, Whole> {
  const reach = Math.max(overlap, cutter.beyond);
  const hash = createHash('sha256');
  const text = makeRoom(2 * size);
  let borders: number[] = [];
  let begin = 0; // of `text` within the whole
  let [documents, inDocument, tryAt] = [0, false, size + reach];

  const here = (): string => hash.copy().digest('hex');
  const add = (bytes: Uint8Array): void => {
    const skip = Math.min(bytes.length, Math.max(0, (from?.bytes ?? 0) - begin));
    if (skip > 0) {
      hash.update(bytes.subarray(0, skip));
      begin += skip;
      if (begin === from?.bytes && here() !== from.sha256) throw new Error(OTHER_TEXT);
    }
    text.add(bytes.subarray(skip));
  };
  const unit = (own: number, over: number): Unit => {
    const bytes = text.bytes().slice(0, own + over);
    hash.update(bytes.subarray(0, own));
    const first = borders.findIndex((at) => at >= own);
    const inside = borders.splice(0, first < 0 ? borders.length : first);
    borders = borders.map((at) => at - own);
    text.drop(own);
    begin += own;
    return { bytes, own, borders: inside, open: over > 0, end: { bytes: begin, sha256: here() } };
  };
  function* complete(): Generator<Unit> {
    while (text.length() >= tryAt) {
      const { own, inside } = placeToCut(text.bytes(), borders, cutter, reach);
      if (own === 0) {
        if (text.length() > LONGEST) throw new Error(uncut(begin, LONGEST));
        tryAt = 2 * text.length();
        return;
      }
      tryAt = size + reach;
      yield unit(own, inside ? overlap : 0);
    }
  }

  for await (const { bytes, ends } of parts) {
    if (bytes.length > 0 && !inDocument) {
      if (documents > 0) {
        const at = begin + text.length();
        add(LINE_FEED);
        if (separate && at >= begin) borders.push(at - begin);
      }
      documents++;
      inDocument = true;
    }
    add(bytes);
    if (ends) inDocument = false;
    yield* complete();
  }
  if (begin < (from?.bytes ?? 0)) throw new Error(OTHER_TEXT);
  if (text.length() > 0) yield unit(text.length(), 0);
  return { bytes: begin, sha256: here(), documents };
}

const OTHER_TEXT = 'the text is not the one that was begun with: --force begins anew';

function uncut(begin: number, bytes: number): string {
  return `from byte ${formatCount(begin)} on there is no place to cut the text for ${formatCount(bytes)} bytes: is it text?`;
}

/**
 * Where the first unit of `text` ends: at the border of a document, or `inside` one; 0 where it cannot end
 * yet.
 */
function placeToCut(
  text: Uint8Array,
  borders: readonly number[],
  cutter: Cutter,
  reach: number,
): { own: number; inside: boolean } {
  const limit = text.length - reach;
  const next = borders.find((at) => at > limit) ?? Number.POSITIVE_INFINITY;
  const last = borders.findLast((at) => at <= limit) ?? -1;
  if (next <= limit + reach) return { own: next, inside: false };
  if (last > 0 && last >= limit / 2) return { own: last, inside: false };
  const within = cutter.cut(text.subarray(last + 1), limit - last - 1);
  if (within > 0) return { own: last + 1 + within, inside: true };
  return { own: Math.max(0, last), inside: false };
}

/** A text that is written at its end and read from its start. */
function makeRoom(size: number): {
  length(): number;
  bytes(): Uint8Array;
  add(bytes: Uint8Array): void;
  drop(bytes: number): void;
} {
  let room = new Uint8Array(size);
  let used = 0;
  return {
    length: () => used,
    bytes: () => room.subarray(0, used),
    add(bytes) {
      if (used + bytes.length > room.length) {
        const larger = new Uint8Array(Math.max(2 * room.length, used + bytes.length));
        larger.set(room.subarray(0, used));
        room = larger;
      }
      room.set(bytes, used);
      used += bytes.length;
    },
    drop(bytes) {
      room.copyWithin(0, bytes, used);
      used -= bytes;
    },
  };
}
