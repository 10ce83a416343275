// CRC-32 as in ZIP and PNG (polynomial 0xEDB88320): finds bytes that were damaged on their way. Eight bytes
// at a time, by a table for each ("slicing by 8", Kounavis and Berry 2005).

const POLYNOMIAL = 0xedb88320;

/** `tables[256 * k + b]`: what byte `b` does to the remainder when k more bytes have followed it. */
function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
    tables[byte] = rest;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256];
    tables[i] = (before >>> 8) ^ tables[before & 255];
  }
  return tables;
}

let made: Uint32Array | undefined;

/** The CRC-32 of `bytes`; of those that go on from bytes whose CRC-32 is `before`, that of all. */
export function crc32(bytes: Uint8Array, before = 0): number {
  made ??= makeTables();
  const t = made;
  let rest = ~before;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    rest ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    rest =
      t[1792 + (rest & 255)] ^
      t[1536 + ((rest >>> 8) & 255)] ^
      t[1280 + ((rest >>> 16) & 255)] ^
      t[1024 + (rest >>> 24)] ^
      t[768 + bytes[i + 4]] ^
      t[512 + bytes[i + 5]] ^
      t[256 + bytes[i + 6]] ^
      t[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) rest = (rest >>> 8) ^ t[(rest ^ bytes[i]) & 255];
  return ~rest >>> 0;
}
