// The directory of a ZIP archive (pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT): of a .zip, and of the
// files that PyTorch writes. Read in parts: an entry is a range of the file.
import { crc32 } from '../base/crc32.ts';
import { formatAmount } from '../base/format.ts';
import { excerpt } from '../base/schema.ts';
import type { OpenFile } from './store.ts';

/** A file in an archive. */
export interface ZipEntry {
  name: string;
  /** Number of bytes, once they are unpacked. */
  size: number;
  /** How they are stored: as they are, or not. */
  packing: 'none' | 'compressed' | 'encrypted';
  /** Where its own header begins in the archive. */
  header: number;
  /** The CRC-32 of its bytes; null where none was written, as PyTorch's `set_crc32_options(False)` has it. */
  crc: number | null;
}

/** Bytes of the record at the end of an archive, without its comment of at most 64 kB. */
const END = 22;
const COMMENT = 0xffff;
/** The limit of a directory: a million entries. */
const DIRECTORY = 64e6;

/** The entries of an archive by their names. Throws one line, without the name of the file. */
export async function readZip(file: OpenFile): Promise<Map<string, ZipEntry>> {
  const { begin, size, count } = await findDirectory(file);
  if (size > DIRECTORY || begin + size > file.size)
    throw new Error(
      `its directory of ${formatAmount(size, 'byte')} at byte ${begin} does not fit into the ${formatAmount(file.size, 'byte')} of the archive`,
    );
  const bytes = await file.read(begin, begin + size);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { entry, next } = readEntry(bytes, at, file.size);
    if (entries.has(entry.name))
      throw new Error(`two entries of the archive are called ${excerpt(entry.name)}`);
    entries.set(entry.name, entry);
    at = next;
  }
  return entries;
}

/** Where the bytes of an entry that is stored as it is begin: behind a header of its own. */
export async function entryBegin(file: OpenFile, { name, header, size }: ZipEntry): Promise<number> {
  const head = viewOf(await file.read(header, Math.min(file.size, header + LOCAL)));
  if (head.byteLength < LOCAL || head.getUint32(0, true) !== 0x04034b50)
    throw new Error(`entry ${excerpt(name)} of the archive has no header at byte ${header}: it is damaged`);
  const begin = header + LOCAL + head.getUint16(26, true) + head.getUint16(28, true);
  if (begin + size > file.size) throw new Error(`entry ${excerpt(name)} goes beyond the end of the archive`);
  return begin;
}

/**
 * Follows an entry as it is read from its beginning to its end, in parts, and throws after the last one where
 * the bytes are not those that were saved. Parts that are read in another order are not followed.
 */
export function createCheck({ name, size, crc }: ZipEntry): (begin: number, bytes: Uint8Array) => void {
  let next = 0;
  let found = 0;
  return (begin, bytes) => {
    if (crc === null || (begin !== next && begin !== 0)) return;
    if (begin === 0) found = 0;
    found = crc32(bytes, found);
    next = begin + bytes.length;
    if (next !== size) return;
    if (found !== crc)
      throw new Error(
        `entry ${excerpt(name)} of the archive is damaged: the CRC-32 of its bytes is ${hex(found)}, that of the bytes saved was ${hex(crc)}; copy the file again`,
      );
  };
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

const LOCAL = 30;

/** The place of the directory, which the end of the archive says; from 4 GB on, a record before that. */
async function findDirectory(file: OpenFile): Promise<{ begin: number; size: number; count: number }> {
  const from = Math.max(0, file.size - END - COMMENT);
  const tail = viewOf(await file.read(from, file.size));
  let at = tail.byteLength - END;
  while (at >= 0 && tail.getUint32(at, true) !== 0x06054b50) at--;
  if (at < 0) throw new Error('truncated: the archive has no directory at its end; it was probably cut off');
  const small = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    begin: tail.getUint32(at + 16, true),
  };
  if (small.count < 0xffff && small.size < 0xffffffff && small.begin < 0xffffffff) return small;
  const locator = at - 20;
  if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50) return small;
  const record = Number(tail.getBigUint64(locator + 8, true));
  if (record + 56 > file.size) throw new Error(`the archive says that its directory is at byte ${record}`);
  const large = viewOf(await file.read(record, record + 56));
  if (large.getUint32(0, true) !== 0x06064b50) throw new Error('the archive has no directory where it says');
  return {
    count: Number(large.getBigUint64(32, true)),
    size: Number(large.getBigUint64(40, true)),
    begin: Number(large.getBigUint64(48, true)),
  };
}

/** Bytes of an entry of the directory, without its name, extra fields and comment. */
const CENTRAL = 46;

function readEntry(bytes: Uint8Array, at: number, held: number): { entry: ZipEntry; next: number } {
  const view = viewOf(bytes);
  const broken = (): Error => new Error(`the directory of the archive is damaged at its byte ${at}`);
  if (at + CENTRAL > bytes.length || view.getUint32(at, true) !== 0x02014b50) throw broken();
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
  const extra = at + CENTRAL + nameLength;
  const next = extra + extraLength + view.getUint16(at + 32, true);
  if (next > bytes.length) throw broken();
  const name = new TextDecoder().decode(bytes.subarray(at + CENTRAL, extra));
  const fields = [24, 20, 42].map((offset) => view.getUint32(at + offset, true)); // size, stored size, header
  const [size, stored, header] = widened(fields, view, extra, extra + extraLength, broken);
  const packing = (flags & 1) !== 0 ? 'encrypted' : method === 0 ? 'none' : 'compressed';
  if ((packing === 'none' && size !== stored) || header + stored > held)
    throw new Error(`entry ${excerpt(name)} of ${formatAmount(size, 'byte')} does not fit into the archive`);
  const crc = view.getUint32(at + 16, true);
  return { entry: { name, size, packing, header, crc: crc === 0 ? null : crc }, next };
}

/** Fields that are all ones have their value, of 64 bits, in the extra field 1, in this order. */
function widened(
  fields: readonly number[],
  view: DataView,
  begin: number,
  end: number,
  broken: () => Error,
): number[] {
  if (!fields.includes(0xffffffff)) return [...fields];
  for (let at = begin; at + 4 <= end; ) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    let next = at + 4;
    at = next + length;
    if (id !== 1) continue;
    return fields.map((field) => {
      if (field !== 0xffffffff) return field;
      next += 8;
      if (next > Math.min(at, end)) throw broken();
      return Number(view.getBigUint64(next - 8, true));
    });
  }
  throw broken();
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
