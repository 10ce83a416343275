// What a file is by its first bytes, for messages about a file in the place of another.

/** Beginnings of files, one character for each byte. */
const SIGNATURES: readonly (readonly [start: string, what: string])[] = [
  ['PK\x03\x04', "a ZIP archive (PyTorch's .pth and .pt files are, too)"],
  ['\x1f\x8b', 'gzip data'],
  ['BZh', 'bzip2 data'],
  ['\xfd7zXZ\0', 'xz data'],
  ['\x28\xb5\x2f\xfd', 'Zstandard data'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['\x80\x02', "a Python pickle (PyTorch's old .pth files are, too)"],
  ['\x89HDF\r\n', 'an HDF5 file'],
  ['GGUF', 'a GGUF file'],
  ['\x93NUMPY', 'a NumPy array'],
  ['\x89PNG\r\n', 'a PNG image'],
  ['%PDF-', 'a PDF document'],
  ['SQLite format 3\0', 'an SQLite database'],
  ['\x7fELF', 'a program'],
  ['\xff\xfe', 'UTF-16 text'],
  ['\xfe\xff', 'UTF-16 text'],
];

/** Texts that are known by how they begin. */
const TEXTS: readonly (readonly [start: RegExp, what: string])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: run `git lfs pull`'],
  [/^\s*<[!?a-z]/i, "HTML, such as a server's page for a wrong address"],
  [/^\s*\{\s*["}]/, 'JSON'],
];

/** Bytes that are examined. */
const SEEN = 512;

/** `a ZIP archive`, `HTML, such as ...`; null where the first bytes are of no known kind. */
export function kindOf(bytes: Uint8Array): string | null {
  const seen = bytes.subarray(0, SEEN);
  const start = String.fromCharCode(...seen);
  const [, what] = SIGNATURES.find(([signature]) => start.startsWith(signature)) ?? [];
  if (what !== undefined) return what;
  const text = textOf(seen);
  if (text === null) return null;
  const [, known = 'text'] = TEXTS.find(([beginning]) => beginning.test(text)) ?? [];
  return known;
}

/** The characters if the bytes are UTF-8 without control characters; the last one may be cut off. */
function textOf(bytes: Uint8Array): string | null {
  if (bytes.length === 0 || bytes.some((byte) => byte < 9 || (byte > 13 && byte < 27))) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}
