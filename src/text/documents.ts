// From the files of a folder to one text: which of them are text, and how they are joined.

/**
 * Extensions of the text files that a folder is searched for. Other files must be named, or matched by a
 * pattern.
 */
export const TEXT_KINDS: readonly string[] = [
  '.txt',
  '.text',
  '.md',
  '.markdown',
  '.rst',
  '.adoc',
  '.asciidoc',
  '.org',
  '.tex',
];

/**
 * Joins documents in one buffer, with a line feed between them, and says where each one is in it.
 */
export function joinLines(parts: readonly Uint8Array[]): { bytes: Uint8Array; documents: Uint8Array[] } {
  if (parts.length === 1) return { bytes: parts[0], documents: [parts[0]] };
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length + 1, -1)).fill(0x0a);
  let at = 0;
  const documents = parts.map((part) => {
    bytes.set(part, at);
    at += part.length + 1;
    return bytes.subarray(at - part.length - 1, at - 1);
  });
  return { bytes, documents: documents.filter(({ length }) => length > 0) };
}
