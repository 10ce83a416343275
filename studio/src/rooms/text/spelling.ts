// Bytes and tokens as people can read them.

/** Bytes as text, with spaces and line breaks to be seen, and bytes that are no character in hexadecimal. */
export function bytesText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (text.includes('\ufffd')) return hexOf(bytes);
  return Array.from(text, (c) => (c <= ' ' || c === '\x7f' ? signOf(c) : c)).join('');
}

function signOf(c: string): string {
  return SIGNS[c] ?? hexOf(new TextEncoder().encode(c));
}

const SIGNS: Readonly<Record<string, string>> = { ' ': '␣', '\n': '↵', '\r': '\\r', '\t': '⇥' };

/** `e2 80 99` */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
